"""Say how plausible the tracks of one recording are, in a table."""

from cellfate.drift import read_drift
from cellfate.frame_masks import FrameMasks
from cellfate.logs import log_to
from cellfate.tables import read_table, write_table
from cellfate.tracking_quality import assess_tracking

log_to(snakemake.log[0])

with FrameMasks(snakemake.input.masks) as masks:
    n_frames = masks.n_frames
table = assess_tracking(
    read_table(snakemake.input.tracks, "tracks"),
    n_frames,
    snakemake.params.frame_interval_min,
    snakemake.params.max_step,
    snakemake.params.min_doubling_h,
    read_drift(snakemake.input.get("drift")),
)
write_table(table, snakemake.output.quality, "tracking_quality")
