"""Embed every frame of the wanted trajectories of one fold with the trained backbone."""

from cellfate.embeddings import embed_frames
from cellfate.gpus import check_gpus
from cellfate.logs import log_to
from cellfate.tables import read_table

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

embed_frames(
    snakemake.input.crops,
    read_table(snakemake.input.trajectories, "trajectories"),
    read_table(snakemake.input.split, "split"),
    snakemake.input.model,
    snakemake.output.embeddings,
    fold=int(snakemake.wildcards.fold),
    splits=snakemake.params.splits,
    threads=snakemake.threads,
    accelerator=snakemake.params.accelerator,
    **snakemake.params.embedding,
)
