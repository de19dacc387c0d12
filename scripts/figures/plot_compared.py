"""Draw P of another place against this run's, from their table."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.figures.transition.compared import plot_compared
from cellfate.transition.tables import COMPARED_MATRICES

log_to(snakemake.log[0])

save_figure(plot_compared(read_table(snakemake.input.compared, COMPARED_MATRICES)), snakemake.output.pdf, snakemake.output.png)
