"""Median Cliff's delta of each feature and outcome, with interval, null and correction: the table of figure 5."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.explanation.effects import summarize_effects
from cellfate.explanation.frame_weights import weigh_frames
from cellfate.explanation.tables import EFFECT_SUMMARY, EFFECTS
from cellfate.model.tables import ATTENTION, PREDICTIONS
from cellfate.segmentation.tables import FEATURES
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

trajectories = read_table(snakemake.input.trajectories, TRAJECTORIES)
table = summarize_effects(
    read_table(snakemake.input.effects, EFFECTS),
    weigh_frames(read_tables(snakemake.input.attention, ATTENTION), trajectories, snakemake.params.frames),
    read_tables(snakemake.input.predictions, PREDICTIONS),
    trajectories,
    read_tables(snakemake.input.features, FEATURES),
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
write_table(table, snakemake.output.table, EFFECT_SUMMARY)
