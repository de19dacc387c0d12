"""Gather what the figure of single cells shows, and say in words what gave each of them away."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.evaluation.tables import METRICS
from cellfate.explanation.given_away import Explained, explained_cells
from cellfate.explanation.tables import ATTRIBUTION_SCORES, ATTRIBUTIONS, EXAMPLES, EXPLAINED_CELLS, GIVEN_AWAY
from cellfate.model.tables import PREFIXES
from cellfate.segmentation.tables import FEATURES
from cellfate.trajectories.lengths import Lengths
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

given, params = snakemake.input, snakemake.params
lengths = Lengths.of(read_table(given.trajectories, TRAJECTORIES), params.treatment)
tables = Explained(
    read_table(given.examples, EXAMPLES),
    read_tables(given.attributions, ATTRIBUTIONS),
    read_tables(given.prefixes, PREFIXES),
    read_tables(given.features, FEATURES),
    read_table(given.scores, ATTRIBUTION_SCORES),
    read_table(given.metrics, METRICS),
    params.outcomes,
    params.shown,
    lengths.occlusion_window(params.occlusion_window),
)
values, said = explained_cells(tables)
write_table(values, snakemake.output.table, EXPLAINED_CELLS)
write_table(said, snakemake.output.said, GIVEN_AWAY)
