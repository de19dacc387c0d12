"""Measure shape, intensity and neighbours of the cell in each segmented crop."""

from cellfate.base.logs import log_to
from cellfate.segmentation.features import measure_recording

log_to(snakemake.log[0])

measure_recording(
    snakemake.input.masks,
    snakemake.input.crops,
    snakemake.output.features,
    region=snakemake.params.region,
    intensity=snakemake.params.intensity,
    min_area=snakemake.params.min_area,
)
