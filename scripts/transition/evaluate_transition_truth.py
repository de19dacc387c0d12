"""Score matrices, rankings and knockouts of simulated cells against the truth; nothing reads the result."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.transition.files import read_prepared
from cellfate.transition.tables import GENE_KNOCKOUTS, GENE_RANKINGS, TRANSITION_MATRIX, TRANSITION_TRUTH
from cellfate.transition.truth import read_truth, truth_scores

log_to(snakemake.log[0])

scores = truth_scores(
    read_truth(snakemake.input.truth).held_out(read_prepared(snakemake.input.prepared).prepared),
    read_table(snakemake.input.matrices, TRANSITION_MATRIX),
    read_tables([snakemake.input.rankings, snakemake.input.regression], GENE_RANKINGS),
    read_table(snakemake.input.knockouts, GENE_KNOCKOUTS),
)
write_table(scores, snakemake.output.scores, TRANSITION_TRUTH)
