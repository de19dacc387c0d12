"""Fit sets of outcomes on held-out prefixes, and say how often they hold the outcome and how many cells they decide."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.evaluation.sets import SetSettings, fit_run_sets, labelled_prefixes, tabulate_sets, tabulate_triage
from cellfate.evaluation.tables import SETS, TRIAGE
from cellfate.model.saved.sets import save_sets
from cellfate.model.tables import PREFIXES
from cellfate.trajectories.lengths import Lengths
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

params = snakemake.params
trajectories = read_table(snakemake.input.trajectories, TRAJECTORIES)
rows = labelled_prefixes(read_tables(snakemake.input.prefixes, PREFIXES), trajectories, params.unit)
steps = Lengths.of(trajectories, None).truncation(params.truncation)
limits = fit_run_sets(rows, params.level)
settings = SetSettings(params.level, params.outcomes, "group" if params.unit == "group" else "recording")
write_table(tabulate_sets(rows, limits, steps, settings), snakemake.output.sets, SETS)
write_table(tabulate_triage(rows, steps), snakemake.output.triage, TRIAGE)
save_sets(limits, params.level, snakemake.output.limits)
