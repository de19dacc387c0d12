"""Score how faithful the methods of explanation are, from the frames that were hidden in their order."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.evaluation.scoring import Units
from cellfate.explanation.attributions.scores import attribution_curves, score_attributions
from cellfate.explanation.tables import ATTRIBUTED, ATTRIBUTION_CURVES, ATTRIBUTION_SCORES, DELETIONS
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

units = Units.of(snakemake.params.outcomes, snakemake.params.unit)
deletions = read_tables(snakemake.input.deletions, DELETIONS)
attributed = read_tables(snakemake.input.attributed, ATTRIBUTED)
groups = read_table(snakemake.input.trajectories, TRAJECTORIES).set_index("trajectory")["group"]
write_table(score_attributions(deletions, attributed, groups, units), snakemake.output.table, ATTRIBUTION_SCORES)
write_table(attribution_curves(deletions, units), snakemake.output.curves, ATTRIBUTION_CURVES)
