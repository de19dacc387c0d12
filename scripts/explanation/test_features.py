"""Compare each feature between high- and low-attention frames within each trajectory: permutation test, Cliff's delta."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.explanation.effects import compare_features
from cellfate.explanation.frame_weights import weigh_frames
from cellfate.explanation.tables import EFFECTS
from cellfate.model.tables import ATTENTION, PREDICTIONS
from cellfate.segmentation.tables import FEATURES
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

trajectories = read_table(snakemake.input.trajectories, TRAJECTORIES)
effects = compare_features(
    weigh_frames(read_tables(snakemake.input.attention, ATTENTION), trajectories, snakemake.params.frames),
    read_tables(snakemake.input.predictions, PREDICTIONS),
    trajectories,
    read_tables(snakemake.input.features, FEATURES),
    outcomes=snakemake.params.outcomes,
    treatment=snakemake.params.treatment,
    splits=snakemake.params.splits,
    min_frames=snakemake.params.min_frames,
    high_percentile=snakemake.params.high_percentile,
    resamples=snakemake.params.resamples,
    seed=snakemake.params.seed,
)
write_table(effects, snakemake.output.effects, EFFECTS)
