"""Assign the trajectories to train, validation and test, whole units together."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.recordings.tables import CELLS
from cellfate.trajectories.split import split_flow, split_trajectories
from cellfate.trajectories.tables import FLOW, SPLIT, TRAJECTORIES

log_to(snakemake.log[0])

trajectories = read_table(snakemake.input.trajectories, TRAJECTORIES)
split = split_trajectories(
    trajectories,
    unit=snakemake.params.unit,
    folds=snakemake.params.folds,
    fractions=snakemake.params.fractions,
    seed=snakemake.params.seed,
    min_frames=snakemake.params.min_frames,
    cells=read_table(snakemake.input.cells, CELLS) if snakemake.input.get("cells") else None,
)
write_table(split, snakemake.output.split, SPLIT)
write_table(split_flow(trajectories, split), snakemake.output.flow, FLOW)
