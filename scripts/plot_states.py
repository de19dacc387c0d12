"""Draw the states of cells, their transitions and fates, and the Chapman-Kolmogorov check, from their tables."""

from cellfate.logs import log_to
from cellfate.plot_style import save_figure
from cellfate.state_plots import plot_states
from cellfate.tables import read_table

log_to(snakemake.log[0])

names = ("state_transitions", "state_absorption", "state_entropy", "state_checks", "state_check_entries")
figure = plot_states(
    read_table(snakemake.input.profiles, "state_profiles"),
    {name: read_table(snakemake.input[name], name) for name in names},
    outcomes=snakemake.params.outcomes,
    frame_interval_min=snakemake.params.frame_interval_min,
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
