"""Draw the transition graph and matrix, or the confusion of phenotypes, from its table."""

from cellfate.logs import log_to
from cellfate.plot_style import save_figure
from cellfate.tables import read_table
from cellfate.transition_plots import plot_matrix

log_to(snakemake.log[0])

save_figure(plot_matrix(read_table(snakemake.input.matrix, "transition_matrix")), snakemake.output.pdf, snakemake.output.png)
