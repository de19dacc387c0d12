"""Draw where chains of phenotypes end, from their tables."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.figures.transition.fates import plot_fates
from cellfate.transition.tables import FATE_TIMES, FATE_TRENDS, TRANSITION_FATES

log_to(snakemake.log[0])

declared = {"fates": TRANSITION_FATES, "times": FATE_TIMES, "trends": FATE_TRENDS}
tables = {name: read_table(snakemake.input[name], table) for name, table in declared.items()}
save_figure(plot_fates(**tables, along=snakemake.params.along), snakemake.output.pdf, snakemake.output.png)
