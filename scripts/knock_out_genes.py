"""Knock each gene out in silico: an association of the model, not a causal effect."""

from cellfate.logs import log_to
from cellfate.tables import read_table, write_table
from cellfate.transition import load_network
from cellfate.transition_files import read_prepared
from cellfate.transition_knockouts import knock_out_genes, report, with_refits

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
genes = with_refits(genes, read_table(snakemake.input.refits, "gene_refits") if snakemake.input.refits else None)
write_table(genes, snakemake.output.genes, "gene_knockouts")
write_table(edges, snakemake.output.edges, "knockout_edges")
