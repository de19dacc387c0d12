"""Summarise the published effect sizes as our own are: the table of figure 5 from the reference's numbers."""

from cellfate.effects import summarize_published_effects
from cellfate.logs import log_to
from cellfate.tables import write_table

log_to(snakemake.log[0])

summary = summarize_published_effects(
    snakemake.input.folder,
    snakemake.params.outcomes,
    bootstrap=snakemake.params.bootstrap,
    seed=snakemake.params.seed,
)
write_table(summary, snakemake.output.table, "effect_summary")
