"""Draw how often sets of outcomes hold, how many cells they decide, and at which error cells could be called."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.evaluation.tables import SETS, TRIAGE
from cellfate.figures.scores.sets import plot_sets
from cellfate.trajectories.lengths import minutes_per_frame
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

figure = plot_sets(
    read_table(snakemake.input.sets, SETS),
    read_table(snakemake.input.triage, TRIAGE),
    outcomes=snakemake.params.outcomes,
    min_trajectories=snakemake.params.min_trajectories,
    frame_interval_min=minutes_per_frame(read_table(snakemake.input.trajectories, TRAJECTORIES)),
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
