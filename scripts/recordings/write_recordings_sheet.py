"""Write the recordings sheet of the published data set and one annotation file per recording."""

from cellfate.base.logs import log_to
from cellfate.recordings.published import write_published_sheet

log_to(snakemake.log[0])

write_published_sheet(
    snakemake.input.annotations,
    sheet=snakemake.output.sheet,
    folder=snakemake.output.annotations,
    cells=snakemake.output.cells,
    channels=snakemake.params.channels,
    doses=snakemake.params.doses,
    treatment_start_h=snakemake.params.treatment_start_h,
    frame_interval_min=snakemake.params.frame_interval_min,
)
