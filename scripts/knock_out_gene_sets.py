"""Knock gene sets out in silico, against matched random sets: an association of the model, not a causal effect."""

from cellfate.logs import log_to
from cellfate.tables import write_table
from cellfate.transition import load_network, look
from cellfate.transition_files import read_gene_sets, read_prepared
from cellfate.transition_knockouts import sets_against_null, smallest_p, some_of_each
from cellfate.transition_targets import check_transitions

log_to(snakemake.log[0])

file = read_prepared(snakemake.input.prepared)
check_transitions(file.targets)
settings, prepared = snakemake.params.knockouts, file.prepared
run = look("full", load_network(snakemake.input.network), *file.cells(), len(file.phenotypes))
cells = run.cells.take(some_of_each(run.cells.phenotype, settings["set_cells"]))
sets, draws = sets_against_null(
    run.model(),
    cells,
    prepared.zero,
    list(prepared.genes),
    read_gene_sets(snakemake.input.gene_sets),
    prepared.log_expression.mean(axis=0),
    file.phenotypes,
    settings["set_draws"],
    snakemake.params.seed,
)
attainable, first = smallest_p(settings["set_draws"]), settings["level"] / len(sets)
print(f"{len(sets)} gene sets; smallest attainable p {attainable:.2g}, a lone set needs {first:.2g}")
write_table(sets, snakemake.output.sets, "set_knockouts")
write_table(draws, snakemake.output.draws, "set_draws")
