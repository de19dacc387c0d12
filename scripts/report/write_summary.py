"""Write the summary page of a run from its tables, figures and captions."""

import json
from datetime import date
from pathlib import Path

from cellfate.base.files import replacing
from cellfate.base.logs import log_to
from cellfate.base.software import SOFTWARE
from cellfate.base.tables import read_table
from cellfate.evaluation.ablations.tables import ABLATIONS
from cellfate.evaluation.risks.tables import RISK_EXAMPLES
from cellfate.evaluation.tables import (
    BASELINES,
    CALIBRATION,
    DESIGN_LINES,
    DESIGN_SCORES,
    METRICS,
    RECORDING_SHIFT,
    RECORDING_SPREAD,
    SCORE_BY_CONFIDENCE,
    SETS,
    SPLIT_AUDIT,
)
from cellfate.evaluation.time.tables import KNOWN_FROM
from cellfate.explanation.tables import (
    ATTRIBUTION_SCORES,
    COMPARISON_STEPS,
    EFFECT_SUMMARY,
    EFFECTS,
    EXAMPLES,
    FINDINGS,
    SEGMENTATION_COVERAGE,
)
from cellfate.report.page import Summary, write_summary
from cellfate.report.sections.by_hand import keep_scores, scores_section, state_of
from cellfate.report.sections.cells import ShownCells
from cellfate.report.sections.risks import RiskTables
from cellfate.tracks.edits.file import read_edited
from cellfate.trajectories.tables import FLOW, TRAJECTORIES

log_to(snakemake.log[0])

paths = snakemake.input
of_risks = [paths.get(name) for name in ("risk_scores", "risk_calibration", "risk_alarms", "fate_before")]
declared = {"figure_5": EFFECTS, "figure_6": EXAMPLES, "risks": RISK_EXAMPLES}
in_figures = {name: read_table(paths[f"in_{name}"], table) for name, table in declared.items() if paths.get(f"in_{name}")}
cells = ShownCells(paths.errors, in_figures, snakemake.params.treatment) if paths.get("errors") else None

metrics, corrections = read_table(paths.metrics, METRICS), json.loads(snakemake.params.corrections)
edited = [read_edited(path) for path in paths.edited]
state = state_of(snakemake.params.settings_digest, snakemake.params.labels, corrections, paths.edited, edited)
kept = keep_scores(Path(snakemake.output.page).parent, state, metrics, date.today().isoformat())

run = Summary(
    dataset=snakemake.wildcards.dataset,
    protocol=snakemake.wildcards.protocol,
    outcomes=snakemake.params.outcomes,
    metrics=metrics,
    truncation=read_table(snakemake.input.truncation, METRICS),
    last_k=read_table(snakemake.input.last_k, METRICS),
    trajectories=read_table(snakemake.input.trajectories, TRAJECTORIES),
    flow=read_table(snakemake.input.flow, FLOW),
    design_lines=read_table(snakemake.input.design_lines, DESIGN_LINES),
    design_scores=read_table(snakemake.input.design_scores, DESIGN_SCORES),
    baselines=read_table(snakemake.input.baselines, BASELINES),
    split_audit=read_table(snakemake.input.split_audit, SPLIT_AUDIT),
    shift=read_table(snakemake.input.shift, RECORDING_SHIFT),
    recording_spread=read_table(snakemake.input.recording_spread, RECORDING_SPREAD),
    calibration=read_table(snakemake.input.calibration, CALIBRATION),
    known=read_table(snakemake.input.known, KNOWN_FROM),
    sets=read_table(snakemake.input.sets, SETS),
    ablations=read_table(snakemake.input.ablations, ABLATIONS),
    attributions=read_table(paths.attributions, ATTRIBUTION_SCORES) if paths.get("attributions") else None,
    coverage=read_table(snakemake.input.coverage, SEGMENTATION_COVERAGE),
    effects=read_table(snakemake.input.effects, EFFECT_SUMMARY),
    findings=read_table(snakemake.input.findings, FINDINGS),
    comparison_steps=read_table(snakemake.input.comparison_steps, COMPARISON_STEPS),
    by_confidence=read_table(paths.by_confidence, SCORE_BY_CONFIDENCE) if paths.get("by_confidence") else None,
    min_confidence=snakemake.params.min_confidence,
    risks=RiskTables.read(*of_risks) if all(of_risks) else None,
    cells=cells,
    corrections=corrections,
    edited=edited,
    by_hand=scores_section(kept, state),
    labels=json.loads(snakemake.params.labels),
    settings=snakemake.params.settings,
    figures=snakemake.input.figures,
    captions=snakemake.input.captions,
    notes=json.loads(snakemake.params.notes),
    software=SOFTWARE,
    config_digest=snakemake.params.config_digest,
)
write_summary(snakemake.output.page, run)
with replacing(snakemake.output.configuration) as temporary:
    temporary.write_text(json.dumps(json.loads(snakemake.params.configuration), indent=2) + "\n")
