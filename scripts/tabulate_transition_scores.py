"""Put the scores of all variants, and the reliability of their confidence, into one table each."""

from cellfate.logs import log_to
from cellfate.tables import read_tables, write_table

log_to(snakemake.log[0])

write_table(read_tables(snakemake.input.scores, "transition_scores"), snakemake.output.scores, "transition_scores")
write_table(read_tables(snakemake.input.reliability, "transition_reliability"), snakemake.output.reliability, "transition_reliability")
