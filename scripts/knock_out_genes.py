"""Knock each gene out in silico: an association of the model, not a causal effect."""

from cellfate.logs import log_to
from cellfate.tables import read_table, write_table
from cellfate.transition import load_network, look
from cellfate.transition_files import read_prepared
from cellfate.transition_knockouts import genes_against_null, smallest_p, some_of_each, with_refits
from cellfate.transition_targets import check_transitions

log_to(snakemake.log[0])

file = read_prepared(snakemake.input.prepared)
check_transitions(file.targets)
settings, prepared = snakemake.params.knockouts, file.prepared
run = look("full", load_network(snakemake.input.network), *file.cells(), len(file.phenotypes))
cells = run.cells.take(some_of_each(run.cells.phenotype, settings["cells"]))
genes, edges = genes_against_null(
    run.model(),
    cells,
    prepared.zero,
    list(prepared.genes),
    file.phenotypes,
    settings["permutations"],
    settings["level"],
    snakemake.params.seed,
)
first = settings["level"] / len(genes)
attainable = smallest_p(settings["permutations"])
print(f"{int(genes['significant'].sum())} of {len(genes)} genes; smallest attainable p {attainable:.2g}, a lone gene needs {first:.2g}")
genes = with_refits(genes, read_table(snakemake.input.refits, "gene_refits") if snakemake.input.refits else None)
write_table(genes, snakemake.output.genes, "gene_knockouts")
write_table(edges, snakemake.output.edges, "knockout_edges")
