"""Draw the drift of one recording."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.figures.recording.drift import plot_drift
from cellfate.frames.drift import read_drift

log_to(snakemake.log[0])

shifts = read_drift(snakemake.input.drift)
figure = plot_drift(shifts, recording=snakemake.wildcards.recording, frame_interval_min=snakemake.params.frame_interval_min)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
