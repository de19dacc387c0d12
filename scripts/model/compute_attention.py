"""The attention of the last layer's [cls] token to each frame, and what the prediction loses without it."""

from cellfate.base.gpus import check_gpus
from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.inference import compute_attention, open_model
from cellfate.model.tables import ATTENTION
from cellfate.trajectories.lengths import Lengths
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

trajectories = read_table(snakemake.input.trajectories, TRAJECTORIES)
with EmbeddingFile(snakemake.input.embeddings) as embeddings:
    attention = compute_attention(
        open_model(snakemake.input.model, threads=snakemake.threads, accelerator=snakemake.params.accelerator),
        embeddings,
        trajectories,
        read_table(snakemake.input.split, SPLIT),
        fold=int(snakemake.wildcards.fold),
        splits=snakemake.params.splits,
        occlusion_window=Lengths.of(trajectories, snakemake.params.treatment).occlusion_window(snakemake.params.occlusion_window),
    )
write_table(attention, snakemake.output.attention, ATTENTION)
