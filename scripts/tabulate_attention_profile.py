"""Mean attention of each outcome, aligned at the last frame: the table of figure 4."""

from cellfate.attention_profile import attention_profile
from cellfate.evaluation import correct_trajectories
from cellfate.logs import log_to
from cellfate.tables import read_table, read_tables, write_table

log_to(snakemake.log[0])

predictions = read_tables(snakemake.input.predictions, "predictions")
table = attention_profile(
    read_tables(snakemake.input.attention, "attention"),
    correct_trajectories(predictions, snakemake.params.outcomes, splits=snakemake.params.splits, treatment=snakemake.params.treatment),
    read_table(snakemake.input.trajectories, "trajectories"),
    outcomes=snakemake.params.outcomes,
    max_frames_before_end=snakemake.params.max_frames_before_end,
    bootstrap=snakemake.params.bootstrap,
    seed=snakemake.params.seed,
)
write_table(table, snakemake.output.table, "attention_profile")
