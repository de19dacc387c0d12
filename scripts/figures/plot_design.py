"""Draw the design from its table and its scores."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.evaluation.tables import DESIGN, DESIGN_SCORES
from cellfate.figures.design import plot_design

log_to(snakemake.log[0])

figure = plot_design(
    read_table(snakemake.input.design, DESIGN),
    read_table(snakemake.input.scores, DESIGN_SCORES),
    outcomes=snakemake.params.outcomes,
    confounded_from=snakemake.params.confounded_from,
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
