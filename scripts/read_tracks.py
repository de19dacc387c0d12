"""Check the frames of one recording, then read and check its tracks and outcomes."""

from cellfate.frames import open_frames
from cellfate.logs import log_to
from cellfate.tables import write_table
from cellfate.tracks import read_tracks

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
write_table(tracks, snakemake.output.tracks, "tracks")
write_table(outcomes, snakemake.output.outcomes, "outcomes")
