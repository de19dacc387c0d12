"""Say how plausible the tracks of one recording are, in a table."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.frames.drift import read_drift
from cellfate.segmentation.detections import FrameMasks
from cellfate.tracks.quality import assess_tracking
from cellfate.tracks.tables import TRACKING_QUALITY, TRACKS

log_to(snakemake.log[0])

with FrameMasks(snakemake.input.masks) as masks:
    n_frames = masks.n_frames
table = assess_tracking(
    read_table(snakemake.input.tracks, TRACKS),
    n_frames,
    snakemake.params.frame_interval_min,
    snakemake.params.max_step,
    snakemake.params.min_doubling_h,
    read_drift(snakemake.input.get("drift")),
)
write_table(table, snakemake.output.quality, TRACKING_QUALITY)
