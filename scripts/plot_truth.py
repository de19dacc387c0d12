"""Draw how predictions and masks of simulated recordings agree with the truth, from the two tables of scores."""

from cellfate.logs import log_to
from cellfate.plot_checks import plot_truth
from cellfate.plot_style import save_figure
from cellfate.tables import read_table

log_to(snakemake.log[0])

figure = plot_truth(
    read_table(snakemake.input.segmentation, "truth_segmentation"),
    read_table(snakemake.input.fates, "truth_fates"),
    outcomes=snakemake.params.outcomes,
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
