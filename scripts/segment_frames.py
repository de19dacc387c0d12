"""Segment the whole frames of one recording with Cellpose."""

from cellfate.frame_segmentation import segment_frames
from cellfate.frames import open_frames
from cellfate.gpus import check_gpus
from cellfate.logs import log_to

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
