"""Median Cliff's delta of each feature and outcome, with interval, null and correction: the table of figure 5."""

from cellfate.attention import weigh_frames
from cellfate.effects import summarize_effects
from cellfate.logs import log_to
from cellfate.tables import read_table, read_tables, write_table

log_to(snakemake.log[0])

trajectories = read_table(snakemake.input.trajectories, "trajectories")
table = summarize_effects(
    read_table(snakemake.input.effects, "effects"),
    weigh_frames(read_tables(snakemake.input.attention, "attention"), trajectories, snakemake.params.frames),
    read_tables(snakemake.input.predictions, "predictions"),
    trajectories,
    read_tables(snakemake.input.features, "features"),
    outcomes=snakemake.params.outcomes,
    treatment=snakemake.params.treatment,
    splits=snakemake.params.splits,
    high_percentile=snakemake.params.high_percentile,
    bootstrap=snakemake.params.bootstrap,
    null_model=snakemake.params.null_model,
    null_draws=snakemake.params.null_draws,
    correction=snakemake.params.correction,
    seed=snakemake.params.seed,
)
write_table(table, snakemake.output.table, "effect_summary")
