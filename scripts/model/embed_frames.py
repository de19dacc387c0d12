"""Embed every frame of the wanted trajectories of one fold with the trained backbone."""

from cellfate.base.gpus import check_gpus
from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.model.embedding import embed_frames
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

embed_frames(
    snakemake.input.crops,
    read_table(snakemake.input.trajectories, TRAJECTORIES),
    read_table(snakemake.input.split, SPLIT),
    snakemake.input.model,
    snakemake.output.embeddings,
    fold=int(snakemake.wildcards.fold),
    splits=snakemake.params.splits,
    threads=snakemake.threads,
    accelerator=snakemake.params.accelerator,
    **snakemake.params.embedding,
)
