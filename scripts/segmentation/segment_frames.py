"""Segment the whole frames of one recording with Cellpose."""

from cellfate.base.gpus import check_gpus
from cellfate.base.logs import log_to
from cellfate.frames.formats import open_frames
from cellfate.segmentation.frames import segment_frames

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

segment_frames(
    open_frames(**snakemake.params.frames),
    snakemake.input.weights,
    snakemake.output.masks,
    recording=snakemake.wildcards.recording,
    channel=snakemake.params.channel,
    diameter=snakemake.params.diameter,
    flow_threshold=snakemake.params.flow_threshold,
    cellprob_threshold=snakemake.params.cellprob_threshold,
    min_area=snakemake.params.min_area,
    batch_size=snakemake.params.batch_size,
    device=snakemake.params.device,
    threads=snakemake.threads,
)
