"""Draw the drift of one recording."""

from cellfate.drift import read_drift
from cellfate.drift_plots import plot_drift
from cellfate.logs import log_to
from cellfate.plot_style import save_figure

log_to(snakemake.log[0])

shifts = read_drift(snakemake.input.drift)
figure = plot_drift(shifts, recording=snakemake.wildcards.recording, frame_interval_min=snakemake.params.frame_interval_min)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
