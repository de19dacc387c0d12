"""Fetch the weights of a Cellpose model by its name."""

from cellfate.base.logs import log_to
from cellfate.segmentation.weights import fetch_weights

log_to(snakemake.log[0])

fetch_weights(snakemake.wildcards.model, snakemake.output.weights)
