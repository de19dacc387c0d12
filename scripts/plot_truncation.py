"""Draw figure 3, metrics without the last frames and with the last frames only, from the two tables."""

from cellfate.logs import log_to
from cellfate.plot_style import save_figure
from cellfate.plots import plot_truncation
from cellfate.tables import read_table

log_to(snakemake.log[0])

figure = plot_truncation(
    read_table(snakemake.input.truncation, "metrics"),
    read_table(snakemake.input.last_k, "metrics"),
    outcomes=snakemake.params.outcomes,
    frame_interval_min=snakemake.params.frame_interval_min,
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
