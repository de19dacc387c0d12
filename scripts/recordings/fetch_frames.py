"""Bring the frames of one recording from their public address or from a local folder, each checked by its SHA-256."""

from cellfate.base.logs import log_to
from cellfate.recordings.download import fetch_files

log_to(snakemake.log[0])

fetch_files(
    snakemake.input.checksums,
    folder=snakemake.output.images,
    url=snakemake.params.url,
    local=snakemake.params.local,
)
