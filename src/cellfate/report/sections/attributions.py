"""How faithful explanations are, for the summary page."""

from collections.abc import Sequence

import pandas as pd

from cellfate.explanation.attributions.deletion import SIGNED, SIZE
from cellfate.explanation.attributions.names import METHODS, PUBLISHED, RECENCY, label_of
from cellfate.explanation.attributions.scores import BEATS, DOES_NOT, EVERYTHING, GAP, RANDOMISED, SECONDS, UNCONVERGED
from cellfate.explanation.given_away import network_doubts, network_skill

NOTHING = "–"
SETTING = "explanation.methods"
NOTHING_EXPLAINED = {"lines": [], "rows": [], "units": 0}  # the section where there are no scores
MODELS = {PUBLISHED: "network", "risks": "risks"}


def attributions_section(scores: pd.DataFrame, metrics: pd.DataFrame) -> dict:
    """Lines and rows of the section: a verdict for each method, its scores, cost, and what a network that learned nothing gives.

    ``metrics`` are those of the published network: where it is not shown to be better than chance, that is said first.
    """
    gaps = _of(scores, GAP, SIGNED)
    gaps = gaps[gaps["method"].isin(METHODS)]
    explained = (gaps["model"] == PUBLISHED).any()
    lines = network_doubts(network_skill(metrics)) if explained else []
    lines += [verdict_line(row) for row in gaps.itertuples()]
    recency = _of(scores, GAP, SIGNED)
    recency = recency[recency["method"] == RECENCY]
    rows = [_row(scores, row) for row in (*gaps.itertuples(), *recency.itertuples())]
    off = scores[(scores["score"] == UNCONVERGED) & (scores["value"] > 0)]
    lines += [
        f"{_label(row.method)}: in {100 * row.value:.0f} % of {row.n} cells the values do not add up to the difference of log-odds; "
        "more explanation.gradient_steps are needed."
        for row in off.itertuples()
    ]
    return {"lines": lines, "rows": rows if len(gaps) else [], "units": int(gaps["units"].max()) if len(gaps) else 0}


def verdict_line(row) -> str:
    """Whether a method beats looking at the last frames, in a sentence with its numbers."""
    said = {BEATS: "beats looking at the last frames", DOES_NOT: "does not beat looking at the last frames"}
    words = said.get(row.verdict, "not shown to beat looking at the last frames")
    if pd.isna(row.against_recency):
        return f"{_label(row.method)}: {words} (no cell)."
    interval = f"no interval: {row.against_recency_reason}"
    if pd.notna(row.against_recency_low):
        interval = f"{row.against_recency_low:+.2f} to {row.against_recency_high:+.2f}"
    sides = f"more in {row.against_recency_above}, less in {row.against_recency_below} of {row.n} cells"
    sign = f"{sides}, sign test p {_p(row.against_recency_p)}"
    return f"{_label(row.method)}: {words} ({row.against_recency:+.2f} log-odds, {interval}; {sign})."


def _label(method: str) -> str:
    label = label_of(method)
    return label[0].upper() + label[1:]


def _p(value: float) -> str:
    return NOTHING if pd.isna(value) else "below 0.001" if value < 0.001 else f"{value:.2g}"


def _of(scores: pd.DataFrame, score: str, order: str | None) -> pd.DataFrame:
    orders = scores["order"].isna() if order is None else scores["order"] == order
    return scores[(scores["score"] == score) & orders & (scores["class"] == EVERYTHING)]


def _row(scores: pd.DataFrame, gap) -> dict:
    own = scores[(scores["method"] == gap.method) & (scores["model"] == gap.model)]

    def cell(score: str, order: str | None, digits: int = 2) -> tuple[str, str]:
        found = _of(own, score, order)
        if found.empty or pd.isna(found["value"].iloc[0]):
            return NOTHING, ""
        row = found.iloc[0]
        limits = f"{row['low']:.{digits}f} to {row['high']:.{digits}f}" if pd.notna(row["low"]) else f"no interval: {row['reason']}"
        return f"{row['value']:.{digits}f}", limits

    seconds = _of(own, SECONDS, None)
    cost = (NOTHING if seconds.empty else f"{1000 * seconds['value'].iloc[0]:.0f} ms", "")
    cells = [cell(GAP, SIGNED), cell("removed", SIGNED), cell("kept", SIGNED), cell(GAP, SIZE)]
    cells += [cell("prediction_difference", SIZE), cell("preservation", SIZE), cell(RANDOMISED, None), cost]
    return {"label": label_of(gap.method), "model": MODELS[gap.model], "n": int(gap.n), "cells": cells}


def missing_attributions(setting: Sequence[str] | None, scores: pd.DataFrame | None) -> list[str]:
    """Why no method was scored, or which of those that were asked for serve no model of the run."""
    if not setting:
        return [f"Not measured: what single predictions rest on; {SETTING} is null."]
    if scores is None:
        return [f"Not measured: what single predictions rest on; the models that {SETTING} explain are not there."]
    missing = [label_of(name) for name in METHODS if name in setting and name not in set(scores["method"])]
    if len(missing) == len(setting):
        return ["Not measured: what single predictions rest on; no held-out cell with a fate could be explained."]
    return [f"Not measured: {', '.join(missing)}; the model that it explains is not there."] if missing else []
