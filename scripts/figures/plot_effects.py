"""Draw figure 5, the features of frames of high attention or occlusion, from its table."""

from cellfate.base.logs import log_to
from cellfate.base.plot_style import save_figure
from cellfate.base.tables import read_table
from cellfate.explanation.tables import EFFECT_SUMMARY, SEGMENTATION_COVERAGE
from cellfate.figures.effects import plot_effects

log_to(snakemake.log[0])

covered = snakemake.input.get("coverage")
figure = plot_effects(
    read_table(snakemake.input.table, EFFECT_SUMMARY),
    outcomes=snakemake.params.outcomes,
    high_by=snakemake.params.high_by,
    coverage=read_table(covered, SEGMENTATION_COVERAGE) if covered else None,
)
save_figure(figure, snakemake.output.pdf, snakemake.output.png)
