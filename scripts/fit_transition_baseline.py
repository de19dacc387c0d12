"""Fit logistic regressions for the present and the next phenotype."""

from cellfate.logs import log_to
from cellfate.tables import write_table
from cellfate.transition import logistic
from cellfate.transition_files import read_prepared
from cellfate.transition_rankings import ranking_table
from cellfate.transition_tables import logistic_matrix_table, reliability_table, score_table

log_to(snakemake.log[0])

file = read_prepared(snakemake.input.prepared)
prepared, cells = file.cells()
regression, _, scores, held = logistic(prepared, cells, len(file.phenotypes), snakemake.params.confidence_k)
write_table(score_table("logistic", scores, len(held)), snakemake.output.scores, "transition_scores")
matrix = logistic_matrix_table(regression, held, file, snakemake.params.bootstrap, snakemake.params.seed)
write_table(matrix, snakemake.output.matrix, "transition_matrix")
write_table(ranking_table({"logistic regression": regression.gene_scores()}, prepared.genes), snakemake.output.genes, "gene_rankings")
probabilities = regression.phenotype(held.expression)
reliability = reliability_table("logistic", probabilities, held.phenotype, k=snakemake.params.confidence_k)
write_table(reliability, snakemake.output.reliability, "transition_reliability")
