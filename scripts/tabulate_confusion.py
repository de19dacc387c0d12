"""Count true against predicted outcomes of the held-out trajectories."""

from cellfate.evaluation import confusion_table
from cellfate.logs import log_to
from cellfate.tables import read_tables, write_table

log_to(snakemake.log[0])

table = confusion_table(read_tables(snakemake.input.predictions, "predictions"), snakemake.params.outcomes)
write_table(table, snakemake.output.table, "confusion")
