"""Median Cliff's delta of each feature and outcome, with interval, null and correction: the table of figure 5."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.explanation.analysis import read_analysis
from cellfate.explanation.effects import summarize_effects
from cellfate.explanation.tables import EFFECT_SUMMARY, EFFECTS
from cellfate.segmentation.tables import FEATURES

log_to(snakemake.log[0])

analysis = read_analysis(
    snakemake.input.attention,
    snakemake.input.predictions,
    snakemake.input.trajectories,
    outcomes=snakemake.params.outcomes,
    splits=snakemake.params.splits,
    treatment=snakemake.params.treatment,
)
table = summarize_effects(
    read_table(snakemake.input.effects, EFFECTS),
    analysis.weighed_by(snakemake.params.high_by),
    read_tables(snakemake.input.features, FEATURES),
    high_percentile=snakemake.params.high_percentile,
    bootstrap=snakemake.params.bootstrap,
    null_model=snakemake.params.null_model,
    null_draws=snakemake.params.null_draws,
    correction=snakemake.params.correction,
    seed=snakemake.params.seed,
)
write_table(table, snakemake.output.table, EFFECT_SUMMARY)
