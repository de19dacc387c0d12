"""Draw the risks of single held-out cells."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.evaluation.risks.tables import RISK_EXAMPLES
from cellfate.figures.scores.risks import plot_risk_examples

log_to(snakemake.log[0])

figure = plot_risk_examples(read_table(snakemake.input.table, RISK_EXAMPLES), snakemake.params.outcomes)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
