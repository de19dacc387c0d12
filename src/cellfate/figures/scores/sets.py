"""What sets of outcomes and the surest calls are worth: coverage, share decided, and error against share called."""

from collections.abc import Mapping
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cellfate.base.plot_style import (
    DOUBLE,
    GREY,
    OKABE_ITO,
    band,
    count_rows,
    hours_axis,
    least_handle,
    new_figure,
    outcome_handles,
    outcome_styles,
    panel_label,
    readable,
    reason_figure,
    reason_note,
    styled,
    ticks_at_points,
    too_few,
)

CURVES = ("black", "blue", "green", "orange")  # of the triage, from the end backwards
MOST_CURVES = len(CURVES)


@styled
def plot_sets(
    sets: pd.DataFrame, triage: pd.DataFrame, outcomes: Mapping[str, str], frame_interval_min: float | None, *, min_trajectories: int
) -> Figure:
    """Coverage of the sets before the end (a), share of cells that they decide (b), error against share of cells called (c).

    ``sets`` and ``triage`` are the tables of those names. Points on fewer than ``min_trajectories`` cells of an outcome, and curves on
    fewer in all, are not drawn.
    """
    rows = sets[sets["scope"] == "before the end"]
    if rows.empty:
        return reason_figure(DOUBLE, 2.6, "no held-out trajectory with a known outcome was predicted\nn = 0")
    figure = new_figure(DOUBLE, 3.1)
    panels = figure.subplots(1, 3)
    for axes, letter in zip(panels, "abc", strict=True):
        panel_label(axes, letter)
    _shares(panels[0], rows, outcomes, frame_interval_min, min_trajectories, "coverage")
    _shares(panels[1], rows, outcomes, frame_interval_min, min_trajectories, "decided")
    curves = _triage(panels[2], triage, frame_interval_min, min_trajectories)
    promised = set(rows.loc[rows["promised"].notna() & (rows["n_trajectories"] >= min_trajectories), "outcome"])
    handles = outcome_handles(dict(outcomes), promised, min_trajectories) if promised else []
    handles += [Line2D([], [], color=GREY, linestyle="--", label="promised")] if promised else []
    figure.legend(handles=[*handles, *curves, *least_handle(min_trajectories)], loc="outside upper center", ncols=4, columnspacing=1.4)
    return figure


def _shares(axes: Axes, rows: pd.DataFrame, outcomes: Mapping[str, str], interval: float | None, least: int, column: str) -> None:
    """One share of the cells of each outcome against the frames before the end; the promise beside the coverage."""
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("sets that hold the outcome" if column == "coverage" else "cells whose set has one outcome")
    promised = rows[rows["promised"].notna()]
    if promised.empty:
        return reason_note(axes, _why_none(rows))
    drawn = promised[promised["n_trajectories"] >= least]
    if drawn.empty:
        return reason_note(axes, too_few(least).replace(" than", "\nthan"))
    counts = []
    for name, (color, marker) in outcome_styles(dict(outcomes)).items():
        one = drawn[drawn["outcome"] == name].sort_values("n")
        axes.plot(one["n"], one[column].astype(float), color=color, marker=marker)
        if column == "coverage":
            band(axes, one["n"].to_numpy(), one["ci_low"], one["ci_high"], color)
            axes.plot(one["n"], one["promised"].astype(float), color=color, linestyle="--", linewidth=0.8)
        known = rows[(rows["outcome"] == name) & rows["n"].isin(drawn["n"])]
        counts.append(("n", color, dict(zip(known["n"], known["n_trajectories"], strict=True))))
    count_rows(axes, counts, "frames before the end")
    ticks_at_points(axes, drawn["n"])
    hours_axis(axes, interval, "hours before the end")
    return None


def _why_none(rows: pd.DataFrame) -> str:
    """The reason that the first row has, in lines short enough for a panel."""
    first = rows.iloc[0]
    return "no set is promised:\n" + "\n".join(wrap(f"{readable(first['outcome'])}: {first['reason']}", 34))


def _triage(axes: Axes, triage: pd.DataFrame, interval: float | None, least: int) -> list[Line2D]:
    """A curve for some distances from the end; what the legend says of them."""
    drawn = triage[triage["n_trajectories"] >= least]
    axes.set_ylabel("wrong among the cells called")
    if drawn.empty:
        reason_note(axes, too_few(least).replace(" than", "\nthan"))
        return []
    steps = np.unique(drawn["n"])
    chosen = steps[np.unique(np.linspace(0, len(steps) - 1, min(MOST_CURVES, len(steps))).round().astype(int))]
    handles = []
    for n, name in zip(chosen, CURVES, strict=False):
        one = drawn[drawn["n"] == n].sort_values("called")
        axes.step(np.append(0, one["called"]), np.append(one["wrong"].iloc[0], one["wrong"]), where="pre", color=OKABE_ITO[name])
        far = f"{n} frames" if interval is None else f"{n * interval / 60:.3g} h"
        handles.append(Line2D([], [], color=OKABE_ITO[name], label=f"{far} before the end"))
    always = float(drawn["always"].iloc[0])
    axes.axhline(always, color=GREY, linewidth=0.8, linestyle=":")
    handles.append(Line2D([], [], color=GREY, linewidth=0.8, linestyle=":", label="all called as the more frequent (c)"))
    highest = max(always, float(drawn["wrong"].max()))
    axes.set(xlim=(0, 1.02), ylim=(-0.02 * highest, 1.12 * highest or 1), xlabel="share of cells called, the surest first")
    return handles
