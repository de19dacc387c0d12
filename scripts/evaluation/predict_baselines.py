"""Fit the baselines on the training part of each fold and predict its test part."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.crops.tables import RINGS
from cellfate.evaluation.baselines.predict import predict_baselines
from cellfate.evaluation.tables import BASELINE_PREDICTIONS
from cellfate.segmentation.tables import FEATURES
from cellfate.trajectories.lengths import Lengths
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])

trajectories = read_table(snakemake.input.trajectories, TRAJECTORIES)
features = snakemake.input.get("features")
predictions = predict_baselines(
    trajectories,
    read_table(snakemake.input.split, SPLIT),
    read_tables(snakemake.input.rings, RINGS),
    read_tables(features, FEATURES) if features else None,
    dropped=Lengths.of(trajectories, snakemake.params.treatment).truncation(snakemake.params.truncation),
    drug=snakemake.params.drug,
    every=snakemake.params.every,
    min_frames=snakemake.params.min_frames,
    seed=snakemake.params.seed,
)
write_table(predictions, snakemake.output.predictions, BASELINE_PREDICTIONS)
