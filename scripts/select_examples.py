"""Choose trajectories and frames for figure 6, with their crops."""

from cellfate.examples import select_examples, write_example_crops
from cellfate.logs import log_to
from cellfate.tables import read_table, read_tables, write_table

log_to(snakemake.log[0])

table = select_examples(
    read_tables(snakemake.input.attention, "attention"),
    read_tables(snakemake.input.predictions, "predictions"),
    read_table(snakemake.input.trajectories, "trajectories"),
    outcomes=snakemake.params.outcomes,
    treatment=snakemake.params.treatment,
    splits=snakemake.params.splits,
    per_outcome=snakemake.params.per_outcome,
    min_frames=snakemake.params.min_frames,
    high_percentile=snakemake.params.high_percentile,
)
write_table(table, snakemake.output.table, "examples")
write_example_crops(table, snakemake.input.crops, snakemake.output.crops)
