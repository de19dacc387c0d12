"""Average traces of features before the end, with the windows in which the outcomes differ."""

from collections.abc import Collection
from textwrap import fill as wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cellfate.base.plot_style import (
    DOUBLE,
    GREY,
    band,
    empty_figure,
    feature_label,
    new_figure,
    outcome_handles,
    outcome_styles,
    reason_figure,
    styled,
    too_few,
)

COLUMNS = 3  # of panels
UNITS = {"area": "px²", "perimeter": "px", "equivalent_diameter_area": "px"}


@styled
def plot_traces(traces: pd.DataFrame, contrasts: pd.DataFrame, outcomes: dict[str, str], *, min_trajectories: int) -> Figure:
    """A panel for each feature: the mean of each outcome's held-out cells against hours before the end, its interval by recording.

    The bar above a panel is black in the windows in which the time-matched contrast survives, an outline in those where it was tested and
    does not. The last panel has the number of cells. Points on fewer than ``min_trajectories`` are not drawn.
    """
    drawn = traces[traces["n_trajectories"] >= min_trajectories]
    if traces.empty:
        return empty_figure(DOUBLE, 2.6, "held out (evaluation.treatment), with measured features (section segmentation)")
    if drawn.empty:
        return reason_figure(DOUBLE, 2.6, too_few(min_trajectories))
    features = list(dict.fromkeys(drawn["feature"]))
    rows = -(-(len(features) + 1) // COLUMNS)
    figure = new_figure(DOUBLE, 0.7 + 1.45 * rows)
    panels = figure.subplots(rows, COLUMNS, sharex=True, squeeze=False).ravel()
    for axes, feature in zip(panels, features, strict=False):
        _feature_panel(axes, drawn[drawn["feature"] == feature], contrasts[contrasts["feature"] == feature], outcomes)
        unit = UNITS.get(feature) or ("camera counts" if feature.startswith("intensity") else None)
        axes.set_title(wrap(feature_label(feature) + (f" ({unit})" if unit else ""), 30))
    _count_panel(panels[len(features)], traces[traces["hours_before_end"] <= drawn["hours_before_end"].max()], outcomes)
    for axes in panels[len(features) + 1 :]:
        axes.set_visible(False)
    panels[0].set_xlim(-1.02 * drawn["hours_before_end"].max(), 0.02 * drawn["hours_before_end"].max())
    figure.supxlabel("hours relative to the end of the trajectory", fontsize=7)
    figure.legend(handles=_handles(outcomes, set(drawn["outcome"]), contrasts, min_trajectories), loc="outside upper center", ncols=3)
    return figure


def _feature_panel(axes: Axes, rows: pd.DataFrame, contrasts: pd.DataFrame, outcomes: dict[str, str]) -> None:
    limits = []
    for name, (color, _) in outcome_styles(outcomes).items():
        own = rows[rows["outcome"] == name].sort_values("hours_before_end", ascending=False)
        x = -own["hours_before_end"].to_numpy(float)
        axes.plot(x, own["mean"].astype(float), color=color)
        band(axes, x, own["ci_low"], own["ci_high"], color)
        limits += list(own["mean"].astype(float))
    spread = np.ptp(limits) or 1.0
    axes.set_ylim(min(limits) - 1.2 * spread, max(limits) + 1.2 * spread)  # wide intervals of few recordings are cut, not the means
    for row in contrasts[contrasts["p_value"].notna()].itertuples():
        place = {"transform": axes.get_xaxis_transform(), "clip_on": False, "edgecolor": "black", "linewidth": 0.5}
        axes.barh(0.97, row.hours_to - row.hours_from, left=-row.hours_to, height=0.05, color="black" if row.survives else "white", **place)


def _count_panel(axes: Axes, rows: pd.DataFrame, outcomes: dict[str, str]) -> None:
    """The largest number of cells over the features, by outcome."""
    for name, (color, _) in outcome_styles(outcomes).items():
        counts = rows[rows["outcome"] == name].groupby("hours_before_end")["n_trajectories"].max()
        axes.plot(-counts.index.to_numpy(float), counts.to_numpy(), color=color)
    axes.set_ylim(bottom=0)
    axes.set_title("number of cells")


def _handles(outcomes: dict[str, str], drawn: Collection[str], contrasts: pd.DataFrame, least: int) -> list[Line2D]:
    handles = outcome_handles(outcomes, drawn, least)
    for handle in handles:
        handle.set_marker("")
    square = {"color": "black", "marker": "s", "linestyle": "", "markersize": 5}
    if contrasts["p_value"].notna().any():
        handles.append(Line2D([], [], label="outcomes differ in this window", **square))
        handles.append(Line2D([], [], label="not shown", markerfacecolor="white", **square))
    else:
        handles.append(Line2D([], [], linestyle="", label="no window was tested", color=GREY))
    return [*handles, *([Line2D([], [], linestyle="", label=f"{least} or more cells")] if least > 1 else [])]
