"""Draw the states of cells, their transitions and fates, and the Chapman-Kolmogorov check, from their tables."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.figures.states import plot_states
from cellfate.states.tables import CHAIN_TABLES, STATE_PROFILES

log_to(snakemake.log[0])

figure = plot_states(
    read_table(snakemake.input.profiles, STATE_PROFILES),
    {name: read_table(snakemake.input[name], table) for name, table in CHAIN_TABLES.items()},
    outcomes=snakemake.params.outcomes,
    frame_interval_min=snakemake.params.frame_interval_min,
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
