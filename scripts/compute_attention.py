"""The attention of the last layer's [cls] token to each frame, and what the prediction loses without it."""

from cellfate.embeddings import EmbeddingFile
from cellfate.gpus import check_gpus
from cellfate.inference import compute_attention, open_model
from cellfate.logs import log_to
from cellfate.tables import read_table, write_table

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

with EmbeddingFile(snakemake.input.embeddings) as embeddings:
    attention = compute_attention(
        open_model(snakemake.input.model, threads=snakemake.threads, accelerator=snakemake.params.accelerator),
        embeddings,
        read_table(snakemake.input.trajectories, "trajectories"),
        read_table(snakemake.input.split, "split"),
        fold=int(snakemake.wildcards.fold),
        splits=snakemake.params.splits,
        occlusion_window=snakemake.params.occlusion_window,
    )
write_table(attention, snakemake.output.attention, "attention")
