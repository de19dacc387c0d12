"""Draw figure 6, trajectories with their attention, from the table of examples and their crops."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.explanation.examples import read_example_crops
from cellfate.explanation.tables import EXAMPLES
from cellfate.figures.examples import plot_examples

log_to(snakemake.log[0])

crops, channels = read_example_crops(snakemake.input.crops)
figure = plot_examples(read_table(snakemake.input.table, EXAMPLES), crops, channels, outcomes=snakemake.params.outcomes)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
