"""Count true against predicted outcomes of the held-out trajectories."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_tables, write_table
from cellfate.evaluation.metrics import confusion_table
from cellfate.evaluation.tables import CONFUSION
from cellfate.model.tables import PREDICTIONS

log_to(snakemake.log[0])

table = confusion_table(read_tables(snakemake.input.predictions, PREDICTIONS), snakemake.params.outcomes)
write_table(table, snakemake.output.table, CONFUSION)
