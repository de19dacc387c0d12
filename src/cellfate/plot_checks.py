"""Figures that check a run: training curves, calibration, and, for simulated recordings, the comparison with the truth.

``outcomes`` is the config's mapping ``{"negative": name, "positive": name}``. Empty tables give a figure that says so.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cellfate.errors import InputError
from cellfate.plot_style import (
    DOUBLE,
    GREY,
    OKABE_ITO,
    SMALL,
    band,
    count_rows,
    empty_figure,
    empty_note,
    hours_axis,
    new_figure,
    outcome_styles,
    panel_label,
    readable,
    styled,
)

FOLD_COLORS = tuple(OKABE_ITO[name] for name in ("blue", "vermillion", "green", "purple", "orange", "sky", "black"))
FOLD_LINES = ("-", (0, (3, 1)), (0, (1, 1)))  # a new pattern once the colours are used up
STAGE_STYLE = {"raw": (GREY, "s", "before calibration"), "calibrated": (OKABE_ITO["green"], "o", "after calibration")}
CURVE_COLUMNS = ("epoch", "train_loss", "val_loss", "val_balanced_accuracy")


# ---- training curves ----


def read_curves(models: Sequence[str | Path]) -> pd.DataFrame:
    """The curves.csv of each model folder, in the order of the folds, with a column ``fold``."""
    tables = []
    for fold, model in enumerate(models):
        path = Path(model) / "curves.csv"
        if not path.exists():
            raise InputError(f"{path}: no such file (training curves)")
        table = pd.read_csv(path)
        missing = [column for column in CURVE_COLUMNS if column not in table.columns]
        if missing:
            raise InputError(f"{path}: column {missing[0]} missing; found {', '.join(table.columns)}")
        tables.append(table.assign(fold=fold))
    return pd.concat(tables, ignore_index=True)


@styled
def plot_training_curves(curves: pd.DataFrame) -> Figure:
    """Losses (a, training faint) and validation balanced accuracy (b) per epoch and fold; the kept epoch has a ring.

    ``curves`` has fold, epoch, train_loss, val_loss, val_balanced_accuracy.
    """
    if curves.empty:
        return empty_figure(DOUBLE, 2.4, "the training set (no epoch was trained)")
    figure = new_figure(DOUBLE, 2.6)
    loss, accuracy = figure.subplots(1, 2)
    folds = sorted(curves["fold"].unique())
    for index, fold in enumerate(folds):
        _fold_curves(loss, accuracy, curves[curves["fold"] == fold].sort_values("epoch"), *_fold_style(index))
    accuracy.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    loss.set(xlabel="epoch", ylabel="loss (cross-entropy)", ylim=(0, None))
    accuracy.set(xlabel="epoch", ylabel="validation balanced accuracy", ylim=(None, 1.02))
    for axes, letter in ((loss, "a"), (accuracy, "b")):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel_label(axes, letter)
    handles = _curve_handles(folds)
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 8), columnspacing=1.2)
    return figure


def _fold_style(index: int) -> tuple[str, object]:
    return FOLD_COLORS[index % len(FOLD_COLORS)], FOLD_LINES[(index // len(FOLD_COLORS)) % len(FOLD_LINES)]


def _fold_curves(loss: Axes, accuracy: Axes, one: pd.DataFrame, color: str, line: object) -> None:
    loss.plot(one["epoch"], one["train_loss"], color=color, linestyle=line, alpha=0.4, linewidth=0.9)
    loss.plot(one["epoch"], one["val_loss"], color=color, linestyle=line)
    accuracy.plot(one["epoch"], one["val_balanced_accuracy"], color=color, linestyle=line)
    if one["val_balanced_accuracy"].notna().any():
        order = ["val_balanced_accuracy", "val_loss", "epoch"]  # as the training keeps its best model
        best = one.sort_values(order, ascending=[False, True, True]).iloc[0]
        ring = {"color": color, "marker": "o", "markersize": 5.5, "markerfacecolor": "none", "linestyle": "", "zorder": 4, "clip_on": False}
        loss.plot(best["epoch"], best["val_loss"], **ring)
        accuracy.plot(best["epoch"], best["val_balanced_accuracy"], **ring)


def _curve_handles(folds: Sequence[int]) -> list[Line2D]:
    handles = [
        Line2D([], [], color="black", alpha=0.4, linewidth=0.9, label="training"),
        Line2D([], [], color="black", label="validation"),
        Line2D([], [], color="black", marker="o", markersize=5.5, markerfacecolor="none", linestyle="", label="kept epoch"),
    ]
    if len(folds) > 1:
        for index, fold in enumerate(folds):
            color, line = _fold_style(index)
            handles.append(Line2D([], [], color=color, linestyle=line, label=f"fold {fold}"))
    return handles


# ---- calibration ----


@styled
def plot_calibration(table: pd.DataFrame, outcomes: dict[str, str], frame_interval_min: float | None = None) -> Figure:
    """Reliability of the full trajectories (a) and the calibration error per truncation (b), before and after calibration.

    ``table`` is the calibration table: rows per bin, scores repeated for each condition, n and stage.
    """
    if table.empty or table["count"].sum() == 0:
        return empty_figure(DOUBLE, 2.6, "held out, with a known outcome")
    figure = new_figure(DOUBLE, 3.0)
    reliability, errors = figure.subplots(1, 2)
    _reliability(reliability, table[table["condition"] == "full"], readable(outcomes["positive"]))
    truncated = table["condition"] == "truncation"
    _errors(errors, table[truncated] if truncated.any() else table[table["condition"] == "full"], frame_interval_min)
    panel_label(reliability, "a")
    panel_label(errors, "b")
    stages = [stage for stage in STAGE_STYLE if (table["stage"] == stage).any()]
    full = table[table["condition"] == "full"]
    handles = [
        Line2D([], [], color=STAGE_STYLE[s][0], marker=STAGE_STYLE[s][1], label=STAGE_STYLE[s][2] + _scores(full, s)) for s in stages
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
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
    axes.set_title(f"n = {n}, area of a marker: trajectories in the bin", fontsize=SMALL, color=GREY)
    return None


def _errors(axes: Axes, rows: pd.DataFrame, frame_interval_min: float | None) -> None:
    scores = rows.groupby(["stage", "n"], as_index=False).agg(ece=("ece", "first"), count=("count", "sum"))
    if scores["ece"].isna().all():
        return empty_note(axes, "this length, with a known outcome")
    counts: dict[float, int] = {}
    for stage, (color, marker, _) in STAGE_STYLE.items():
        one = scores[scores["stage"] == stage].sort_values("n")
        axes.plot(one["n"], one["ece"].astype(float), color=color, marker=marker)
        counts |= dict(zip(one["n"], one["count"], strict=True))
    axes.set(ylim=(0, None), ylabel="expected calibration error")
    count_rows(axes, [("n", "black", counts)], "frames dropped from the end")
    hours_axis(axes, frame_interval_min, "hours dropped")
    return None


# ---- truth of simulated recordings ----


@styled
def plot_truth(segmentation: pd.DataFrame, fates: pd.DataFrame, outcomes: dict[str, str]) -> Figure:
    """Right predictions per truncation with the planted onsets (a), the same by what was visible (b), segmentation (c).

    ``fates`` is the truth_fates table; a vertical line marks how many frames before the end half of the trajectories show an
    effect for the first time. ``segmentation`` is the truth_segmentation table: ``iou`` with the true
    region (0 where none was chosen) and ``found``.
    """
    figure = new_figure(DOUBLE, 3.3)
    accuracy, visible, overlap = figure.subplots(1, 3, width_ratios=(1.25, 1, 0.8))
    _accuracy_with_onsets(accuracy, fates, outcomes)
    _accuracy_by_visibility(visible, fates[fates["effect"] == "any"], outcomes)
    _overlap(overlap, segmentation)
    for axes, letter in ((accuracy, "a"), (visible, "b"), (overlap, "c")):
        panel_label(axes, letter)
    handles = [Line2D([], [], color=c, marker=m, label=readable(name)) for name, (c, m) in outcome_styles(outcomes).items()]
    handles += [
        Line2D([], [], color="black", linewidth=0.8, linestyle=(0, (1, 1)), label="onset of an effect (median)"),
        Line2D([], [], color="black", marker="o", label="effect visible"),
        Line2D([], [], color="black", marker="o", markerfacecolor="white", linestyle=(0, (3, 2)), label="not yet visible"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=5, columnspacing=1.2)
    return figure


def _accuracy_with_onsets(axes: Axes, fates: pd.DataFrame, outcomes: dict[str, str]) -> None:
    if fates["n_trajectories"].sum() == 0:
        return empty_note(axes, "held out, with a planted fate")
    counts = []
    lines = []
    for name, (color, marker) in outcome_styles(outcomes).items():
        one = fates[(fates["outcome"] == name) & (fates["effect"] == "any")].groupby("n")[["n_correct", "n_trajectories"]].sum()
        axes.plot(one.index, one["n_correct"] / one["n_trajectories"], color=color, marker=marker)
        counts.append(("n", color, one["n_trajectories"].to_dict()))
        lines += [(onset, effect, color) for effect, onset in median_onsets(fates[fates["outcome"] == name]).items()]
    axes.set(ylim=(-0.02, 1.02), ylabel="share predicted as planted")
    _onset_lines(axes, sorted(lines))
    count_rows(axes, counts, "frames dropped from the end")
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
        arrow = {"arrowstyle": "-", "color": color, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 0}
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


def _accuracy_by_visibility(axes: Axes, rows: pd.DataFrame, outcomes: dict[str, str]) -> None:
    if rows["n_trajectories"].sum() == 0:
        return empty_note(axes, "held out,\nwith a planted fate")
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
