"""Draw the cells in their embedding, by phenotype and fate."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.figures.transition.cells import plot_cells
from cellfate.transition.tables import CELL_VIEW

log_to(snakemake.log[0])

save_figure(plot_cells(read_table(snakemake.input.view, CELL_VIEW), snakemake.params.view), snakemake.output.pdf, snakemake.output.png)
