"""Draw the scores of all variants and the reliability of their confidence from their tables."""

from cellfate.logs import log_to
from cellfate.plot_style import save_figure
from cellfate.tables import read_table
from cellfate.transition_plots import plot_ablation, plot_confidence

log_to(snakemake.log[0])

scores = read_table(snakemake.input.scores, "transition_scores")
reliability = read_table(snakemake.input.reliability, "transition_reliability")
save_figure(plot_ablation(scores), snakemake.output.pdf, snakemake.output.png)
save_figure(plot_confidence(reliability, scores), snakemake.output.calibration_pdf, snakemake.output.calibration_png)
