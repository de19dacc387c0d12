"""Put the scores of all variants, and the reliability of their confidence, into one table each."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_tables, write_table
from cellfate.transition.summaries import with_roles
from cellfate.transition.tables import TRANSITION_ALL_SCORES, TRANSITION_RELIABILITY, TRANSITION_SCORES

log_to(snakemake.log[0])

scores = with_roles(read_tables(snakemake.input.scores, TRANSITION_SCORES), snakemake.params.network)
write_table(scores, snakemake.output.scores, TRANSITION_ALL_SCORES)
write_table(read_tables(snakemake.input.reliability, TRANSITION_RELIABILITY), snakemake.output.reliability, TRANSITION_RELIABILITY)
