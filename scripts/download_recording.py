"""Download and extract the frames of one recording of the published data set."""

from cellfate.download import download_archive
from cellfate.logs import log_to

log_to(snakemake.log[0])

download_archive(
    url=snakemake.params.url,
    file=snakemake.params.file,
    folder=snakemake.output.images,
    checksums=snakemake.params.checksums,
    by_hand=snakemake.params.page,
)
