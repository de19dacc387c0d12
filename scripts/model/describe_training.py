"""What the recordings look like that each fold was trained with, and the held-out ones."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.model.shift.seen import describe_recordings, write_seen
from cellfate.recordings.sheet import read_sheet
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])

seen = describe_recordings(
    snakemake.input.crops,
    read_table(snakemake.input.trajectories, TRAJECTORIES),
    read_table(snakemake.input.split, SPLIT),
    read_sheet(snakemake.input.sheet),
)
write_seen(seen, snakemake.output.training)
