"""Draw the ranking of the genes from its tables."""

from cellfate.logs import log_to
from cellfate.plot_style import save_figure
from cellfate.tables import read_table, read_tables
from cellfate.transition_plots import plot_regulators

log_to(snakemake.log[0])

knockouts = read_table(snakemake.input.knockouts, "gene_knockouts") if snakemake.input.knockouts else None
figure = plot_regulators(read_tables([snakemake.input.rankings, snakemake.input.regression], "gene_rankings"), knockouts)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
