"""Knock each gene out in silico: an association of the model, not a causal effect."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.transition.files import read_prepared
from cellfate.transition.fit import load_network
from cellfate.transition.genes.knockouts import knock_out_genes, report, with_refits
from cellfate.transition.tables import GENE_KNOCKOUTS, GENE_REFITS, KNOCKOUT_EDGES

log_to(snakemake.log[0])

settings = snakemake.params.knockouts
genes, edges = knock_out_genes(
    read_prepared(snakemake.input.prepared),
    load_network(snakemake.input.network),
    cells_each=settings["cells"],
    permutations=settings["permutations"],
    level=settings["level"],
    seed=snakemake.params.seed,
)
print(report(genes["q_value"], settings["level"], settings["permutations"], "gene"))
genes = with_refits(genes, read_table(snakemake.input.refits, GENE_REFITS) if snakemake.input.refits else None)
write_table(genes, snakemake.output.genes, GENE_KNOCKOUTS)
write_table(edges, snakemake.output.edges, KNOCKOUT_EDGES)
