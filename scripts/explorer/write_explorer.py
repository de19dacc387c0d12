"""Write the page of a run's held-out cells from its tables and crops."""

import json

from cellfate.base.logs import log_to
from cellfate.base.tables import read_table, read_tables
from cellfate.evaluation.risks.tables import RISK_EXAMPLES
from cellfate.evaluation.tables import BASELINE_PREDICTIONS
from cellfate.explanation.tables import EFFECTS, EXAMPLES
from cellfate.explorer.run import RunTables, said_of_run
from cellfate.explorer.write import PageSettings, write_explorer
from cellfate.model.tables import ATTENTION, FATES, PREFIXES
from cellfate.segmentation.tables import FEATURES
from cellfate.tracks.tables import OUTCOMES, TRACK_CONFIDENCE
from cellfate.trajectories.tables import TRAJECTORIES

log_to(snakemake.log[0])

declared = {"in_figure_5": EFFECTS, "in_figure_6": EXAMPLES, "in_risks": RISK_EXAMPLES}
shown = [read_table(snakemake.input[name], table) for name, table in declared.items() if snakemake.input.get(name)]
fates, features, confidence = snakemake.input.get("fates"), snakemake.input.features, snakemake.input.get("confidence")
run = RunTables(
    trajectories=read_table(snakemake.input.trajectories, TRAJECTORIES),
    prefixes=read_tables(snakemake.input.prefixes, PREFIXES),
    baselines=read_table(snakemake.input.baselines, BASELINE_PREDICTIONS),
    attention=read_tables(snakemake.input.attention, ATTENTION),
    outcomes=read_tables(snakemake.input.outcomes, OUTCOMES),
    fates=read_tables(fates, FATES) if fates else None,
    features=read_tables(features, FEATURES) if features else None,
    confidence=read_tables(confidence, TRACK_CONFIDENCE) if confidence else None,
)
write_explorer(
    snakemake.output.page,
    snakemake.output.errors,
    f"Cells of {snakemake.wildcards.dataset}, {snakemake.wildcards.protocol}",
    said_of_run(run, snakemake.params.outcomes, unit=snakemake.params.unit, set_level=snakemake.params.set_level),
    snakemake.input.crops,
    snakemake.params.sheet,
    outcomes=snakemake.params.outcomes,
    notes=json.loads(snakemake.params.notes),
    corrections=json.loads(snakemake.params.corrections),
    shown={name for table in shown for name in table["trajectory"]},
    settings=PageSettings(**snakemake.params.settings, seed=snakemake.params.seed),
)
