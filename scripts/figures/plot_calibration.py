"""Draw the reliability of the probabilities before and after calibration from its table."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.evaluation.tables import CALIBRATION
from cellfate.figures.scores.calibration import plot_calibration
from cellfate.trajectories.lengths import minutes_per_frame
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

figure = plot_calibration(
    read_table(snakemake.input.table, CALIBRATION),
    outcomes=snakemake.params.outcomes,
    min_trajectories=snakemake.params.min_trajectories,
    frame_interval_min=minutes_per_frame(read_table(snakemake.input.trajectories, TRAJECTORIES)),
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
