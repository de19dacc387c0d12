"""Fetch the weights of a Cellpose model by its name."""

from cellfate.logs import log_to
from cellfate.weights import fetch_weights

log_to(snakemake.log[0])

fetch_weights(snakemake.wildcards.model, snakemake.output.weights)
