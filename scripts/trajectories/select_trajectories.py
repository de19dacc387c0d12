"""Label every track, cut it at its event and say which trajectories are long enough."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_tables, write_table
from cellfate.recordings.sheet import read_sheet
from cellfate.tracks.tables import TRACK_CONFIDENCE
from cellfate.trajectories.confidence import with_confidence
from cellfate.trajectories.selection import read_tracks_and_outcomes, select_trajectories
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

tracks, outcomes = read_tracks_and_outcomes(snakemake.input.tracks, snakemake.input.outcomes)
trajectories = select_trajectories(
    read_sheet(snakemake.input.sheet),
    tracks,
    outcomes,
    outcome_names=snakemake.params.outcomes,
    min_frames=snakemake.params.min_frames,
    cut_at_event=snakemake.params.cut_at_event,
)
if snakemake.input.get("confidence"):
    table = read_tables(snakemake.input.confidence, TRACK_CONFIDENCE)
    trajectories = with_confidence(trajectories, table, min_confidence=snakemake.params.min_confidence)
write_table(trajectories, snakemake.output.trajectories, TRAJECTORIES)
