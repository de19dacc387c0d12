"""Score matrices, rankings and knockouts of simulated cells against the truth; nothing reads the result."""

from cellfate.logs import log_to
from cellfate.tables import read_table, read_tables, write_table
from cellfate.transition_files import read_prepared
from cellfate.transition_truth import read_truth, truth_scores

log_to(snakemake.log[0])

scores = truth_scores(
    read_truth(snakemake.input.truth).held_out(read_prepared(snakemake.input.prepared).prepared),
    read_tables(snakemake.input.matrices, "transition_matrix"),
    read_tables([snakemake.input.rankings, snakemake.input.regression], "gene_rankings"),
    read_table(snakemake.input.knockouts, "gene_knockouts"),
)
write_table(scores, snakemake.output.scores, "transition_truth")
