"""Download the annotations of the published data set, checked against its list of checksums."""

from cellfate.base.logs import log_to
from cellfate.recordings.download import download_file

log_to(snakemake.log[0])

download_file(
    url=snakemake.params.url,
    file=snakemake.params.file,
    path=snakemake.output.annotations,
    checksums=snakemake.params.checksums,
    by_hand=snakemake.params.page,
)
