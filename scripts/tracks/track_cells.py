"""Link the segmented cells of one recording to tracks."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.frames.drift import read_drift
from cellfate.segmentation.detections import FrameMasks, measure_cells
from cellfate.tracks.linking import TrackingSettings, track_cells
from cellfate.tracks.tables import OUTCOMES, TRACKS

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
write_table(tracks, snakemake.output.tracks, TRACKS)
write_table(outcomes, snakemake.output.outcomes, OUTCOMES)
