"""Download and extract the frames of one recording of the published data set."""

from cellfate.base.logs import log_to
from cellfate.recordings.download import download_archive

log_to(snakemake.log[0])

download_archive(
    url=snakemake.params.url,
    file=snakemake.params.file,
    folder=snakemake.output.images,
    checksums=snakemake.params.checksums,
    by_hand=snakemake.params.page,
)
