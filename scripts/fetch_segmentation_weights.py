"""Fetch the weights of a Cellpose model by its name."""

from cellfate.weights import fetch_weights

fetch_weights(snakemake.wildcards.model, snakemake.output.weights)
