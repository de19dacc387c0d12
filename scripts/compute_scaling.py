"""Mean and standard deviation of each channel over the training crops of one fold."""

from cellfate.logs import log_to
from cellfate.scaling import compute_scaling, write_scaling
from cellfate.tables import read_table

log_to(snakemake.log[0])

scaling = compute_scaling(
    snakemake.input.crops,
    read_table(snakemake.input.trajectories, "trajectories"),
    read_table(snakemake.input.split, "split"),
    fold=int(snakemake.wildcards.fold),
    scaling=snakemake.params.scaling,
)
write_scaling(scaling, snakemake.output.scaling)
