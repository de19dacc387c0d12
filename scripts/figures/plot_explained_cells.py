"""Draw single cells: film strip, probability, what the methods say, and features, along one axis."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.explanation.examples import read_example_crops
from cellfate.explanation.tables import EXAMPLES, EXPLAINED_CELLS, GIVEN_AWAY
from cellfate.figures.explained.cells import plot_explained_cells

log_to(snakemake.log[0])

crops, _ = read_example_crops(snakemake.input.crops)
figure = plot_explained_cells(
    read_table(snakemake.input.table, EXPLAINED_CELLS),
    read_table(snakemake.input.said, GIVEN_AWAY),
    read_table(snakemake.input.examples, EXAMPLES),
    crops,
    snakemake.params.outcomes,
    shown=snakemake.params.shown,
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
