"""Train one variant of the transition network and write what it says of the held-out cells."""

import pandas as pd

from cellfate.files import replacing
from cellfate.logs import log_to
from cellfate.tables import write_table
from cellfate.transition import VARIANTS, fit, save_network
from cellfate.transition_files import read_genes, read_prepared
from cellfate.transition_tables import cell_table, matrix_table, reliability_table, score_table

log_to(snakemake.log[0])

variant = snakemake.wildcards.variant
file = read_prepared(snakemake.input.prepared)
prepared, cells = file.cells(VARIANTS[variant].get("standardise", True))
run = fit(
    prepared,
    cells,
    len(file.phenotypes),
    variant,
    model=snakemake.params.model,
    training=snakemake.params.training,
    prior=read_genes(snakemake.input.prior) if snakemake.input.prior else (),
    bootstrap=snakemake.params.bootstrap,
    seed=snakemake.params.seed,
    threads=snakemake.threads,
    confidence_k=snakemake.params.confidence_k,
)
save_network(run.network, snakemake.output.network, variant)
with replacing(snakemake.output.curves) as temporary:
    pd.DataFrame(run.curves).to_csv(temporary, index=False)
write_table(score_table(variant, run.scores, len(run.cells)), snakemake.output.scores, "transition_scores")
write_table(matrix_table(run, file), snakemake.output.matrix, "transition_matrix")
write_table(cell_table(run, file), snakemake.output.cells, "transition_cells")
reliability = reliability_table(variant, run.predictions.fused, run.cells.phenotype, k=snakemake.params.confidence_k)
write_table(reliability, snakemake.output.reliability, "transition_reliability")
