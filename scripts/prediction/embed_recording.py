"""Embed every frame of all long enough tracks of one recording with a trained model."""

from cellfate.base.gpus import check_gpus
from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.frames.formats import open_frames
from cellfate.model.saved.exported import first_prediction
from cellfate.prediction.embedding import embed_recording
from cellfate.tracks.tables import TRACKS

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

embed_recording(
    open_frames(**snakemake.params.frames),
    read_table(snakemake.input.tracks, TRACKS),
    snakemake.input.model,
    snakemake.output.embeddings,
    recording=snakemake.wildcards.recording,
    frame_interval_min=snakemake.params.frame_interval_min,
    pixel_size_um=snakemake.params.pixel_size_um,
    min_frames=snakemake.params.min_frames or first_prediction(snakemake.input.model),
    allow_other_interval=snakemake.params.allow_other_interval,
    threads=snakemake.threads,
    accelerator=snakemake.params.accelerator,
)
