"""Draw the scores of all variants and the reliability of their confidence from their tables."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.figures.transition.ablation import plot_ablation, plot_confidence
from cellfate.transition.tables import TRANSITION_ALL_SCORES, TRANSITION_RELIABILITY

log_to(snakemake.log[0])

scores = read_table(snakemake.input.scores, TRANSITION_ALL_SCORES)
reliability = read_table(snakemake.input.reliability, TRANSITION_RELIABILITY)
save_figure(plot_ablation(scores), snakemake.output.pdf, snakemake.output.png)
save_figure(plot_confidence(reliability, scores), snakemake.output.calibration_pdf, snakemake.output.calibration_png)
