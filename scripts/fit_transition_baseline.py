"""Fit logistic regressions for the present and the next phenotype."""

from cellfate.logs import log_to
from cellfate.tables import write_table
from cellfate.transition import logistic
from cellfate.transition_files import read_prepared
from cellfate.transition_rankings import ranking_table
from cellfate.transition_tables import logistic_matrix_table, reliability_table, score_table

log_to(snakemake.log[0])

confidence_k = snakemake.params.confidence_k
file = read_prepared(snakemake.input.prepared)
regression, _, scores, held = logistic(*file.cells(), len(file.phenotypes), confidence_k=confidence_k)
write_table(score_table("logistic", scores, len(held)), snakemake.output.scores, "transition_scores")
matrix = logistic_matrix_table(regression, held, file, bootstrap=snakemake.params.bootstrap, seed=snakemake.params.seed)
write_table(matrix, snakemake.output.matrix, "transition_matrix")
genes = ranking_table({"logistic regression": regression.gene_scores()}, file.prepared.genes)
write_table(genes, snakemake.output.genes, "gene_rankings")
reliability = reliability_table("logistic", regression.phenotype(held.expression), held.phenotype, confidence_k=confidence_k)
write_table(reliability, snakemake.output.reliability, "transition_reliability")
