"""Write the tracks of one recording with their predictions for viewers: a GEFF graph and napari's tracks."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.prediction.tables import FATE_PREDICTIONS, NEW_FATES
from cellfate.prediction.viewers import write_viewer_files
from cellfate.tracks.tables import TRACKS

log_to(snakemake.log[0])

predictions = snakemake.input.get("predictions")
write_viewer_files(
    read_table(snakemake.input.tracks, TRACKS),
    read_table(predictions, FATE_PREDICTIONS) if predictions else None,
    read_table(snakemake.input.fates, NEW_FATES),
    snakemake.input.model,
    snakemake.output.geff,
    snakemake.output.napari,
    frame_interval_min=snakemake.params.frame_interval_min,
    pixel_size_um=snakemake.params.pixel_size_um,
    images=snakemake.input.get("images"),
)
