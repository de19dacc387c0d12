"""Write the frames of one recording, and the outlines of cells that were tracked here, as arrays that viewers open beside its tracks."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.frames.formats import open_frames
from cellfate.prediction.viewer_images import write_viewer_images
from cellfate.tracks.tables import TRACKS

log_to(snakemake.log[0])

masks = snakemake.input.get("masks")
write_viewer_images(
    snakemake.output.images,
    open_frames(**snakemake.params.frames),
    read_table(snakemake.input.tracks, TRACKS) if masks else None,
    masks,
    frame_interval_min=snakemake.params.frame_interval_min,
    pixel_size_um=snakemake.params.pixel_size_um,
)
