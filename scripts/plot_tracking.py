"""Draw the tracks of one recording on its first and last frame, and in counts over time."""

from cellfate.drift import read_drift
from cellfate.frames import open_frames
from cellfate.logs import log_to
from cellfate.plot_style import save_figure
from cellfate.tables import read_table
from cellfate.tracking_plots import plot_tracking

log_to(snakemake.log[0])

frames = open_frames(**snakemake.params.frames)
channel = frames.channels.index(snakemake.params.channel)
figure = plot_tracking(
    [frames.read(t)[channel] for t in (0, frames.n_frames - 1)],
    read_table(snakemake.input.tracks, "tracks"),
    frames.n_frames,
    read_table(snakemake.input.quality, "tracking_quality"),
    read_drift(snakemake.input.get("drift")),
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
