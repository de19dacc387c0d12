"""Score the network with parts of the input hidden, against the whole input of the same held-out trajectories."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.evaluation.ablations.scores import score_ablations
from cellfate.evaluation.ablations.tables import ABLATED, ABLATIONS
from cellfate.evaluation.scoring import Units
from cellfate.model.tables import PREDICTIONS
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

table = score_ablations(
    read_tables(snakemake.input.predictions, PREDICTIONS),
    read_tables(snakemake.input.ablated, ABLATED),
    read_table(snakemake.input.trajectories, TRAJECTORIES),
    Units.of(snakemake.params.outcomes, snakemake.params.unit),
    snakemake.params.radius,
)
write_table(table, snakemake.output.table, ABLATIONS)
