"""The summary page of a run: one HTML file that holds everything it shows and can be sent by mail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pandas as pd

from cellfate.base.files import replacing
from cellfate.base.plot_style import COURSE_LABELS, feature_label, readable
from cellfate.evaluation.ablations.scores import missing_ablations, read_surroundings
from cellfate.evaluation.baselines.scores import LABELS, headline_rows
from cellfate.evaluation.confidence import confidence_lines
from cellfate.evaluation.sets import sets_lines
from cellfate.evaluation.time.known import known_line
from cellfate.explanation.coverage import coverage_captions, coverage_caveats
from cellfate.report.embedded import embedded_figures
from cellfate.report.first_lines import first_lines, notes_of
from cellfate.report.footnotes import Footnotes
from cellfate.report.sections.ablations import ablations_section
from cellfate.report.sections.attributions import NOTHING_EXPLAINED, attributions_section, missing_attributions
from cellfate.report.sections.cells import ShownCells, cells_section
from cellfate.report.sections.corrections import corrections_section, edits_section, labels_section
from cellfate.report.sections.not_measured import (
    LAST_K,
    TRUNCATION,
    WINDOW,
    lengths_line,
    missing_effects,
    missing_occlusion,
    missing_steps,
)
from cellfate.report.sections.probabilities import calibration_caveats, calibration_table
from cellfate.report.sections.recordings import recordings_section
from cellfate.report.sections.risks import RiskTables, missing_risks, risks_section
from cellfate.tracks.edits.file import EditedRecording
from cellfate.trajectories.selection import STAGES, not_compared

FEW_TRAJECTORIES = 30  # held-out trajectories of an outcome; with fewer the page says that the numbers mean little
FEW_UNITS = 6  # held-out recordings (or groups) of an outcome; with fewer the page says how few
METRICS = {
    "balanced_accuracy": "balanced accuracy",
    "f1_macro": "macro F1",
    "auroc": "AUROC",
    "log_loss": "log-loss",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
}
DESIGN_WORDS = {
    "recording": "recording",
    "group": "group",
    "treatment": "treatment",
    "dose": "treatment and dose",
    "length": "length of the track",
    "clock": "time of its end",
}
PAGE = Path(__file__).with_suffix(".html.j2")
CARDS = ("balanced_accuracy", "f1_macro", "auroc", "recall")


@dataclass(frozen=True)
class Summary:
    """What the page of a run is made of.

    Tables are those of the rooms that made them (``metrics`` of the full test trajectories). ``figures`` are PNG files in the
    order of the page, ``captions`` text files with the same stems. ``settings`` are those that decide what is measured, by their
    dotted names (:mod:`cellfate.report.sections.not_measured`). ``notes`` say what must be kept in mind; what the tables themselves
    show (few trajectories, missing values with their reason) is added to them. ``by_hand`` is that of
    :func:`cellfate.report.sections.by_hand.scores_section`.
    """

    dataset: str
    protocol: str
    outcomes: Mapping[str, str]
    metrics: pd.DataFrame
    truncation: pd.DataFrame
    last_k: pd.DataFrame
    trajectories: pd.DataFrame
    flow: pd.DataFrame
    design_lines: pd.DataFrame
    design_scores: pd.DataFrame
    baselines: pd.DataFrame
    split_audit: pd.DataFrame
    shift: pd.DataFrame
    recording_spread: pd.DataFrame
    calibration: pd.DataFrame
    known: pd.DataFrame
    sets: pd.DataFrame
    ablations: pd.DataFrame
    attributions: pd.DataFrame | None  # None where no method serves a model of the run
    coverage: pd.DataFrame
    effects: pd.DataFrame
    findings: pd.DataFrame
    comparison_steps: pd.DataFrame
    by_confidence: pd.DataFrame | None
    min_confidence: float | None
    risks: RiskTables | None
    cells: ShownCells | None
    corrections: Sequence[Mapping]
    edited: Sequence[EditedRecording]
    by_hand: Mapping[str, object]
    labels: Sequence[Mapping]
    settings: Mapping[str, object]
    figures: Sequence[str | Path]
    captions: Sequence[str | Path]
    notes: Sequence[str]
    software: str
    config_digest: str


def write_summary(path: str | Path, run: Summary) -> None:
    """Write the page that :func:`summary_page` makes."""
    page = summary_page(run)
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def summary_page(run: Summary) -> str:
    """The page as HTML, without links to other files. Raises InputError when a figure has no caption."""
    names = [run.outcomes["negative"], run.outcomes["positive"]]
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(PAGE.read_text(encoding="utf-8")).render(
        footnotes=Footnotes,
        title=f"{readable(names[0])} or {readable(names[1])}",
        dataset=run.dataset,
        protocol=run.protocol,
        first_lines=first_lines(run.design_lines, run.split_audit, run.baselines),
        cards=_cards(run.metrics, names),
        known=known_line(run.known),
        metrics=_metrics_table(run.metrics, names),
        flow=_flow_table(run.flow, names),
        design=_design_table(run.design_scores),
        sureness=confidence_lines(run.by_confidence, run.trajectories, run.min_confidence),
        lengths=lengths_line(run.trajectories, run.settings),
        baselines=_baselines_table(run.baselines),
        recordings=recordings_section(run.shift, run.recording_spread, names),
        truncation=_truncation_table(run.truncation),
        calibration=calibration_table(run.calibration),
        effects=_effects_tables(run.effects, names),
        findings=[(feature_label(row.feature), row.sentence) for row in run.findings.itertuples()],
        coverage=coverage_captions(run.coverage),
        parts=ablations_section(run.ablations),
        explained=attributions_section(run.attributions, run.metrics) if run.attributions is not None else NOTHING_EXPLAINED,
        risks=risks_section(run.risks, names),
        cells=cells_section(run.cells),
        corrections=corrections_section(run.corrections, run.trajectories),
        edits=edits_section(run.edited),
        by_hand=run.by_hand,
        labels=labels_section(run.labels),
        figures=embedded_figures(run.figures, run.captions),
        notes=_kept_in_mind(run, names),
        software=run.software,
        config_digest=run.config_digest,
    )


def _kept_in_mind(run: Summary, names: Sequence[str]) -> list[str]:
    """What was not measured or rests on little, then the notes of the run."""
    return [
        *notes_of(run.design_lines, run.split_audit),
        *caveats(run.metrics, run.calibration, names),
        *missing_steps(run.truncation, TRUNCATION, run.settings[TRUNCATION], names),
        *missing_steps(run.last_k, LAST_K, run.settings[LAST_K], names),
        *sets_lines(run.sets),
        *read_surroundings(run.ablations),
        *missing_ablations(run.settings["evaluation.ablations"], run.ablations),
        *missing_attributions(run.settings["explanation.methods"], run.attributions),
        *missing_occlusion(run.settings[WINDOW]),
        *coverage_caveats(run.coverage),
        *missing_effects(run.effects, run.comparison_steps, names),
        *missing_risks(run.risks, run.trajectories),
        *_other_outcomes(run.flow, names),
        *run.notes,
    ]


def _number(value: float | None) -> str:
    return "–" if pd.isna(value) else f"{value:.3f}"


def _interval(row: pd.Series) -> str:
    return "" if pd.isna(row["ci_low"]) or pd.isna(row["ci_high"]) else f"{row['ci_low']:.3f} to {row['ci_high']:.3f}"


def _interval_or_reason(row: pd.Series) -> str:
    return _limits(row, "value", "ci", "reason")


def _limits(row: pd.Series, value: str, limits: str, reason: str, sign: str = "") -> str:
    """The interval of the column ``value``, whose limits begin with ``limits``, or why there is none; empty without a value."""
    low, high = row[f"{limits}_low"], row[f"{limits}_high"]
    if pd.notna(low) and pd.notna(high):
        return f"{low:{sign}.3f} to {high:{sign}.3f}"
    return "" if pd.isna(row[value]) or pd.isna(row[reason]) else f"no interval: {row[reason]}"


def _held_out(metrics: pd.DataFrame) -> pd.DataFrame:
    """Rows of all test trajectories; the first scope of the table."""
    return metrics[metrics["scope"] == metrics["scope"].iloc[0]]


def _cards(metrics: pd.DataFrame, names: Sequence[str]) -> list[dict]:
    """The headline numbers: one per metric of CARDS and class."""
    cards = []
    rows = _held_out(metrics)
    for metric in CARDS:
        for name in ("all", *names):
            one = rows[(rows["metric"] == metric) & (rows["class"] == name)]
            if len(one):
                row = one.iloc[0]
                label = METRICS[metric] + ("" if name == "all" else f", {readable(name)}")
                cards.append({"label": label, "value": _number(row["value"]), "interval": _interval(row), "n": int(row["n_trajectories"])})
    return cards


def _metrics_table(metrics: pd.DataFrame, names: Sequence[str]) -> dict:
    """Metrics by class as rows, scopes as columns."""
    scopes = list(dict.fromkeys(metrics["scope"]))
    keyed = metrics.set_index(["metric", "class", "scope"])
    rows = []
    for metric, label in METRICS.items():
        for name in ("all", *names):
            found = [keyed.loc[(metric, name, scope)] if (metric, name, scope) in keyed.index else None for scope in scopes]
            if any(row is not None for row in found):
                cells = [("", "") if row is None else (_number(row["value"]), _interval_or_reason(row)) for row in found]
                rows.append({"label": label, "outcome": "" if name == "all" else readable(name), "cells": cells})
    sizes = [int(metrics.loc[metrics["scope"] == scope, "n_trajectories"].max()) for scope in scopes]
    return {"scopes": [_scope_label(scope, index) for index, scope in enumerate(scopes)], "sizes": sizes, "rows": rows}


def _scope_label(scope: str, index: int) -> str:
    return "all held-out trajectories" if index == 0 else f"held out, {readable(scope)}"


def _flow_table(flow: pd.DataFrame, names: Sequence[str]) -> dict:
    """Stages as rows; columns are treatments, within them the two outcomes and all others."""
    groups = flow.assign(outcome=flow["outcome"].where(flow["outcome"].isin(names), "other"))
    counts = groups.groupby(["stage", "treatment", "outcome"])["n"].sum()
    treatments = sorted(flow["treatment"].unique())
    columns = [(t, o) for t in treatments for o in (*names, "other") if (groups["treatment"].eq(t) & groups["outcome"].eq(o)).any()]
    rows = []
    for stage in dict.fromkeys(flow["stage"]):
        cells = [int(counts.get((stage, treatment, outcome), 0)) for treatment, outcome in columns]
        rows.append({"stage": stage, "cells": cells, "total": sum(cells)})
    spans = [("no treatment" if t == "none" else readable(t), sum(c[0] == t for c in columns)) for t in treatments]
    return {"treatments": spans, "outcomes": [readable(o) for _, o in columns], "rows": rows}


def _design_table(scores: pd.DataFrame) -> list[dict]:
    """What each variable of the design alone tells: within the data, and held out with its interval and the share that carries over."""
    rows = []
    for _, row in scores.iterrows():
        seen = "" if pd.isna(row["seen"]) else f"{100 * row['seen']:.0f} %"
        cells = [_number(row["within"]), _number(row["held_out"]), _limits(row, "held_out", "ci", "reason"), seen, int(row["units"])]
        rows.append({"variable": DESIGN_WORDS[row["variable"]], "n_values": int(row["n_values"]), "cells": cells})
    return rows


def _baselines_table(baselines: pd.DataFrame) -> dict:
    """Network and baselines in full, and the baselines' balanced accuracy without the last frames, of all that are long enough."""
    full = headline_rows(baselines)
    rows = []
    for _, row in full.iterrows():
        cells = [(_number(row["value"]), _interval_or_reason(row)), _lead(row, "lead")]
        cells += [(_number(row["log_loss"]), _limits(row, "log_loss", "log_loss", "log_loss_reason")), _lead(row, "log_loss_lead")]
        rows.append({"label": LABELS[row["method"]], "cells": cells})
    short = baselines[(baselines["condition"] == "truncation") & (baselines["cohort"] == "all") & baselines["value"].notna()]
    steps = sorted(short["n"].unique())
    keyed = short.set_index(["method", "n"])["value"]
    prefixes = [{"label": LABELS[method], "cells": [_number(keyed.get((method, n))) for n in steps]} for method in full["method"]]
    first = full.iloc[0]
    units = {"all": int(first["units"]), "negative": int(first["units_negative"]), "positive": int(first["units_positive"])}
    return {"rows": rows, "steps": [int(n) for n in steps], "prefixes": prefixes, "units": units}


def _lead(row: pd.Series, lead: str) -> tuple[str, str]:
    value = "" if pd.isna(row[lead]) else f"{row[lead]:+.3f}"
    return value, _limits(row, lead, lead, f"{lead}_reason", sign="+")


def _truncation_table(truncation: pd.DataFrame) -> dict:
    """Balanced accuracy per number of dropped frames, one pair of columns per cohort."""
    rows = truncation[truncation["metric"] == "balanced_accuracy"]
    cohorts = [cohort for cohort in ("all", "fixed") if (rows["cohort"] == cohort).any()]
    keyed = rows.set_index(["n", "cohort"])
    lines = []
    for n in sorted(rows["n"].unique()):
        found = [keyed.loc[(n, cohort)] for cohort in cohorts]
        lines.append({"n": int(n), "cells": [(_number(row["value"]), _interval(row), int(row["n_trajectories"])) for row in found]})
    words = {"all": "all that are long enough", "fixed": "fixed cohort"}
    return {"cohorts": [words[cohort] for cohort in cohorts], "rows": lines}


def _effects_tables(effects: pd.DataFrame, names: Sequence[str]) -> list[dict]:
    """One table for each course that has rows: features as measured, and relative to other cells."""
    courses = [(label, effects[effects["course"] == course]) for course, label in COURSE_LABELS.items()]
    return [_effects_table(rows, names) | {"title": label} for label, rows in courses if len(rows)]


def _effects_table(effects: pd.DataFrame, names: Sequence[str]) -> dict:
    """Median Cliff's delta per feature (rows) and outcome (columns)."""
    keyed = effects.set_index(["feature", "outcome"])
    rows = []
    for feature in dict.fromkeys(effects["feature"]):
        cells = []
        for name in names:
            row = keyed.loc[(feature, name)] if (feature, name) in keyed.index else None
            empty = row is None or pd.isna(row["median_delta"])
            cells.append(("–", "", "", 0) if empty else (*_effect_words(row), int(row["n_trajectories"])))
        rows.append({"feature": feature_label(feature), "cells": cells})
    return {"outcomes": [readable(name) for name in names], "rows": rows}


def _effect_words(row: pd.Series) -> tuple[str, str, str]:
    evidence = [f"{letter} {row[column]:.2g}" for letter, column in (("q", "q_value"), ("p", "p_value")) if pd.notna(row[column])]
    return f"{row['median_delta']:+.2f}", _limits(row, "median_delta", "ci", "reason"), evidence[0] if evidence else ""


def caveats(metrics: pd.DataFrame, calibration: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """What the tables themselves say about how far the numbers can be trusted, as sentences."""
    rows = _held_out(metrics)
    sizes = {name: _size(rows, name) for name in names}
    found = []
    if min(sizes.values()) < FEW_TRAJECTORIES:
        counts = " and ".join(f"{n} “{readable(name)}”" for name, n in sizes.items())
        found.append(f"Few cells: {counts} trajectories were held out. With so few the numbers mean little.")
    found += _few_units(rows, names)
    return found + calibration_caveats(calibration)


def _few_units(rows: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """How few recordings the intervals rest on, or why the headline has none."""
    row = rows[rows["metric"] == "balanced_accuracy"].iloc[0]
    units = dict(zip(names, (row["units_negative"], row["units_positive"]), strict=True))
    have = " and ".join(f"“{readable(name)}” in {n}" for name, n in units.items())
    if pd.isna(row["ci_low"]):
        return [f"The balanced accuracy has no interval ({row['reason']}): how far other recordings would differ is not known."]
    if min(units.values()) < FEW_UNITS:
        return [f"Few held-out recordings or groups, {have}: the intervals say what others might give, and are wide for that reason."]
    return []


def _other_outcomes(flow: pd.DataFrame, names: Sequence[str]) -> list[str]:
    warning = not_compared(flow[flow["stage"] == STAGES[0]].groupby("outcome")["n"].sum(), names)
    return [f"{warning[0].upper()}{warning[1:]}."] if warning else []


def _size(rows: pd.DataFrame, name: str) -> int:
    sizes = rows.loc[(rows["metric"] == "recall") & (rows["class"] == name), "n_trajectories"]
    return int(sizes.max()) if len(sizes) else 0
