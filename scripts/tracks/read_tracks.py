"""Check the frames of one recording, then read and check its tracks and outcomes."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.frames.formats import open_frames
from cellfate.tracks.outcomes import read_tracks
from cellfate.tracks.tables import OUTCOMES, TRACKS

log_to(snakemake.log[0])

frames = open_frames(**snakemake.params.frames)
frames.check()
tracks, outcomes = read_tracks(
    snakemake.input.tracks,
    tracks_format=snakemake.params.tracks_format,
    recording=snakemake.wildcards.recording,
    n_frames=frames.n_frames,
    frame_shape=frames.shape,
    event_gap=snakemake.params.event_gap,
    pixel_size_um=snakemake.params.pixel_size_um,
    frame_interval_min=snakemake.params.frame_interval_min,
)
write_table(tracks, snakemake.output.tracks, TRACKS)
write_table(outcomes, snakemake.output.outcomes, OUTCOMES)
