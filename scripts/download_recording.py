"""Download and extract the frames of one recording of the published data set."""

from cellfate.download import download_archive

download_archive(
    url=snakemake.params.url,
    file=snakemake.params.file,
    folder=snakemake.output.images,
    checksums=snakemake.params.checksums,
    by_hand=snakemake.params.get("page"),
)
