"""Link the segmented cells of one recording to tracks."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.frames.drift import read_drift
from cellfate.segmentation.detections import FrameMasks, measure_cells
from cellfate.tracks.linking import TrackingSettings, track_cells
from cellfate.tracks.raw import RecordingFacts
from cellfate.tracks.tables import OUTCOMES, TRACKS

log_to(snakemake.log[0])

with FrameMasks(snakemake.input.masks) as masks:
    facts = RecordingFacts(snakemake.wildcards.recording, masks.n_frames, masks.shape)
tracks, outcomes = track_cells(
    measure_cells(snakemake.input.masks),
    snakemake.input.masks,
    facts,
    settings=TrackingSettings(**snakemake.params.settings),
    shifts=read_drift(snakemake.input.get("drift")),
    edited=snakemake.input.get("edited") or None,
)
write_table(tracks, snakemake.output.tracks, TRACKS)
write_table(outcomes, snakemake.output.outcomes, OUTCOMES)
