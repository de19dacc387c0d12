"""Draw the knockouts of genes and gene sets from their tables."""

from cellfate.logs import log_to
from cellfate.plot_style import save_figure
from cellfate.tables import read_table
from cellfate.transition_plots import plot_knockouts

log_to(snakemake.log[0])

settings = snakemake.params.knockouts
figure = plot_knockouts(
    read_table(snakemake.input.genes, "gene_knockouts"),
    read_table(snakemake.input.sets, "set_knockouts") if snakemake.input.sets else None,
    read_table(snakemake.input.draws, "set_draws") if snakemake.input.draws else None,
    permutations=settings["permutations"],
    set_draws=settings["set_draws"],
    level=settings["level"],
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
