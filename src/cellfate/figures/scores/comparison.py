"""Two runs side by side on the same held-out cells: their scores, and by how much one is better."""

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
    least_handle,
    new_figure,
    panel_label,
    reason_note,
    shortened,
    styled,
    ticks_at_points,
)
from cellfate.evaluation.compared.scores import LOSSES
from cellfate.evaluation.compared.words import metric_label

SIDES = {"a": (OKABE_ITO["black"], "o", -0.14), "b": (OKABE_ITO["green"], "s", 0.14)}  # colour, marker, place in a row
SHARES = ("balanced_accuracy", "f1_macro", "auroc", "recall")
PAIRED = ("balanced_accuracy", "f1_macro", "auroc", "recall", "log_loss", "brier", "ece")
NAME = 24  # characters of the name of a run


@styled
def plot_comparison(comparison: pd.DataFrame, *, min_trajectories: int) -> Figure:
    """Scores of two runs in full (a), by how much the second is better (b), both without the last frames (c, d), with 95 % intervals.

    ``comparison`` is the table of that name. In b and d right and up are better also for losses. Points on fewer than
    ``min_trajectories`` are not drawn.
    """
    figure = new_figure(DOUBLE, 5.2)
    panels = figure.subplots(2, 2)
    full = comparison[comparison["condition"] == "full"]
    names = {side: shortened(full[f"run_{side}"].iloc[0], NAME) for side in SIDES}
    _scores_panel(panels[0, 0], full[full["metric"].isin(SHARES)])
    _difference_panel(panels[0, 1], full[full["metric"].isin(PAIRED)], names["b"])
    steps = comparison[(comparison["condition"] == "truncation") & (comparison["metric"] == "balanced_accuracy") & comparison["a"].notna()]
    steps = steps[steps["n_trajectories"] >= min_trajectories].sort_values("n")
    if steps.empty:
        for axes in panels[1]:
            reason_note(axes, f"no number of dropped frames is in both runs\nwith {min_trajectories} or more cells of both outcomes")
    else:
        _steps_panel(panels[1, 0], steps)
        _steps_difference_panel(panels[1, 1], steps, names["b"])
    for axes, letter in zip(panels.flat, "abcd", strict=True):
        panel_label(axes, letter)
    handles = [Line2D([], [], color=color, marker=marker, label=names[side]) for side, (color, marker, _) in SIDES.items()]
    handles.append(Line2D([], [], color=GREY, marker="D", markerfacecolor="white", linestyle="", label="open: no interval"))
    figure.legend(handles=[*handles, *least_handle(min_trajectories)], loc="outside upper center", ncols=4)
    return figure


def _scores_panel(axes: Axes, rows: pd.DataFrame) -> None:
    for place, (_, row) in enumerate(rows.iterrows()):
        for side, (color, marker, shift) in SIDES.items():
            _point(axes, row[side], row[f"{side}_low"], row[f"{side}_high"], place + shift, color, marker)
    axes.axvline(0.5, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    _name_rows(axes, rows)
    axes.set_xlim(right=1.02)
    axes.set_xlabel(f"score in full, {_cells(rows)}")


def _difference_panel(axes: Axes, rows: pd.DataFrame, name: str) -> None:
    for place, (_, row) in enumerate(rows.iterrows()):
        sign = -1 if row["metric"] in LOSSES else 1
        ends = sorted((sign * row["difference_low"], sign * row["difference_high"]))
        color, marker, _ = SIDES["b"]
        _point(axes, sign * row["difference"], *ends, place, color, marker)
    axes.axvline(0, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    _name_rows(axes, rows)
    axes.set_xlabel(f"{name} is better by")


def _point(axes: Axes, value: float, low: float, high: float, place: float, color: str, marker: str) -> None:
    """A value with its interval; open where there is none."""
    known = pd.notna(low)
    if known:
        axes.plot([low, high], [place, place], color=color, linewidth=1.0, solid_capstyle="butt")
    axes.plot(value, place, marker, color=color, markersize=4, markerfacecolor=color if known else "white")


def _name_rows(axes: Axes, rows: pd.DataFrame) -> None:
    axes.set_yticks(range(len(rows)), [metric_label(*pair) for pair in zip(rows["metric"], rows["class"], strict=True)])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.5, -0.5)


def _cells(rows: pd.DataFrame) -> str:
    row = rows[rows["class"] == "all"].iloc[0]
    return f"{row['n_trajectories']} cells of {row['units']} {row['unit']}s"


def _steps_panel(axes: Axes, rows: pd.DataFrame) -> None:
    for side, (color, marker, _) in SIDES.items():
        _curve(axes, rows, side, color, marker)
    axes.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    axes.set_ylim(top=1.02)
    _finish(axes, rows, "balanced accuracy")


def _steps_difference_panel(axes: Axes, rows: pd.DataFrame, name: str) -> None:
    color, marker, _ = SIDES["b"]
    _curve(axes, rows, "difference", color, marker)
    axes.axhline(0, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    _finish(axes, rows, f"{name} is better by\n(balanced accuracy)")


def _curve(axes: Axes, rows: pd.DataFrame, column: str, color: str, marker: str) -> None:
    x = rows["n"].to_numpy(float)
    axes.plot(x, rows[column].astype(float), color=color, marker=marker)
    band(axes, x, rows[f"{column}_low"], rows[f"{column}_high"], color)


def _finish(axes: Axes, rows: pd.DataFrame, ylabel: str) -> None:
    axes.set_ylabel(ylabel)
    ticks_at_points(axes, rows["n"])
    count_rows(axes, [("n", "black", dict(zip(rows["n"], rows["n_trajectories"], strict=True)))], "frames dropped from the end")
