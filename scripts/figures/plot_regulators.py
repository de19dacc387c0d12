"""Draw the ranking of the genes from its tables."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table, read_tables
from cellfate.figures.transition.regulators import plot_regulators
from cellfate.transition.tables import GENE_KNOCKOUTS, GENE_RANKINGS

log_to(snakemake.log[0])

knockouts = read_table(snakemake.input.knockouts, GENE_KNOCKOUTS) if snakemake.input.knockouts else None
figure = plot_regulators(read_tables([snakemake.input.rankings, snakemake.input.regression], GENE_RANKINGS), knockouts)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
