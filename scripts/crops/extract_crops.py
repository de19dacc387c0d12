"""Cut a square around each wanted cell in every frame of one recording."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.crops.extraction import extract_crops
from cellfate.frames.formats import open_frames
from cellfate.tracks.tables import OUTCOMES, TRACKS

log_to(snakemake.log[0])

extract_crops(
    open_frames(**snakemake.params.frames),
    read_table(snakemake.input.tracks, TRACKS),
    read_table(snakemake.input.outcomes, OUTCOMES),
    snakemake.output.crops,
    recording=snakemake.params.recording,
    size=snakemake.params.size,
    which=snakemake.params.tracks,
    outcomes_wanted=snakemake.params.outcomes,
    min_frames=snakemake.params.min_frames,
    frame_interval_min=snakemake.params.frame_interval_min,
    pixel_size_um=snakemake.params.pixel_size_um,
)
