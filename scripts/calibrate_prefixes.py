"""Fit the calibration of predictions that are made while a trajectory goes on, on the validation part."""

from cellfate.calibration import save_calibration
from cellfate.embeddings import EmbeddingFile
from cellfate.gpus import check_gpus
from cellfate.logs import log_to
from cellfate.prediction import calibrate_prefixes
from cellfate.tables import read_table

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

with EmbeddingFile(snakemake.input.embeddings) as embeddings:
    calibration = calibrate_prefixes(
        embeddings,
        read_table(snakemake.input.trajectories, "trajectories"),
        read_table(snakemake.input.split, "split"),
        snakemake.input.model,
        fold=int(snakemake.wildcards.fold),
        min_frames=snakemake.params.min_frames,
        calibration=snakemake.params.calibration,
        threads=snakemake.threads,
        accelerator=snakemake.params.accelerator,
    )
save_calibration(calibration, snakemake.output.calibration)
