"""Draw the knockouts of genes and gene sets from their tables."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.figures.transition.knockouts import plot_knockouts
from cellfate.transition.tables import GENE_KNOCKOUTS, SET_DRAWS, SET_KNOCKOUTS

log_to(snakemake.log[0])

settings = snakemake.params.knockouts
figure = plot_knockouts(
    read_table(snakemake.input.genes, GENE_KNOCKOUTS),
    read_table(snakemake.input.sets, SET_KNOCKOUTS) if snakemake.input.sets else None,
    read_table(snakemake.input.draws, SET_DRAWS) if snakemake.input.draws else None,
    permutations=settings["permutations"],
    set_draws=settings["set_draws"],
    level=settings["level"],
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
