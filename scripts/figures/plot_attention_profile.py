"""Draw figure 4, the attention before the end of the trajectories, from its table."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.explanation.tables import ATTENTION_PROFILE
from cellfate.figures.attention_profile import plot_attention_profile

log_to(snakemake.log[0])

figure = plot_attention_profile(
    read_table(snakemake.input.table, ATTENTION_PROFILE),
    outcomes=snakemake.params.outcomes,
    min_trajectories=snakemake.params.min_trajectories,
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
