"""Rank the genes by every method that the trained networks allow."""

from cellfate.logs import log_to
from cellfate.tables import write_table
from cellfate.transition import load_networks
from cellfate.transition_files import read_genes, read_prepared
from cellfate.transition_rankings import rank_regulators

log_to(snakemake.log[0])

rankings = rank_regulators(
    read_prepared(snakemake.input.prepared),
    load_networks([snakemake.input.network, *snakemake.input.others]),
    explain=snakemake.params.explain,
    cells_each=snakemake.params.cells,
    seed=snakemake.params.seed,
    prior=read_genes(snakemake.input.prior) if snakemake.input.prior else (),
)
write_table(rankings, snakemake.output.rankings, "gene_rankings")
