"""Rank the genes by every method that the trained networks allow."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.transition.files import read_genes, read_prepared
from cellfate.transition.genes.rankings import rank_regulators
from cellfate.transition.network.variants import load_networks
from cellfate.transition.tables import GENE_RANKINGS

log_to(snakemake.log[0])

rankings = rank_regulators(
    read_prepared(snakemake.input.prepared),
    dict(load_networks(path) for path in snakemake.input.networks),
    snakemake.params.network,
    explain=snakemake.params.explain,
    cells_each=snakemake.params.cells,
    seed=snakemake.params.seed,
    prior=read_genes(snakemake.input.prior) if snakemake.input.prior else (),
)
write_table(rankings, snakemake.output.rankings, GENE_RANKINGS)
