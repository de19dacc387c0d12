"""Train the network on one fold, or import the published weights."""

from cellfate.gpus import check_gpus
from cellfate.logs import log_to
from cellfate.scaling import read_scaling
from cellfate.tables import read_table
from cellfate.training import train

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

train(
    snakemake.input.crops,
    read_table(snakemake.input.trajectories, "trajectories"),
    read_table(snakemake.input.split, "split"),
    read_scaling(snakemake.input.scaling),
    snakemake.output.model,
    fold=int(snakemake.wildcards.fold),
    seed=snakemake.params.seed,
    outcomes=snakemake.params.outcomes,
    model=snakemake.params.model,
    training=snakemake.params.training,
    augmentation=snakemake.params.augmentation,
    resume=snakemake.params.resume,
    code=snakemake.input.code,
    checkpoint=snakemake.input.checkpoint,
    threads=snakemake.threads,
)
