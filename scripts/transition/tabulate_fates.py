"""Tabulate where chains of phenotypes end, when, and with which genes."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, write_table
from cellfate.transition.fates.summary import FATE_TABLES, FateSettings, tabulate_fates
from cellfate.transition.files import read_prepared
from cellfate.transition.tables import TRANSITION_MATRIX, TRANSITION_RATES

log_to(snakemake.log[0])

tables, lines = tabulate_fates(
    read_prepared(snakemake.input.prepared),
    read_table(snakemake.input.matrix, TRANSITION_MATRIX),
    read_table(snakemake.input.rates, TRANSITION_RATES),
    FateSettings(**snakemake.params.fates),
    bootstrap=snakemake.params.bootstrap,
    seed=snakemake.params.seed,
)
print("\n".join(lines))
for declared in FATE_TABLES:
    write_table(tables[declared.name], snakemake.output[declared.name], declared)
