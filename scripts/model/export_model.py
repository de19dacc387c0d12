"""Put one fold's model, its calibration and a card into a folder that can be copied."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table
from cellfate.evaluation.tables import CALIBRATION, METRICS
from cellfate.model.saved.export import export_model
from cellfate.recordings.sheet import read_sheet
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])

export_model(
    snakemake.output.model,
    snakemake.input.model,
    snakemake.input.calibration,
    dataset=snakemake.wildcards.dataset,
    protocol=snakemake.wildcards.protocol,
    folds=snakemake.params.folds,
    sheet=read_sheet(snakemake.input.sheet),
    trajectories=read_table(snakemake.input.trajectories, TRAJECTORIES),
    split=read_table(snakemake.input.split, SPLIT),
    metrics=read_table(snakemake.input.metrics, METRICS),
    reliability=read_table(snakemake.input.reliability, CALIBRATION),
    min_frames=snakemake.params.min_frames,
    config_digest=snakemake.params.config_digest,
    repository=snakemake.params.repository,
)
