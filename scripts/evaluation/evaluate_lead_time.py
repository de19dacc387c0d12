"""Say from when on an outcome is known: before the end, at landmarks that look forward, and when it is called as soon as it can be."""

import pandas as pd

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.evaluation.baselines.scores import base_rates
from cellfate.evaluation.scoring import Units
from cellfate.evaluation.tables import BASELINE_PREDICTIONS
from cellfate.evaluation.time.before import cohort_of, tabulate_before
from cellfate.evaluation.time.earliness import tabulate_earliness
from cellfate.evaluation.time.ends import hours_left
from cellfate.evaluation.time.known import tabulate_known
from cellfate.evaluation.time.landmarks import landmarks_of_folds, tabulate_landmarks
from cellfate.evaluation.time.tables import BEFORE_END, EARLINESS, KNOWN_FROM, LANDMARKS
from cellfate.model.tables import PREDICTIONS, PREFIXES
from cellfate.trajectories.lengths import Lengths
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])

params = snakemake.params
trajectories, split = read_table(snakemake.input.trajectories, TRAJECTORIES), read_table(snakemake.input.split, SPLIT)
prefixes = read_tables(snakemake.input.prefixes, PREFIXES)
baselines = read_table(snakemake.input.baselines, BASELINE_PREDICTIONS)
units = Units.of(params.outcomes, params.unit)
groups: pd.Series = trajectories.set_index("trajectory")["group"]
rates = base_rates(trajectories, split) if params.calibrated else {}
steps = Lengths.of(trajectories, params.treatment).truncation(params.truncation)

rows = landmarks_of_folds(trajectories, split, prefixes, baselines, params.drug, calibrated=params.calibrated)
write_table(tabulate_landmarks(rows, units), snakemake.output.landmarks, LANDMARKS)
left = hours_left(prefixes, trajectories.set_index("trajectory")["frame_interval_min"])
write_table(tabulate_earliness(left, groups, units, rates), snakemake.output.earliness, EARLINESS)
predictions = read_tables(snakemake.input.predictions, PREDICTIONS)
cohort = cohort_of(predictions, left, groups, steps, params.treatment, params.min_trajectories, units.names)
write_table(tabulate_before(cohort.rows, baselines, rates, units), snakemake.output.before, BEFORE_END)
write_table(tabulate_known(cohort, baselines, units), snakemake.output.known, KNOWN_FROM)
