"""Segment the crops of one recording with Cellpose."""

from cellfate.base.gpus import check_gpus
from cellfate.base.logs import log_to
from cellfate.frames.formats import open_frames
from cellfate.segmentation.crops import segment_cells

log_to(snakemake.log[0])
check_gpus(snakemake.resources)

segment_cells(
    snakemake.input.crops,
    snakemake.input.weights,
    snakemake.output.masks,
    tracks=snakemake.params.tracks,
    ladder=snakemake.params.ladder,
    channel=snakemake.params.channel,
    diameter=snakemake.params.diameter,
    flow_threshold=snakemake.params.flow_threshold,
    cellprob_threshold=snakemake.params.cellprob_threshold,
    statistics_min_frames=snakemake.params.statistics_min_frames,
    high_percentile=snakemake.params.high_percentile,
    treatment=snakemake.params.treatment,
    trajectories=snakemake.input.get("trajectories"),
    split=snakemake.input.get("split"),
    batch_size=snakemake.params.batch_size,
    device=snakemake.params.device,
    threads=snakemake.threads,
    whole_frames_from=snakemake.params.whole_frames_from,
    frames=open_frames(**snakemake.params.frames) if snakemake.params.frames else None,
)
