"""Score predictions made from the last k frames alone."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.evaluation.metrics import evaluate_condition
from cellfate.evaluation.tables import METRICS
from cellfate.model.tables import PREDICTIONS
from cellfate.trajectories.lengths import Lengths
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

trajectories = read_table(snakemake.input.trajectories, TRAJECTORIES)
metrics = evaluate_condition(
    read_tables(snakemake.input.predictions, PREDICTIONS),
    trajectories,
    condition="last_k",
    steps=Lengths.of(trajectories, snakemake.params.treatment).last_k(snakemake.params.last_k),
    outcomes=snakemake.params.outcomes,
    treatment=snakemake.params.treatment,
    cohort=snakemake.params.cohort,
    unit=snakemake.params.unit,
)
write_table(metrics, snakemake.output.metrics, METRICS)
