"""Label every track, cut it at its event and say which trajectories are long enough."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.recordings.sheet import read_sheet
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
write_table(trajectories, snakemake.output.trajectories, TRAJECTORIES)
