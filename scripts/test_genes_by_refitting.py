"""Test each gene on cells that the network was trained without: does it tell what they become, beyond all that the other genes tell?"""

from cellfate.logs import log_to
from cellfate.tables import write_table
from cellfate.transition_files import read_genes, read_prepared
from cellfate.transition_knockouts import smallest_p
from cellfate.transition_refits import refit_p_values
from cellfate.transition_targets import check_transitions

log_to(snakemake.log[0])

file = read_prepared(snakemake.input.prepared)
check_transitions(file.targets)
settings, level = snakemake.params.knockouts, snakemake.params.knockouts["level"]
genes = refit_p_values(
    *file.cells(),
    file.phenotypes,
    settings["refits"],
    settings["permutations"],
    level,
    settings["cells"],
    file.groups,
    snakemake.params.seed,
    model=snakemake.params.model,
    training=snakemake.params.training,
    prior=read_genes(snakemake.input.prior) if snakemake.input.prior else (),
    threads=snakemake.threads,
)
called = f"{int((genes['refit_q_value'] <= level).sum())} of {len(genes)} genes on {genes['n_cells'].iloc[0]} held-out cells"
print(f"{called}; smallest attainable p {smallest_p(settings['permutations']):.2g}, a lone gene needs {level / len(genes):.2g}")
write_table(genes, snakemake.output.genes, "gene_refits")
