"""Estimate how far the field of view of one recording moved in each frame."""

from cellfate.base.logs import log_to
from cellfate.frames.drift import estimate_drift, write_drift
from cellfate.frames.formats import open_frames

log_to(snakemake.log[0])

frames = open_frames(**snakemake.params.frames)
shifts = estimate_drift(frames, channel=snakemake.params.channel, upsampling=snakemake.params.upsampling)
write_drift(shifts, snakemake.output.drift)
