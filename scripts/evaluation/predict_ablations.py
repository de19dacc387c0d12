"""Predict held-out trajectories with the cell, its surroundings, channels, or the order of frames hidden from the trained network."""

from cellfate.base.gpus import check_gpus
from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.evaluation.ablations.inputs import FoldFiles
from cellfate.evaluation.ablations.predict import Ablations, predict_ablations
from cellfate.evaluation.ablations.tables import ABLATED
from cellfate.model.calibration import read_calibration
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.inference import open_model
from cellfate.model.scaling import scaling_of
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

fold = FoldFiles(
    read_table(snakemake.input.trajectories, TRAJECTORIES),
    read_table(snakemake.input.split, SPLIT),
    snakemake.input.crops,
    snakemake.input.masks,
    int(snakemake.wildcards.fold),
)
with EmbeddingFile(snakemake.input.embeddings) as embeddings:
    ablated = predict_ablations(
        open_model(snakemake.input.model, threads=snakemake.threads, accelerator=snakemake.params.accelerator),
        embeddings,
        scaling_of(snakemake.input.model),
        read_calibration(snakemake.input.calibration),
        fold,
        Ablations(**snakemake.params.settings),
    )
write_table(ablated, snakemake.output.ablated, ABLATED)
