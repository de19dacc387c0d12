"""Knock gene sets out in silico, against matched random sets: an association of the model, not a causal effect."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.transition.files import read_gene_sets, read_prepared
from cellfate.transition.fit import load_network
from cellfate.transition.genes.knockouts import knock_out_gene_sets, report
from cellfate.transition.tables import SET_DRAWS, SET_KNOCKOUTS

log_to(snakemake.log[0])

settings = snakemake.params.knockouts
sets, draws = knock_out_gene_sets(
    read_prepared(snakemake.input.prepared),
    load_network(snakemake.input.network),
    read_gene_sets(snakemake.input.gene_sets),
    cells_each=settings["set_cells"],
    set_draws=settings["set_draws"],
    seed=snakemake.params.seed,
)
print(report(sets["q_value"], settings["level"], settings["set_draws"], "gene set"))
write_table(sets, snakemake.output.sets, SET_KNOCKOUTS)
write_table(draws, snakemake.output.draws, SET_DRAWS)
