"""Reliability before and after calibration, and its errors over truncations, beside that of the base rate."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cellfate.base.plot_style import (
    DOUBLE,
    GREY,
    OKABE_ITO,
    SMALL,
    count_rows,
    empty_figure,
    empty_note,
    hours_axis,
    least_handle,
    new_figure,
    panel_label,
    readable,
    reason_note,
    styled,
    ticks_at_points,
    too_few,
)

STAGE_STYLE = {"raw": (GREY, "s", "before calibration"), "calibrated": (OKABE_ITO["green"], "o", "after calibration")}


@styled
def plot_calibration(
    table: pd.DataFrame, outcomes: dict[str, str], frame_interval_min: float | None = None, *, min_trajectories: int
) -> Figure:
    """Reliability of full trajectories (a); calibration error (b) and Brier score (c) per truncation, before and after calibration.

    ``table`` is the calibration table: rows per bin, scores repeated for each condition, n and stage. Errors of fewer than
    ``min_trajectories`` are not drawn. Dotted in c: the Brier score of somebody who knows the base rate alone.
    """
    if table.empty or table["count"].sum() == 0:
        return empty_figure(DOUBLE, 2.6, "held out, with a known outcome")
    figure = new_figure(DOUBLE, 3.0)
    reliability, errors, brier = figure.subplots(1, 3)
    _reliability(reliability, table[table["condition"] == "full"], readable(outcomes["positive"]))
    truncated = table["condition"] == "truncation"
    steps = table[truncated] if truncated.any() else table[table["condition"] == "full"]
    _errors(errors, steps, "ece", "expected calibration error", frame_interval_min, min_trajectories)
    base = _errors(brier, steps, "brier", "Brier score", frame_interval_min, min_trajectories)
    for axes, letter in zip((reliability, errors, brier), "abc", strict=True):
        panel_label(axes, letter)
    stages = [stage for stage in STAGE_STYLE if (table["stage"] == stage).any()]
    full = table[table["condition"] == "full"]
    handles = [
        Line2D([], [], color=STAGE_STYLE[s][0], marker=STAGE_STYLE[s][1], label=STAGE_STYLE[s][2] + _scores(full, s)) for s in stages
    ]
    figure.legend(handles=handles + base + least_handle(min_trajectories), loc="outside upper center", ncols=2)
    return figure


def _scores(rows: pd.DataFrame, stage: str) -> str:
    """The scores of one stage for the legend, nothing where there are none."""
    one = rows[(rows["stage"] == stage) & (rows["count"] > 0)]
    return "" if one.empty else f": ECE {one['ece'].iloc[0]:.3f}, Brier {one['brier'].iloc[0]:.3f}"


def _reliability(axes: Axes, rows: pd.DataFrame, positive: str) -> None:
    if rows["count"].sum() == 0:
        return empty_note(axes, "held out, with a known outcome")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    largest = rows["count"].max()
    for stage, (color, marker, _) in STAGE_STYLE.items():
        one = rows[(rows["stage"] == stage) & (rows["count"] > 0)].sort_values("mean_probability")
        if one.empty:
            continue
        x, y = one["mean_probability"].astype(float), one["observed"].astype(float)
        axes.plot(x, y, color=color, linewidth=1.0)
        axes.scatter(x, y, s=8 + 60 * one["count"] / largest, color=color, marker=marker, alpha=0.75, linewidth=0, clip_on=False, zorder=3)
    n = int(rows[rows["stage"] == rows["stage"].iloc[0]]["count"].sum())
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel=f"predicted probability of {positive}", ylabel=f"observed share of {positive}")
    axes.set_title(f"n = {n}, larger markers: more", fontsize=SMALL, color=GREY)
    return None


def _errors(axes: Axes, rows: pd.DataFrame, score: str, label: str, frame_interval_min: float | None, least: int) -> list[Line2D]:
    """One score over the numbers of dropped frames; the handle of the base rate's, where it is drawn."""
    aggregated = {"value": (score, "first"), "base": ("brier_base", "first"), "count": ("count", "sum")}
    scores = rows.groupby(["stage", "n"], as_index=False).agg(**aggregated)
    if scores["value"].isna().all():
        empty_note(axes, "held out, with a known outcome")
        return []
    scores = scores[scores["count"] >= least]
    if scores.empty:
        reason_note(axes, too_few(least))
        return []
    counts: dict[float, int] = {}
    for stage, (color, marker, _) in STAGE_STYLE.items():
        one = scores[scores["stage"] == stage].sort_values("n")
        axes.plot(one["n"], one["value"].astype(float), color=color, marker=marker)
        counts |= dict(zip(one["n"], one["count"], strict=True))
    base = [] if score != "brier" else _base_rate(axes, scores.drop_duplicates("n").sort_values("n"))
    axes.set(ylim=(0, None), ylabel=label)
    count_rows(axes, [("n", "black", counts)], "frames dropped from the end")
    ticks_at_points(axes, counts)
    hours_axis(axes, frame_interval_min, "hours dropped")
    return base


def _base_rate(axes: Axes, scores: pd.DataFrame) -> list[Line2D]:
    style = {"color": "black", "linewidth": 0.8, "linestyle": ":"}
    axes.plot(scores["n"], scores["base"].astype(float), marker=".", markersize=3, **style)
    return [Line2D([], [], label="base rate in training alone", **style)]
