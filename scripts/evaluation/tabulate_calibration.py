"""Compare probabilities with observed frequencies, before and after calibration, at each truncation."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.evaluation.calibration import tabulate_calibration, training_shares
from cellfate.evaluation.tables import CALIBRATION
from cellfate.model.tables import PREDICTIONS
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])

table = tabulate_calibration(
    read_tables(snakemake.input.predictions, PREDICTIONS),
    training_shares(read_table(snakemake.input.trajectories, TRAJECTORIES), read_table(snakemake.input.split, SPLIT)),
    bins=snakemake.params.bins,
    calibration=snakemake.params.calibration,
)
write_table(table, snakemake.output.table, CALIBRATION)
