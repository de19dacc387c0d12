"""Predict the fate of each track at each frame from the frames up to it, one recording."""

from cellfate.base.gpus import check_gpus
from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.model.saved.exported import first_prediction
from cellfate.prediction.prefixes import write_predictions
from cellfate.tracks.tables import TRACKS

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

write_predictions(
    snakemake.input.embeddings,
    read_table(snakemake.input.tracks, TRACKS),
    snakemake.input.model,
    snakemake.output.parquet,
    snakemake.output.csv,
    recording=snakemake.wildcards.recording,
    frame_interval_min=snakemake.params.frame_interval_min,
    min_frames=snakemake.params.min_frames or first_prediction(snakemake.input.model),
    every=snakemake.params.every,
    threads=snakemake.threads,
    accelerator=snakemake.params.accelerator,
)
