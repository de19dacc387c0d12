"""Draw the predictions of one recording: tracks on the first and last frame, and each track's probability over time."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.figures.recording.predictions import write_picture
from cellfate.frames.formats import open_frames
from cellfate.prediction.tables import FATE_PREDICTIONS
from cellfate.tracks.tables import TRACKS

log_to(snakemake.log[0])

write_picture(
    open_frames(**snakemake.params.frames),
    read_table(snakemake.input.tracks, TRACKS),
    read_table(snakemake.input.predictions, FATE_PREDICTIONS),
    snakemake.input.model,
    snakemake.output.pdf,
    snakemake.output.png,
    recording=snakemake.wildcards.recording,
    frame_interval_min=snakemake.params.frame_interval_min,
)
