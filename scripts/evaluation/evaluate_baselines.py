"""Score network and baselines on the same held-out trajectories; the verdict shows in the log at once."""

import sys

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.evaluation.baselines.scores import Comparison, score_baselines, verdict
from cellfate.evaluation.scoring import Units
from cellfate.evaluation.tables import BASELINE_PREDICTIONS, BASELINES
from cellfate.model.tables import PREDICTIONS
from cellfate.trajectories.lengths import Lengths
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])

params = snakemake.params
trajectories = read_table(snakemake.input.trajectories, TRAJECTORIES)
steps = Lengths.of(trajectories, params.treatment).truncation(params.truncation)
table = score_baselines(
    read_tables(snakemake.input.predictions, PREDICTIONS),
    read_table(snakemake.input.baselines, BASELINE_PREDICTIONS),
    trajectories,
    read_table(snakemake.input.split, SPLIT),
    Comparison(params.treatment, steps, params.cohort, Units.of(params.outcomes, params.unit), params.calibration),
)
print(verdict(table), file=sys.stderr, flush=True)
write_table(table, snakemake.output.table, BASELINES)
