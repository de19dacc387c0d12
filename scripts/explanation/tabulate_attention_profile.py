"""Mean attention of each outcome, aligned at the last frame: the table of figure 4."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.explanation.analysis import read_analysis
from cellfate.explanation.profile import attention_profile
from cellfate.explanation.tables import ATTENTION_PROFILE

log_to(snakemake.log[0])

analysis = read_analysis(
    snakemake.input.attention,
    snakemake.input.predictions,
    snakemake.input.trajectories,
    outcomes=snakemake.params.outcomes,
    splits=snakemake.params.splits,
    treatment=snakemake.params.treatment,
)
table = attention_profile(
    analysis,
    max_frames_before_end=snakemake.params.max_frames_before_end,
    intervals=snakemake.params.intervals,
    bootstrap=snakemake.params.bootstrap,
    seed=snakemake.params.seed,
)
write_table(table, snakemake.output.table, ATTENTION_PROFILE)
