"""Train one variant of the transition network with each seed, and write what these say of the held-out cells together."""

import pandas as pd

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.transition.files import read_genes, read_prepared
from cellfate.transition.fit import cells_of, fit_seeds, together
from cellfate.transition.metrics import convergence_warning
from cellfate.transition.network.variants import save_networks
from cellfate.transition.summaries import cell_table, matrix_table, reliability_table, score_table
from cellfate.transition.tables import TRANSITION_CELLS, TRANSITION_CURVES, TRANSITION_MATRIX, TRANSITION_RELIABILITY, TRANSITION_SCORES

log_to(snakemake.log[0])

variant, confidence_k = snakemake.wildcards.variant, snakemake.params.confidence_k
file = read_prepared(snakemake.input.prepared)
fits = fit_seeds(
    *cells_of(file, variant),
    len(file.phenotypes),
    variant,
    model=snakemake.params.model,
    training=snakemake.params.training,
    seed=snakemake.params.seed,
    seeds=snakemake.params.seeds,
    prior=read_genes(snakemake.input.prior) if snakemake.input.prior else (),
    threads=snakemake.threads,
)
said = together(fits)
save_networks([run.network for run in fits], snakemake.output.networks, variant)
curves = pd.concat([run.curves.assign(seed=turn) for turn, run in enumerate(fits)], ignore_index=True)
write_table(curves, snakemake.output.curves, TRANSITION_CURVES)
scores = score_table(said, fits, confidence_k=confidence_k)
if warning := convergence_warning(scores):
    print(f"Warning: {warning}")
write_table(scores, snakemake.output.scores, TRANSITION_SCORES)
write_table(matrix_table(said, file), snakemake.output.matrix, TRANSITION_MATRIX)
write_table(cell_table(said, file, confidence_k=confidence_k), snakemake.output.cells, TRANSITION_CELLS)
reliability = reliability_table(variant, said.predictions.fused, said.cells.phenotype, confidence_k=confidence_k)
write_table(reliability, snakemake.output.reliability, TRANSITION_RELIABILITY)
