"""Draw figure 2, the confusion matrix, from its table."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.evaluation.tables import CONFUSION
from cellfate.figures.scores.confusion import plot_confusion

log_to(snakemake.log[0])

figure = plot_confusion(read_table(snakemake.input.table, CONFUSION), outcomes=snakemake.params.outcomes)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
