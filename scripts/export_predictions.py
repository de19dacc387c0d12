"""Write the tracks of one recording with their predictions for viewers: a GEFF graph and napari's tracks."""

from cellfate.exported_model import read_settings
from cellfate.logs import log_to
from cellfate.prediction_files import write_geff, write_napari_tracks
from cellfate.tables import read_table

log_to(snakemake.log[0])

outcomes = read_settings(snakemake.input.model)["outcomes"]
tracks = read_table(snakemake.input.tracks, "tracks")
predictions = read_table(snakemake.input.predictions, "fate_predictions")
write_napari_tracks(tracks, predictions, snakemake.output.napari, outcomes)
write_geff(
    tracks,
    predictions,
    snakemake.output.geff,
    outcomes,
    frame_interval_min=snakemake.params.frame_interval_min,
    pixel_size_um=snakemake.params.pixel_size_um,
)
