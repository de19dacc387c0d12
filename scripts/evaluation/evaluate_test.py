"""Score the held-out trajectories, all and treated: accuracy, F1, precision, recall, log-loss, AUROC."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.evaluation.metrics import evaluate_test
from cellfate.evaluation.tables import METRICS
from cellfate.model.tables import PREDICTIONS
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

metrics = evaluate_test(
    read_tables(snakemake.input.predictions, PREDICTIONS),
    read_table(snakemake.input.trajectories, TRAJECTORIES),
    outcomes=snakemake.params.outcomes,
    treatment=snakemake.params.treatment,
    unit=snakemake.params.unit,
)
write_table(metrics, snakemake.output.metrics, METRICS)
