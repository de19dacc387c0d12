"""Rank the genes by every method that the trained networks allow."""

from pathlib import Path

import numpy as np

from cellfate.logs import log_to
from cellfate.tables import write_table
from cellfate.transition import VARIANTS, load_network, look, rank_genes
from cellfate.transition_files import read_genes, read_prepared
from cellfate.transition_rankings import ranking_table

log_to(snakemake.log[0])

file = read_prepared(snakemake.input.prepared)
n, seed = len(file.phenotypes), snakemake.params.seed
run = look("full", load_network(snakemake.input.network), *file.cells(), n)
explain = snakemake.params.explain and file.targets_kind != "static"
rankings = rank_genes(run, explain=explain, cells_each=snakemake.params.cells, seed=seed)
for path in snakemake.input.others:
    variant = Path(path).parent.name
    if "network" not in VARIANTS[variant]:
        other = look(variant, load_network(path), *file.cells(VARIANTS[variant].get("standardise", True)), n)
        own = rank_genes(other, explain=False)
        first = next(iter(own))  # attention x weight, or attention alone without eq. 3
        rankings[f"{first}, {variant}"] = own[first]
prior = np.isin(file.prepared.genes, read_genes(snakemake.input.prior)) if snakemake.input.prior else None
write_table(ranking_table(rankings, file.prepared.genes, prior), snakemake.output.rankings, "gene_rankings")
