"""Put one fold's model, its calibration and a card into a folder that can be copied."""

from cellfate.exported_model import export_model
from cellfate.logs import log_to
from cellfate.recordings import read_sheet
from cellfate.tables import read_table

log_to(snakemake.log[0])

export_model(
    snakemake.output.model,
    snakemake.input.model,
    snakemake.input.calibration,
    dataset=snakemake.wildcards.dataset,
    protocol=snakemake.wildcards.protocol,
    folds=snakemake.params.folds,
    sheet=read_sheet(snakemake.input.sheet),
    trajectories=read_table(snakemake.input.trajectories, "trajectories"),
    split=read_table(snakemake.input.split, "split"),
    metrics=read_table(snakemake.input.metrics, "metrics"),
    reliability=read_table(snakemake.input.reliability, "calibration"),
    config_digest=snakemake.params.config_digest,
    repository=snakemake.params.repository,
)
