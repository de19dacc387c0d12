"""Compare probabilities with observed frequencies, before and after calibration, at each truncation."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_tables, write_table
from cellfate.evaluation.calibration import tabulate_calibration
from cellfate.evaluation.tables import CALIBRATION
from cellfate.model.tables import PREDICTIONS

log_to(snakemake.log[0])

table = tabulate_calibration(
    read_tables(snakemake.input.predictions, PREDICTIONS),
    bins=snakemake.params.bins,
    calibration=snakemake.params.calibration,
)
write_table(table, snakemake.output.table, CALIBRATION)
