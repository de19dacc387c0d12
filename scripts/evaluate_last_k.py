"""Score predictions made from the last k frames alone."""

from cellfate.evaluation import evaluate_condition
from cellfate.logs import log_to
from cellfate.tables import read_table, read_tables, write_table

log_to(snakemake.log[0])

metrics = evaluate_condition(
    read_tables(snakemake.input.predictions, "predictions"),
    read_table(snakemake.input.trajectories, "trajectories"),
    condition="last_k",
    steps=snakemake.params.last_k,
    outcomes=snakemake.params.outcomes,
    treatment=snakemake.params.treatment,
    cohort=snakemake.params.cohort,
    bootstrap=snakemake.params.bootstrap,
    seed=snakemake.params.seed,
)
write_table(metrics, snakemake.output.metrics, "metrics")
