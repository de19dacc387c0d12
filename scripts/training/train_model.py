"""Train the network on one fold, or import the published weights."""

from cellfate.base.gpus import check_gpus
from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.model.scaling import read_scaling
from cellfate.training.train import train
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

train(
    snakemake.input.crops,
    read_table(snakemake.input.trajectories, TRAJECTORIES),
    read_table(snakemake.input.split, SPLIT),
    read_scaling(snakemake.input.scaling) if snakemake.input.get("scaling") else None,
    snakemake.output.model,
    fold=int(snakemake.wildcards.fold),
    seed=snakemake.params.seed,
    outcomes=snakemake.params.outcomes,
    model=snakemake.params.model,
    training=snakemake.params.training,
    augmentation=snakemake.params.augmentation,
    resume=snakemake.params.resume,
    code=snakemake.input.code,
    checkpoint=snakemake.input.get("checkpoint"),
    threads=snakemake.threads,
)
