"""Train the small Cellpose network of the demo on simulated fields."""

from cellfate.cellpose_training import train_network
from cellfate.logs import log_to

log_to(snakemake.log[0])

train_network(
    snakemake.output.weights,
    snakemake.params.seed,
    snakemake.params.settings,
    threads=snakemake.threads,
)
