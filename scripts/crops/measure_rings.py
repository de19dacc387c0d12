"""Measure intensities in rings around the centre of each crop of a recording."""

from cellfate.base.logs import log_to
from cellfate.base.tables import write_table
from cellfate.crops.rings import measure_rings
from cellfate.crops.tables import RINGS

log_to(snakemake.log[0])

rings = measure_rings(snakemake.input.crops, n_rings=snakemake.params.n_rings, percentile=snakemake.params.percentile)
write_table(rings, snakemake.output.rings, RINGS)
