"""Score explanations against the frames and channels in which effects were planted: a leaf, nothing reads it."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.evaluation.scoring import Units
from cellfate.explanation.tables import ATTRIBUTIONS
from cellfate.model.tables import PREDICTIONS
from cellfate.trajectories.tables import TRAJECTORIES
from cellfate.truth.attributions import score_explanations
from cellfate.truth.scores import read_true_cells
from cellfate.truth.tables import TRUTH_ATTRIBUTIONS

log_to(snakemake.log[0])

table = score_explanations(
    read_true_cells(snakemake.input.truth),
    read_tables(snakemake.input.attributions, ATTRIBUTIONS),
    read_tables(snakemake.input.predictions, PREDICTIONS),
    read_table(snakemake.input.trajectories, TRAJECTORIES),
    snakemake.params.outcomes,
    Units.of(snakemake.params.outcomes, snakemake.params.unit),
)
write_table(table, snakemake.output.table, TRUTH_ATTRIBUTIONS)
