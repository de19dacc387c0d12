"""Draw figure 6, trajectories with their attention, from the table of examples and their crops."""

from cellfate.examples import read_example_crops
from cellfate.logs import log_to
from cellfate.plot_style import save_figure
from cellfate.plots import plot_examples
from cellfate.tables import read_table

log_to(snakemake.log[0])

crops, channels = read_example_crops(snakemake.input.crops)
figure = plot_examples(read_table(snakemake.input.table, "examples"), crops, channels, outcomes=snakemake.params.outcomes)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
