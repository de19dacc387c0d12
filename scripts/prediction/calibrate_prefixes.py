"""Fit the calibration of predictions that are made while a trajectory goes on, on the validation part."""

from cellfate.base.gpus import check_gpus
from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.model.calibration import save_calibration
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.prediction.prefixes import calibrate_prefixes
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

with EmbeddingFile(snakemake.input.embeddings) as embeddings:
    calibration = calibrate_prefixes(
        embeddings,
        read_table(snakemake.input.trajectories, TRAJECTORIES),
        read_table(snakemake.input.split, SPLIT),
        snakemake.input.model,
        fold=int(snakemake.wildcards.fold),
        min_frames=snakemake.params.min_frames,
        calibration=snakemake.params.calibration,
        threads=snakemake.threads,
        accelerator=snakemake.params.accelerator,
    )
save_calibration(calibration, snakemake.output.calibration)
