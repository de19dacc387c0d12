"""Mean attention of each outcome, aligned at the last frame: the table of figure 4."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.evaluation.pooling import correct_trajectories
from cellfate.explanation.profile import attention_profile
from cellfate.explanation.tables import ATTENTION_PROFILE
from cellfate.model.tables import ATTENTION, PREDICTIONS
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

predictions = read_tables(snakemake.input.predictions, PREDICTIONS)
table = attention_profile(
    read_tables(snakemake.input.attention, ATTENTION),
    correct_trajectories(predictions, snakemake.params.outcomes, splits=snakemake.params.splits, treatment=snakemake.params.treatment),
    read_table(snakemake.input.trajectories, TRAJECTORIES),
    outcomes=snakemake.params.outcomes,
    max_frames_before_end=snakemake.params.max_frames_before_end,
    bootstrap=snakemake.params.bootstrap,
    seed=snakemake.params.seed,
)
write_table(table, snakemake.output.table, ATTENTION_PROFILE)
