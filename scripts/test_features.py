"""Compare each feature between high- and low-attention frames within each trajectory: permutation test, Cliff's delta."""

from cellfate.attention import weigh_frames
from cellfate.effects import compare_features
from cellfate.logs import log_to
from cellfate.tables import read_table, read_tables, write_table

log_to(snakemake.log[0])

trajectories = read_table(snakemake.input.trajectories, "trajectories")
effects = compare_features(
    weigh_frames(read_tables(snakemake.input.attention, "attention"), trajectories, snakemake.params.frames),
    read_tables(snakemake.input.predictions, "predictions"),
    trajectories,
    read_tables(snakemake.input.features, "features"),
    outcomes=snakemake.params.outcomes,
    treatment=snakemake.params.treatment,
    splits=snakemake.params.splits,
    min_frames=snakemake.params.min_frames,
    high_percentile=snakemake.params.high_percentile,
    resamples=snakemake.params.resamples,
    seed=snakemake.params.seed,
)
write_table(effects, snakemake.output.effects, "effects")
