"""Transitions between states, absorption by fates, entropy, and the Chapman-Kolmogorov check of each group of recordings."""

import sys

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.recordings.sheet import read_sheet
from cellfate.states.chain import findings, tabulate_states
from cellfate.states.counting import count_groups
from cellfate.states.tables import CHAIN_TABLES, STATES
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

settings = snakemake.params
groups = count_groups(
    read_table(snakemake.input.states, STATES),
    read_table(snakemake.input.trajectories, TRAJECTORIES),
    read_sheet(snakemake.input.sheet),
    settings.outcomes,
    n_states=settings.n_states,
    lags=[settings.lag * steps for steps in (1, *settings.steps)],
    group_by=settings.group_by,
)
tables = tabulate_states(
    groups, settings.lag, settings.steps, smoothing=settings.smoothing, bootstrap=settings.bootstrap, seed=settings.seed
)
for name, table in tables.items():
    write_table(table, snakemake.output[name], CHAIN_TABLES[name])
print(findings(groups, tables["state_checks"]), file=sys.stderr)
