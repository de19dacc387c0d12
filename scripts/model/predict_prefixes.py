"""Predict trajectories from their first n frames alone, for many n, and fit the calibration on the validation part."""

from cellfate.base.gpus import check_gpus
from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.model.calibration import save_calibration
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.inference import open_model
from cellfate.model.prefixes import predict_prefixes
from cellfate.model.tables import PREFIXES
from cellfate.trajectories.lengths import Lengths
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

trajectories = read_table(snakemake.input.trajectories, TRAJECTORIES)
with EmbeddingFile(snakemake.input.embeddings) as embeddings:
    prefixes, calibration = predict_prefixes(
        open_model(snakemake.input.model, threads=snakemake.threads, accelerator=snakemake.params.accelerator),
        embeddings,
        trajectories,
        read_table(snakemake.input.split, SPLIT),
        fold=int(snakemake.wildcards.fold),
        truncation=Lengths.of(trajectories, snakemake.params.treatment).truncation(snakemake.params.truncation),
        min_frames=snakemake.params.min_frames,
        every=snakemake.params.every,
        calibration=snakemake.params.calibration,
    )
write_table(prefixes, snakemake.output.prefixes, PREFIXES)
save_calibration(calibration, snakemake.output.calibration)
