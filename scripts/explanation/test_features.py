"""Compare each feature between high- and low-attention frames within each trajectory: permutation test, Cliff's delta."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_tables, write_table
from cellfate.explanation.analysis import read_analysis
from cellfate.explanation.effects import compare_features
from cellfate.explanation.steps import comparison_steps
from cellfate.explanation.tables import COMPARISON_STEPS, EFFECTS
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
min_frames = analysis.lengths.statistics_min_frames(snakemake.params.min_frames, snakemake.params.high_percentile)
effects = compare_features(
    analysis.weighed_by(snakemake.params.high_by),
    read_tables(snakemake.input.features, FEATURES),
    min_frames=min_frames,
    high_percentile=snakemake.params.high_percentile,
    resamples=snakemake.params.resamples,
    seed=snakemake.params.seed,
)
write_table(effects, snakemake.output.effects, EFFECTS)
write_table(comparison_steps(analysis, effects, min_frames), snakemake.output.steps, COMPARISON_STEPS)
