"""Predict full, truncated and last-k trajectories, with the calibration of the fold."""

from cellfate.base.gpus import check_gpus
from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.model.calibration import read_calibration
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.inference import open_model
from cellfate.model.prefixes import predict_trajectories
from cellfate.model.tables import PREDICTIONS, PREFIXES
from cellfate.trajectories.lengths import Lengths
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

trajectories = read_table(snakemake.input.trajectories, TRAJECTORIES)
lengths = Lengths.of(trajectories, snakemake.params.treatment)
with EmbeddingFile(snakemake.input.embeddings) as embeddings:
    predictions = predict_trajectories(
        open_model(snakemake.input.model, threads=snakemake.threads, accelerator=snakemake.params.accelerator),
        embeddings,
        trajectories,
        read_table(snakemake.input.split, SPLIT),
        fold=int(snakemake.wildcards.fold),
        prefixes=read_table(snakemake.input.prefixes, PREFIXES),
        calibration=read_calibration(snakemake.input.calibration),
        truncation=lengths.truncation(snakemake.params.truncation),
        last_k=lengths.last_k(snakemake.params.last_k),
        treatment=snakemake.params.treatment,
        min_frames=snakemake.params.min_frames,
    )
write_table(predictions, snakemake.output.predictions, PREDICTIONS)
