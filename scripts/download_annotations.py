"""Download the annotations of the published data set, checked against its list of checksums."""

from cellfate.download import download_file
from cellfate.logs import log_to

log_to(snakemake.log[0])

download_file(
    url=snakemake.params.url,
    file=snakemake.params.file,
    path=snakemake.output.annotations,
    checksums=snakemake.params.checksums,
    by_hand=snakemake.params.page,
)
