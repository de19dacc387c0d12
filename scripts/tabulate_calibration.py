"""Compare probabilities with observed frequencies, before and after calibration, at each truncation."""

from cellfate.evaluation import tabulate_calibration
from cellfate.logs import log_to
from cellfate.tables import read_tables, write_table

log_to(snakemake.log[0])

table = tabulate_calibration(
    read_tables(snakemake.input.predictions, "predictions"),
    bins=snakemake.params.bins,
    calibration=snakemake.params.calibration,
)
write_table(table, snakemake.output.table, "calibration")
