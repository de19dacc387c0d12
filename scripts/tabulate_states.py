"""Transitions between states, absorption by fates, entropy, and the Chapman-Kolmogorov check of each group of recordings."""

import sys

from cellfate.logs import log_to
from cellfate.recordings import read_sheet
from cellfate.states import count_groups, findings, tabulate_states
from cellfate.tables import read_table, write_table

log_to(snakemake.log[0])

settings = snakemake.params
groups = count_groups(
    read_table(snakemake.input.states, "states"),
    read_table(snakemake.input.trajectories, "trajectories"),
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
    write_table(table, snakemake.output[name], name)
print(findings(groups, tables["state_checks"]), file=sys.stderr)
