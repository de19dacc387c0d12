"""Assign the trajectories to train, validation and test, whole units together."""

from cellfate.logs import log_to
from cellfate.split import split_flow, split_trajectories
from cellfate.tables import read_table, write_table

log_to(snakemake.log[0])

trajectories = read_table(snakemake.input.trajectories, "trajectories")
split = split_trajectories(
    trajectories,
    unit=snakemake.params.unit,
    folds=snakemake.params.folds,
    fractions=snakemake.params.fractions,
    seed=snakemake.params.seed,
    min_frames=snakemake.params.min_frames,
)
write_table(split, snakemake.output.split, "split")
write_table(split_flow(trajectories, split), snakemake.output.flow, "flow")
