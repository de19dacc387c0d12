"""Knock gene sets out in silico, against matched random sets: an association of the model, not a causal effect."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.transition.files import read_gene_sets, read_prepared
from cellfate.transition.genes.calls import report
from cellfate.transition.genes.sets import found_sets, knock_out_gene_sets
from cellfate.transition.network.variants import load_networks
from cellfate.transition.tables import SET_DRAWS, SET_KNOCKOUTS

log_to(snakemake.log[0])

settings, file = snakemake.params.knockouts, read_prepared(snakemake.input.prepared)
gene_sets = read_gene_sets(snakemake.input.gene_sets)
for own in found_sets(gene_sets, list(file.prepared.genes)):
    if text := own.report():
        print(text)
sets, draws = knock_out_gene_sets(
    file,
    load_networks(snakemake.input.networks)[1],
    gene_sets,
    cells_each=settings["set_cells"],
    set_draws=settings["set_draws"],
    seed=snakemake.params.seed,
)
print(report(sets["q_value"].dropna(), settings["level"], settings["set_draws"], "gene set"))
write_table(sets, snakemake.output.sets, SET_KNOCKOUTS)
write_table(draws, snakemake.output.draws, SET_DRAWS)
