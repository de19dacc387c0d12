"""Draw figure 5, the features of frames of high attention or occlusion, from its table."""

from cellfate.logs import log_to
from cellfate.plot_style import save_figure
from cellfate.plots import plot_effects
from cellfate.tables import read_table

log_to(snakemake.log[0])

figure = plot_effects(
    read_table(snakemake.input.table, "effect_summary"), outcomes=snakemake.params.outcomes, frames=snakemake.params.frames
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
