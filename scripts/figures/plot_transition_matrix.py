"""Draw the transition graph and matrix, or the confusion of phenotypes, from its table."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.figures.transition.matrix import plot_matrix
from cellfate.transition.tables import TRANSITION_MATRIX

log_to(snakemake.log[0])

save_figure(plot_matrix(read_table(snakemake.input.matrices, TRANSITION_MATRIX)), snakemake.output.pdf, snakemake.output.png)
