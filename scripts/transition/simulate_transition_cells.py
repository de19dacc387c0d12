"""Simulate cells with planted regulators, and write the truth into a file of its own."""

from cellfate.base.logs import log_to
from cellfate.transition.files import write_gene_sets
from cellfate.transition.simulation import simulate_cells, write_cells, write_truth

log_to(snakemake.log[0])

cells = simulate_cells(**snakemake.params.simulation, seed=snakemake.params.seed)
write_cells(cells, snakemake.output.cells)
write_gene_sets(cells.pathways, snakemake.output.gene_sets)
write_truth(cells, snakemake.output.truth)
