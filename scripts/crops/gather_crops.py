"""Put the movies of one recording's cells into its file of crops."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.crops.gathering import gather_crops
from cellfate.crops.movies import MovieSettings
from cellfate.tracks.tables import OUTCOMES, TRACKS

log_to(snakemake.log[0])

params = snakemake.params
gather_crops(
    params.cells,
    read_table(snakemake.input.tracks, TRACKS),
    read_table(snakemake.input.outcomes, OUTCOMES),
    snakemake.output.crops,
    MovieSettings(params.channels.split(","), params.size, params.other_sizes, params.constant_frames),
    recording=snakemake.wildcards.recording,
    which=params.tracks,
    outcomes_wanted=params.outcomes,
    min_frames=params.min_frames,
    frame_interval_min=params.frame_interval_min,
    pixel_size_um=params.pixel_size_um,
)
