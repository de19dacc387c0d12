"""Cut a square around each wanted cell in every frame of one recording."""

from cellfate.crops import extract_crops
from cellfate.frames import open_frames
from cellfate.logs import log_to
from cellfate.tables import read_table

log_to(snakemake.log[0])

extract_crops(
    open_frames(**snakemake.params.frames),
    read_table(snakemake.input.tracks, "tracks"),
    read_table(snakemake.input.outcomes, "outcomes"),
    snakemake.output.crops,
    recording=snakemake.params.recording,
    size=snakemake.params.size,
    which=snakemake.params.tracks,
    outcomes_wanted=snakemake.params.outcomes,
    min_frames=snakemake.params.min_frames,
    frame_interval_min=snakemake.params.frame_interval_min,
    pixel_size_um=snakemake.params.pixel_size_um,
)
