"""Knock each gene out in silico: an association of the model, not a causal effect."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.transition.files import read_prepared
from cellfate.transition.genes.calls import NO_REFITS, report
from cellfate.transition.genes.knockouts import knock_out_genes, with_refits
from cellfate.transition.network.variants import load_networks
from cellfate.transition.tables import GENE_KNOCKOUTS, GENE_REFITS, KNOCKOUT_EDGES

log_to(snakemake.log[0])

settings = snakemake.params.knockouts
found = knock_out_genes(
    read_prepared(snakemake.input.prepared),
    load_networks(snakemake.input.networks)[1],
    cells_each=settings["cells"],
    permutations=settings["permutations"],
    level=settings["level"],
    seed=snakemake.params.seed,
)
refits = [read_table(path, GENE_REFITS) for path in snakemake.input.refits]
genes = with_refits(found.table, refits, settings["level"])
print(report(genes["refit_q_value"], settings["level"], settings["permutations"], "gene") if refits else NO_REFITS)
write_table(genes, snakemake.output.genes, GENE_KNOCKOUTS)
write_table(found.edges(genes["significant"].to_numpy(bool)), snakemake.output.edges, KNOCKOUT_EDGES)
