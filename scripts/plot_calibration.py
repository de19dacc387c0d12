"""Draw the reliability of the probabilities before and after calibration from its table."""

from cellfate.logs import log_to
from cellfate.plot_checks import plot_calibration
from cellfate.plot_style import save_figure
from cellfate.tables import read_table

log_to(snakemake.log[0])

figure = plot_calibration(
    read_table(snakemake.input.table, "calibration"),
    outcomes=snakemake.params.outcomes,
    frame_interval_min=snakemake.params.frame_interval_min,
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
