"""Simulated recordings: predictions over time and masks against the truth."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cellfate.base.plot_style import (
    DOUBLE,
    OKABE_ITO,
    SMALL,
    band,
    count_rows,
    empty_note,
    least_handle,
    new_figure,
    outcome_styles,
    panel_label,
    readable,
    reason_note,
    styled,
    ticks_at_points,
    too_few,
)


@styled
def plot_truth(segmentation: pd.DataFrame, fates: pd.DataFrame, outcomes: dict[str, str], *, min_trajectories: int) -> Figure:
    """Right predictions per truncation with the planted onsets (a), the same by what was visible (b), segmentation (c).

    ``fates`` is the truth_fates table; a vertical line marks how many frames before the end half of the trajectories show an
    effect for the first time. ``segmentation`` is the truth_segmentation table: ``iou`` with the true
    region (0 where none was chosen) and ``found``. Points on fewer than ``min_trajectories`` are not drawn.
    """
    figure = new_figure(DOUBLE, 3.3)
    accuracy, visible, overlap = figure.subplots(1, 3, width_ratios=(1.25, 1, 0.8))
    _accuracy_with_onsets(accuracy, fates, outcomes, min_trajectories)
    _accuracy_by_visibility(visible, fates[fates["effect"] == "any"], outcomes, min_trajectories)
    _overlap(overlap, segmentation)
    for axes, letter in ((accuracy, "a"), (visible, "b"), (overlap, "c")):
        panel_label(axes, letter)
    handles = [Line2D([], [], color=c, marker=m, label=readable(name)) for name, (c, m) in outcome_styles(outcomes).items()]
    shown = fates[(fates["effect"] == "any") & (fates["n_trajectories"] >= min_trajectories)]["visible"].astype(bool)
    handles.append(Line2D([], [], color="black", linewidth=0.8, linestyle=(0, (1, 1)), label="onset of an effect (median)"))
    if shown.any():
        handles.append(Line2D([], [], color="black", marker="o", label="effect visible"))
    if not shown.all():
        handles.append(Line2D([], [], color="black", marker="o", markerfacecolor="white", linestyle=(0, (3, 2)), label="not yet visible"))
    handles += least_handle(min_trajectories)
    figure.legend(handles=handles, loc="outside upper center", ncols=3, columnspacing=1.2)
    return figure


def _accuracy_with_onsets(axes: Axes, fates: pd.DataFrame, outcomes: dict[str, str], least: int) -> None:
    if fates["n_trajectories"].sum() == 0:
        return empty_note(axes, "held out, with a planted fate")
    counts = []
    lines = []
    for name, (color, marker) in outcome_styles(outcomes).items():
        one = fates[(fates["outcome"] == name) & (fates["effect"] == "any")].groupby("n")[["n_correct", "n_trajectories"]].sum()
        one = one[one["n_trajectories"] >= least]
        axes.plot(one.index, one["n_correct"] / one["n_trajectories"], color=color, marker=marker)
        counts.append(("n", color, one["n_trajectories"].to_dict()))
        lines += [(onset, effect, color) for effect, onset in median_onsets(fates[fates["outcome"] == name]).items()]
    axes.set(ylim=(-0.02, 1.02), ylabel="share predicted as planted")
    _onset_lines(axes, sorted(lines))
    count_rows(axes, counts, "frames dropped from the end")
    ticks_at_points(axes, fates["n"])
    return None


def median_onsets(fates: pd.DataFrame) -> dict[str, float]:
    """Effect -> how many dropped frames leave it visible in half of the trajectories; ``fates`` are rows of one outcome.

    Linear between the truncations of the table; effects that stay visible in more than half throughout are left out.
    """
    found = {}
    for effect, rows in fates[fates["effect"] != "any"].groupby("effect"):
        visible = rows["n_trajectories"].where(rows["visible"].astype(bool), 0).groupby(rows["n"]).sum()
        share = (visible / rows.groupby("n")["n_trajectories"].sum()).sort_index()
        below = np.flatnonzero(share.to_numpy() < 0.5)
        if len(below) and below[0] > 0:
            (n0, s0), (n1, s1) = ((share.index[i], share.iloc[i]) for i in (below[0] - 1, below[0]))
            found[str(effect)] = float(n0 + (n1 - n0) * (s0 - 0.5) / (s0 - s1))
    return found


def _onset_lines(axes: Axes, lines: list[tuple[float, str, str]]) -> None:
    """Dotted lines with the effects' names above the axes, pushed apart where they would overlap."""
    if not lines:
        return
    low, high = axes.get_xlim()
    spacing = 7.0 / (1.9 * 72) * (high - low)  # points of a line of text over the panel's width
    places = spread([x for x, _, _ in lines], spacing)
    for (x, effect, color), place in zip(lines, places, strict=True):
        axes.axvline(x, color=color, linewidth=0.8, linestyle=(0, (1, 1)), zorder=0)
        arrow = {"arrowstyle": "-", "color": color, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 0, "relpos": (0.5, 0)}
        text = {"rotation": 90, "ha": "center", "va": "bottom", "fontsize": SMALL, "color": color, "annotation_clip": False}
        axes.annotate(readable(effect), (x, 1), xycoords=("data", "axes fraction"), xytext=(place, 1.05), arrowprops=arrow, **text)


def spread(values: Sequence[float], spacing: float) -> list[float]:
    """Rising positions near ``values`` (rising) that are at least ``spacing`` apart, around the same middle."""
    if not values:
        return []
    places = [float(values[0])]
    for value in values[1:]:
        places.append(max(float(value), places[-1] + spacing))
    shift = float(np.mean(np.array(places) - np.array(values, dtype=float)))
    return [place - shift for place in places]


def _accuracy_by_visibility(axes: Axes, rows: pd.DataFrame, outcomes: dict[str, str], least: int) -> None:
    if rows["n_trajectories"].sum() == 0:
        return empty_note(axes, "held out,\nwith a planted fate")
    rows = rows[rows["n_trajectories"] >= least]
    if rows.empty:
        return reason_note(axes, too_few(least).replace(" than", "\nthan"))
    ticks_at_points(axes, rows["n"])
    for name, (color, marker) in outcome_styles(outcomes).items():
        for visible, line, fill in ((True, "-", color), (False, (0, (3, 2)), "white")):
            one = rows[(rows["outcome"] == name) & (rows["visible"] == visible)].sort_values("n")
            axes.plot(one["n"], one["fraction_correct"], color=color, marker=marker, linestyle=line, markerfacecolor=fill)
            band(axes, one["n"].to_numpy(dtype=float), one["ci_low"], one["ci_high"], color, alpha=0.14 if visible else 0.07)
    axes.set(ylim=(-0.02, 1.02), xlabel="frames dropped from the end", ylabel="share predicted as planted")
    return None


def _overlap(axes: Axes, scores: pd.DataFrame) -> None:
    values = scores["iou"].to_numpy(dtype=float)
    if len(values) == 0:
        return empty_note(axes, "the choice of\ncrops to segment")
    axes.hist(values, bins=np.linspace(0, 1, 21), color=OKABE_ITO["green"])
    text = f"n = {len(values)}\nfound {scores['found'].astype(float).mean():.3f}\nmedian {np.median(values):.3f}"
    axes.text(0.03, 0.97, text, ha="left", va="top", fontsize=SMALL, transform=axes.transAxes)
    axes.set(xlim=(0, 1), xlabel="IoU with the planted cell", ylabel="crops")
    return None
