"""Predict the fate of each track at each frame from the frames up to it, one recording."""

from cellfate.embeddings import EmbeddingFile
from cellfate.gpus import check_gpus
from cellfate.logs import log_to
from cellfate.prediction import predict_recording
from cellfate.tables import read_table, write_table

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

with EmbeddingFile(snakemake.input.embeddings) as embeddings:
    predictions = predict_recording(
        embeddings,
        read_table(snakemake.input.tracks, "tracks"),
        snakemake.input.model,
        recording=snakemake.wildcards.recording,
        frame_interval_min=snakemake.params.frame_interval_min,
        min_frames=snakemake.params.min_frames,
        every=snakemake.params.every,
        threads=snakemake.threads,
        accelerator=snakemake.params.accelerator,
    )
write_table(predictions, snakemake.output.parquet, "fate_predictions")
write_table(predictions, snakemake.output.csv, "fate_predictions")
