"""Draw the tracks of one recording on its first and last frame, and in counts over time."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.figures.recording.tracking import plot_tracking
from cellfate.frames.drift import read_drift
from cellfate.frames.formats import open_frames
from cellfate.tracks.tables import TRACKING_QUALITY, TRACKS

log_to(snakemake.log[0])

frames = open_frames(**snakemake.params.frames)
channel = frames.channels.index(snakemake.params.channel)
figure = plot_tracking(
    [frames.read(t)[channel] for t in (0, frames.n_frames - 1)],
    read_table(snakemake.input.tracks, TRACKS),
    frames.n_frames,
    read_table(snakemake.input.quality, TRACKING_QUALITY),
    read_drift(snakemake.input.get("drift")),
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
