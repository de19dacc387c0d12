"""Draw the scores of all variants and the reliability of their confidence, and write the table of scores."""

from cellfate.logs import log_to
from cellfate.plot_style import save_figure
from cellfate.tables import read_tables, write_table
from cellfate.transition_plots import plot_ablation, plot_confidence

log_to(snakemake.log[0])

scores = read_tables(snakemake.input.scores, "transition_scores")
write_table(scores, snakemake.output.table, "transition_scores")
save_figure(plot_ablation(scores), snakemake.output.pdf, snakemake.output.png)
reliability = read_tables(snakemake.input.reliability, "transition_reliability")
save_figure(plot_confidence(reliability, scores), snakemake.output.calibration_pdf, snakemake.output.calibration_png)
