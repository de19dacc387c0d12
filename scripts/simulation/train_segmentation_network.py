"""Train the small Cellpose network of the demo on simulated fields."""

from cellfate.base.logs import log_to
from cellfate.simulation.cellpose_training import train_network

log_to(snakemake.log[0])

train_network(
    snakemake.output.weights,
    snakemake.params.seed,
    snakemake.params.settings,
    threads=snakemake.threads,
)
