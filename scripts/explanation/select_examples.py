"""Choose trajectories and frames for figure 6, with their crops."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.explanation.examples import select_examples, write_example_crops
from cellfate.explanation.tables import EXAMPLES
from cellfate.model.tables import ATTENTION, PREDICTIONS
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

table = select_examples(
    read_tables(snakemake.input.attention, ATTENTION),
    read_tables(snakemake.input.predictions, PREDICTIONS),
    read_table(snakemake.input.trajectories, TRAJECTORIES),
    outcomes=snakemake.params.outcomes,
    treatment=snakemake.params.treatment,
    splits=snakemake.params.splits,
    per_outcome=snakemake.params.per_outcome,
    min_frames=snakemake.params.min_frames,
    high_percentile=snakemake.params.high_percentile,
)
write_table(table, snakemake.output.table, EXAMPLES)
write_example_crops(table, snakemake.input.crops, snakemake.output.crops)
