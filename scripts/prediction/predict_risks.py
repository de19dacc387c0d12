"""Predict how likely each outcome is within so many hours, for each track of one recording at each frame; what the model can say of it."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.frames.formats import open_frames
from cellfate.model.risks.inputs import read_frame_embedding
from cellfate.prediction.risks import NewRecording, write_fates
from cellfate.prediction.tables import FATE_PREDICTIONS
from cellfate.segmentation.tables import FEATURES
from cellfate.tracks.tables import TRACKS

log_to(snakemake.log[0])

predictions, features, embedding = (snakemake.input.get(name) for name in ("predictions", "features", "embedding"))
write_fates(
    open_frames(**snakemake.params.frames),
    read_table(snakemake.input.tracks, TRACKS),
    snakemake.input.model,
    snakemake.output.fates,
    recording=NewRecording(snakemake.wildcards.recording, **snakemake.params.recording),
    predictions=read_table(predictions, FATE_PREDICTIONS) if predictions else None,
    features=read_table(features, FEATURES) if features else None,
    embedding=read_frame_embedding(embedding) if embedding else None,
    allow_other_interval=snakemake.params.allow_other_interval,
    threads=snakemake.threads,
)
