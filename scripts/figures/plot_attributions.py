"""Draw how faithful the methods of explanation are."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.explanation.tables import ATTRIBUTION_CURVES, ATTRIBUTION_SCORES
from cellfate.figures.explained.attributions import plot_attributions

log_to(snakemake.log[0])

scores = read_table(snakemake.input.scores, ATTRIBUTION_SCORES)
curves = read_table(snakemake.input.curves, ATTRIBUTION_CURVES)
save_figure(plot_attributions(scores, curves), snakemake.output.pdf, snakemake.output.png)
