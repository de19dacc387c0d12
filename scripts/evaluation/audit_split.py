"""Say by how much a split is optimistic that puts cells of one lineage, recording or group on both sides."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables, write_table
from cellfate.crops.tables import RINGS
from cellfate.evaluation.audit.split import audit_split, cells_of
from cellfate.evaluation.tables import SPLIT_AUDIT
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])

cells = cells_of(
    read_table(snakemake.input.trajectories, TRAJECTORIES),
    read_table(snakemake.input.split, SPLIT),
    read_tables(snakemake.input.rings, RINGS),
)
table = audit_split(cells, snakemake.params.outcomes, snakemake.params.unit, snakemake.params.seed)
write_table(table, snakemake.output.table, SPLIT_AUDIT)
