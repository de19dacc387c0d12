"""Write the sheet of the recordings that the cells of a cells sheet are in."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.recordings.cells import read_cells, recordings_of
from cellfate.recordings.tables import RECORDINGS

log_to(snakemake.log[0])

sheet = recordings_of(read_cells(snakemake.input.cells), snakemake.wildcards.dataset, scaled=snakemake.params.scaled)
write_table(sheet, snakemake.output.sheet, RECORDINGS)
