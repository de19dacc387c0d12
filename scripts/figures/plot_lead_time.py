"""Draw from when on an outcome is known."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.evaluation.time.tables import BEFORE_END, EARLINESS, KNOWN_FROM, LANDMARKS
from cellfate.figures.scores.lead_time import plot_lead_time

log_to(snakemake.log[0])

figure = plot_lead_time(
    read_table(snakemake.input.before, BEFORE_END),
    read_table(snakemake.input.landmarks, LANDMARKS),
    read_table(snakemake.input.earliness, EARLINESS),
    read_table(snakemake.input.known, KNOWN_FROM),
    min_trajectories=snakemake.params.min_trajectories,
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
