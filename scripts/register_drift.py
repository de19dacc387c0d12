"""Estimate how far the field of view of one recording moved in each frame."""

from cellfate.drift import estimate_drift, write_drift
from cellfate.frames import open_frames
from cellfate.logs import log_to

log_to(snakemake.log[0])

frames = open_frames(**snakemake.params.frames)
shifts = estimate_drift(frames, channel=snakemake.params.channel, upsampling=snakemake.params.upsampling)
write_drift(shifts, snakemake.output.drift)
