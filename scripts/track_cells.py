"""Link the segmented cells of one recording to tracks."""

from cellfate.drift import read_drift
from cellfate.frame_masks import FrameMasks, measure_cells
from cellfate.logs import log_to
from cellfate.tables import write_table
from cellfate.tracking import TrackingSettings, track_cells

log_to(snakemake.log[0])

with FrameMasks(snakemake.input.masks) as masks:
    n_frames, frame_shape = masks.n_frames, masks.shape
tracks, outcomes = track_cells(
    measure_cells(snakemake.input.masks),
    snakemake.input.masks,
    recording=snakemake.wildcards.recording,
    n_frames=n_frames,
    frame_shape=frame_shape,
    settings=TrackingSettings(**snakemake.params.settings),
    shifts=read_drift(snakemake.input.get("drift")),
)
write_table(tracks, snakemake.output.tracks, "tracks")
write_table(outcomes, snakemake.output.outcomes, "outcomes")
