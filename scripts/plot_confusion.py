"""Draw figure 2, the confusion matrix, from its table."""

from cellfate.logs import log_to
from cellfate.plot_style import save_figure
from cellfate.plots import plot_confusion
from cellfate.tables import read_table

log_to(snakemake.log[0])

figure = plot_confusion(read_table(snakemake.input.table, "confusion"), outcomes=snakemake.params.outcomes)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
