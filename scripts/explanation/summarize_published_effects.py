"""Summarise the published effect sizes as our own are: the table of figure 5 from the reference's numbers."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.explanation.published_effects import summarize_published_effects
from cellfate.explanation.tables import EFFECT_SUMMARY

log_to(snakemake.log[0])

summary = summarize_published_effects(
    snakemake.input.folder,
    snakemake.params.outcomes,
    bootstrap=snakemake.params.bootstrap,
    seed=snakemake.params.seed,
)
write_table(summary, snakemake.output.table, EFFECT_SUMMARY)
