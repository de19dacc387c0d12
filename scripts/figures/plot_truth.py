"""Draw how predictions and masks of simulated recordings agree with the truth, from the two tables of scores."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.figures.truth import plot_truth
from cellfate.truth.tables import TRUTH_FATES, TRUTH_SEGMENTATION

log_to(snakemake.log[0])

figure = plot_truth(
    read_table(snakemake.input.segmentation, TRUTH_SEGMENTATION),
    read_table(snakemake.input.fates, TRUTH_FATES),
    outcomes=snakemake.params.outcomes,
    min_trajectories=snakemake.params.min_trajectories,
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
