"""Score held-out trajectories in thirds by how likely their tracks are one cell."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.evaluation.confidence import score_by_confidence
from cellfate.evaluation.tables import SCORE_BY_CONFIDENCE
from cellfate.model.tables import PREDICTIONS
from cellfate.tracks.tables import TRACK_CONFIDENCE
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

table = score_by_confidence(
    read_tables(snakemake.input.predictions, PREDICTIONS),
    read_table(snakemake.input.trajectories, TRAJECTORIES),
    read_tables(snakemake.input.confidence, TRACK_CONFIDENCE),
    snakemake.params.outcomes,
    unit=snakemake.params.unit,
)
write_table(table, snakemake.output.table, SCORE_BY_CONFIDENCE)
