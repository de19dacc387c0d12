"""Mean and standard deviation of each channel over the training crops of one fold."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.model.scaling import compute_scaling, write_scaling
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])

scaling = compute_scaling(
    snakemake.input.crops,
    read_table(snakemake.input.trajectories, TRAJECTORIES),
    read_table(snakemake.input.split, SPLIT),
    fold=int(snakemake.wildcards.fold),
    scaling=snakemake.params.scaling,
    scaling_frames=snakemake.params.scaling_frames,
)
write_scaling(scaling, snakemake.output.scaling)
