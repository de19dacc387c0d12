"""Train one variant of the transition network and write what it says of the held-out cells."""

from cellfate.logs import log_to
from cellfate.tables import write_table
from cellfate.transition import cells_of, fit, save_network
from cellfate.transition_files import read_genes, read_prepared
from cellfate.transition_tables import cell_table, matrix_table, reliability_table, score_table

log_to(snakemake.log[0])

variant, seed, confidence_k = snakemake.wildcards.variant, snakemake.params.seed, snakemake.params.confidence_k
file = read_prepared(snakemake.input.prepared)
run = fit(
    *cells_of(file, variant),
    len(file.phenotypes),
    variant,
    model=snakemake.params.model,
    training=snakemake.params.training,
    seed=seed,
    prior=read_genes(snakemake.input.prior) if snakemake.input.prior else (),
    threads=snakemake.threads,
)
save_network(run.network, snakemake.output.network, variant)
write_table(run.curves, snakemake.output.curves, "transition_curves")
write_table(score_table(variant, run.scores(confidence_k=confidence_k), len(run.cells)), snakemake.output.scores, "transition_scores")
write_table(matrix_table(run, file, bootstrap=snakemake.params.bootstrap, seed=seed), snakemake.output.matrix, "transition_matrix")
write_table(cell_table(run, file, confidence_k=confidence_k), snakemake.output.cells, "transition_cells")
reliability = reliability_table(variant, run.predictions.fused, run.cells.phenotype, confidence_k=confidence_k)
write_table(reliability, snakemake.output.reliability, "transition_reliability")
