"""Draw figure 3, metrics without the last frames and with the last frames only, from the two tables."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.evaluation.tables import BASELINES, METRICS
from cellfate.figures.scores.truncation import plot_truncation
from cellfate.trajectories.lengths import minutes_per_frame
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

figure = plot_truncation(
    read_table(snakemake.input.truncation, METRICS),
    read_table(snakemake.input.last_k, METRICS),
    read_table(snakemake.input.baselines, BASELINES),
    outcomes=snakemake.params.outcomes,
    min_trajectories=snakemake.params.min_trajectories,
    frame_interval_min=minutes_per_frame(read_table(snakemake.input.trajectories, TRAJECTORIES)),
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
