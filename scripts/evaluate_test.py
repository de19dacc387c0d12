"""Score the held-out trajectories, all and treated: accuracy, F1, precision, recall, log-loss, AUROC."""

from cellfate.evaluation import evaluate_test
from cellfate.logs import log_to
from cellfate.tables import read_table, read_tables, write_table

log_to(snakemake.log[0])

metrics = evaluate_test(
    read_tables(snakemake.input.predictions, "predictions"),
    read_table(snakemake.input.trajectories, "trajectories"),
    outcomes=snakemake.params.outcomes,
    treatment=snakemake.params.treatment,
    bootstrap=snakemake.params.bootstrap,
    seed=snakemake.params.seed,
)
write_table(metrics, snakemake.output.metrics, "metrics")
