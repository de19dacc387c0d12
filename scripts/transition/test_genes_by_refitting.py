"""Test each gene on cells that the network was trained without: does it tell what they become, beyond all that the other genes tell?"""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.transition.files import read_genes, read_prepared
from cellfate.transition.fit import SEED_STEP
from cellfate.transition.genes.calls import report
from cellfate.transition.genes.refits import refit_p_values
from cellfate.transition.tables import GENE_REFITS

log_to(snakemake.log[0])

file, settings = read_prepared(snakemake.input.prepared), snakemake.params.knockouts
genes = refit_p_values(
    *file.cells(),
    file.phenotypes,
    snakemake.params.network,
    refits=settings["refits"],
    permutations=settings["permutations"],
    level=settings["level"],
    cells_each=settings["cells"],
    seed=snakemake.params.seed + SEED_STEP * int(snakemake.wildcards.turn),
    groups=file.groups,
    model=snakemake.params.model,
    training=snakemake.params.training,
    prior=read_genes(snakemake.input.prior) if snakemake.input.prior else (),
    threads=snakemake.threads,
)
print(report(genes["refit_q_value"], settings["level"], settings["permutations"], "gene"))
write_table(genes, snakemake.output.genes, GENE_REFITS)
