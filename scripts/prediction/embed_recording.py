"""Embed every frame of all long enough tracks of one recording with a trained model, and say how far it lies from the training."""

from cellfate.base.gpus import check_gpus
from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.frames.formats import open_frames
from cellfate.model.saved.exported import first_prediction
from cellfate.prediction.embedding import embed_recording
from cellfate.prediction.shift import write_shift
from cellfate.tracks.tables import TRACKS

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

frames = open_frames(**snakemake.params.frames)
tracks = read_table(snakemake.input.tracks, TRACKS)
known = {
    "recording": snakemake.wildcards.recording,
    "frame_interval_min": snakemake.params.frame_interval_min,
    "pixel_size_um": snakemake.params.pixel_size_um,
    "min_frames": snakemake.params.min_frames or first_prediction(snakemake.input.model),
}
embedded = embed_recording(
    frames,
    tracks,
    snakemake.input.model,
    snakemake.output.embeddings,
    **known,
    allow_other_interval=snakemake.params.allow_other_interval,
    threads=snakemake.threads,
    accelerator=snakemake.params.accelerator,
)
write_shift(embedded, tracks, snakemake.input.model, snakemake.output.shift, n_frames=frames.n_frames, **known)
