"""Train one variant of the transition network and write what it says of the held-out cells."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.transition.files import read_genes, read_prepared
from cellfate.transition.fit import cells_of, fit, save_network
from cellfate.transition.summaries import cell_table, matrix_table, reliability_table, score_table
from cellfate.transition.tables import TRANSITION_CELLS, TRANSITION_CURVES, TRANSITION_MATRIX, TRANSITION_RELIABILITY, TRANSITION_SCORES

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
write_table(run.curves, snakemake.output.curves, TRANSITION_CURVES)
write_table(score_table(variant, run.scores(confidence_k=confidence_k), len(run.cells)), snakemake.output.scores, TRANSITION_SCORES)
write_table(matrix_table(run, file, bootstrap=snakemake.params.bootstrap, seed=seed), snakemake.output.matrix, TRANSITION_MATRIX)
write_table(cell_table(run, file, confidence_k=confidence_k), snakemake.output.cells, TRANSITION_CELLS)
reliability = reliability_table(variant, run.predictions.fused, run.cells.phenotype, confidence_k=confidence_k)
write_table(reliability, snakemake.output.reliability, TRANSITION_RELIABILITY)
