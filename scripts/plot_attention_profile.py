"""Draw figure 4, the attention before the end of the trajectories, from its table."""

from cellfate.logs import log_to
from cellfate.plot_style import save_figure
from cellfate.plots import plot_attention_profile
from cellfate.tables import read_table

log_to(snakemake.log[0])

figure = plot_attention_profile(read_table(snakemake.input.table, "attention_profile"), outcomes=snakemake.params.outcomes)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
