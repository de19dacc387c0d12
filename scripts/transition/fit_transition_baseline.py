"""Fit logistic regressions for the present and the next phenotype."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.transition.files import read_prepared
from cellfate.transition.fit import logistic
from cellfate.transition.genes.rankings import ranking_table
from cellfate.transition.summaries import logistic_matrix_table, reliability_table, scores_of
from cellfate.transition.tables import GENE_RANKINGS, TRANSITION_MATRIX, TRANSITION_RELIABILITY, TRANSITION_SCORES

log_to(snakemake.log[0])

confidence_k = snakemake.params.confidence_k
file = read_prepared(snakemake.input.prepared)
regression, _, scores, held = logistic(*file.cells(), len(file.phenotypes), confidence_k=confidence_k)
write_table(scores_of("logistic", scores, len(held)), snakemake.output.scores, TRANSITION_SCORES)
write_table(logistic_matrix_table(regression, held, file), snakemake.output.matrix, TRANSITION_MATRIX)
genes = ranking_table({"logistic regression": regression.gene_scores()}, file.prepared.genes)
write_table(genes, snakemake.output.genes, GENE_RANKINGS)
reliability = reliability_table("logistic", regression.phenotype(held.expression), held.phenotype, confidence_k=confidence_k)
write_table(reliability, snakemake.output.reliability, TRANSITION_RELIABILITY)
