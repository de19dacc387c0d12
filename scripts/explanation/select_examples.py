"""Choose trajectories and frames for figure 6, with their crops."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.explanation.analysis import read_analysis
from cellfate.explanation.examples import select_examples, write_example_crops
from cellfate.explanation.tables import EXAMPLES

log_to(snakemake.log[0])

analysis = read_analysis(
    snakemake.input.attention,
    snakemake.input.predictions,
    snakemake.input.trajectories,
    outcomes=snakemake.params.outcomes,
    splits=snakemake.params.splits,
    treatment=snakemake.params.treatment,
)
table = select_examples(
    analysis,
    per_outcome=snakemake.params.per_outcome,
    min_frames=analysis.lengths.statistics_min_frames(snakemake.params.min_frames, snakemake.params.high_percentile),
    high_percentile=snakemake.params.high_percentile,
)
write_table(table, snakemake.output.table, EXAMPLES)
write_example_crops(table, snakemake.input.crops, snakemake.output.crops)
