"""In which share of the frames the segmentation found the cell, by outcome and phase."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.explanation.coverage import segmented_frames, tabulate_coverage
from cellfate.explanation.tables import SEGMENTATION_COVERAGE
from cellfate.segmentation.tables import FEATURES
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])

table = tabulate_coverage(
    segmented_frames(snakemake.input.masks),
    read_tables(snakemake.input.features, FEATURES),
    read_table(snakemake.input.trajectories, TRAJECTORIES),
    read_table(snakemake.input.split, SPLIT),
    snakemake.params.outcomes,
    splits=snakemake.params.splits,
    treatment=snakemake.params.treatment,
)
write_table(table, snakemake.output.table, SEGMENTATION_COVERAGE)
