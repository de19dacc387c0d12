"""Cut a large annotation file into one file per recording."""

from cellfate.base.logs import log_to
from cellfate.recordings.annotations import split_annotations

log_to(snakemake.log[0])

split_annotations(snakemake.input.annotations, snakemake.output.pieces)
