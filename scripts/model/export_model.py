"""Put the models of all folds, their calibrations and a card into a folder that can be copied."""

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables
from cellfate.crops.crop_set import digests_of
from cellfate.evaluation.baselines.scores import verdict
from cellfate.evaluation.risks.tables import RISK_SCORES
from cellfate.evaluation.tables import BASELINES, CALIBRATION, METRICS
from cellfate.model.saved.export import Run, export_model
from cellfate.model.saved.export_risks import RisksOfRun
from cellfate.model.tables import FATES
from cellfate.recordings.sheet import read_sheet
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

log_to(snakemake.log[0])

run = Run(
    sheet=read_sheet(snakemake.input.sheet),
    trajectories=read_table(snakemake.input.trajectories, TRAJECTORIES),
    split=read_table(snakemake.input.split, SPLIT),
    metrics=read_table(snakemake.input.metrics, METRICS),
    reliability=read_table(snakemake.input.reliability, CALIBRATION),
    baselines=read_table(snakemake.input.baselines, BASELINES),
    digests=digests_of(snakemake.input.crops),
)
folders = snakemake.input.get("risks")
risks = None
if folders:
    tables = read_tables(snakemake.input.fates, FATES), read_table(snakemake.input.risk_scores, RISK_SCORES)
    risks = RisksOfRun(folders, *tables, **snakemake.params.risks)
export_model(
    snakemake.output.model,
    snakemake.input.models,
    snakemake.input.calibrations,
    run,
    risks=risks,
    sets=snakemake.input.sets,
    training=snakemake.input.training,
    dataset=snakemake.wildcards.dataset,
    protocol=snakemake.wildcards.protocol,
    verdict=verdict(run.baselines),
    embedding=snakemake.params.embedding,
    min_frames=snakemake.params.min_frames,
    config_digest=snakemake.params.config_digest,
    repository=snakemake.params.repository,
)
