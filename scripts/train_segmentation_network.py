"""Train the small Cellpose network of the demo on simulated fields."""

from cellfate.cellpose_training import train_network

train_network(
    snakemake.output.weights,
    snakemake.params.seed,
    snakemake.params.settings,
    threads=snakemake.threads,
)
