"""Draw how well the network does with parts of the input hidden."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.evaluation.ablations.tables import ABLATIONS
from cellfate.figures.explained.ablations import plot_ablations

log_to(snakemake.log[0])

save_figure(plot_ablations(read_table(snakemake.input.table, ABLATIONS)), snakemake.output.pdf, snakemake.output.png)
