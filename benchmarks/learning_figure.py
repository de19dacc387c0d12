"""The figure of the learning benchmark."""

import numpy as np
import pandas as pd
from learning_baselines import BASELINES
from learning_scores import NETWORK
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cellfate.base.plot_style import (
    DOUBLE,
    GREY,
    OKABE_ITO,
    SMALL,
    band,
    empty_note,
    feature_label,
    new_figure,
    outcome_styles,
    panel_label,
    styled,
)

METHOD_LABELS = {
    NETWORK: "network",
    "majority": "majority",
    "length": "length",
    "dose": "dose",
    "mean_intensity": "mean intensity",
    "last_frame_pixels": "last frame, pixels",
    "last_frame_rings": "last frame, rings",
}
CONDITION_LABELS = {
    "all": "all effects",
    "none": "no effect",
    "p53": "only p53",
    "rounding": "only rounding",
    "double": "all effects, twice the recordings",
}
WITH_ALL_EFFECTS = ("all", "double")
CONDITION_STYLES = {
    "all": (OKABE_ITO["black"], "o"),
    "none": (OKABE_ITO["orange"], "D"),
    "p53": (OKABE_ITO["green"], "s"),
    "rounding": (OKABE_ITO["purple"], "^"),
    "double": (OKABE_ITO["blue"], "v"),
}
BELOW = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.17), "fontsize": SMALL, "columnspacing": 1.0}  # a legend under the axis
SINGLE_FRAME = "last_frame_rings"  # the baseline that is drawn in c
SEED_OFFSET = 0.22  # of a row: where the single seeds stand


@styled
def plot_learning(scores: pd.DataFrame, effects: pd.DataFrame, outcomes: dict[str, str]) -> Figure:
    """Network and baselines with all effects (a), the network by condition (b), without the last frames (c), p53's effect (d).

    The effects in d are relative to other cells at the same time before the end (course removed).
    """
    figure = new_figure(DOUBLE, 6.3)
    panels = figure.subplots(2, 2)
    _methods_panel(panels[0, 0], scores)
    _conditions_panel(panels[0, 1], scores)
    _truncation_panel(panels[1, 0], scores)
    _effects_panel(panels[1, 1], effects, outcomes)
    for axes, letter in zip(panels.ravel(), "abcd", strict=True):
        panel_label(axes, letter)
    return figure


def whole_rows(scores: pd.DataFrame, condition: str | None = None, method: str | None = None) -> pd.DataFrame:
    """Scores of whole trajectories of all held-out recordings."""
    rows = scores[(scores["dropped"] == 0) & (scores["scope"] == "all")]
    rows = rows if condition is None else rows[rows["condition"] == condition]
    return rows if method is None else rows[rows["method"] == method]


def _methods_panel(axes: Axes, scores: pd.DataFrame) -> None:
    axes.set_title("all effects, whole trajectories")
    names, conditions = [NETWORK, *BASELINES], [name for name in WITH_ALL_EFFECTS if name in set(scores["condition"])]
    if not conditions:
        return empty_note(axes, "the condition with all effects")
    shifts = np.linspace(-0.2, 0.2, len(conditions)) if len(conditions) > 1 else [0]
    for condition, shift in zip(conditions, shifts, strict=True):
        rows = whole_rows(scores, condition=condition).set_index("method")
        for place, name in enumerate(names):
            _dots(axes, rows.loc[name], place + shift, *CONDITION_STYLES[condition], seeds_below=0.14)
        axes.axvline(rows.loc[NETWORK, "low"], color=CONDITION_STYLES[condition][0], linewidth=0.8, linestyle="--")
    axes.legend(handles=[_curve_handle(CONDITION_LABELS[name], *CONDITION_STYLES[name]) for name in conditions], ncols=2, **BELOW)
    return _score_axis(axes, [METHOD_LABELS[name] for name in names])


def _conditions_panel(axes: Axes, scores: pd.DataFrame) -> None:
    rows = whole_rows(scores, method=NETWORK).set_index("condition")
    axes.set_title("network, whole trajectories")
    names = [name for name in CONDITION_LABELS if name in rows.index]
    for place, name in enumerate(names):
        _dots(axes, rows.loc[name], place, *CONDITION_STYLES[name])
    _score_axis(axes, [CONDITION_LABELS[name].replace(", ", ",\n") for name in names])


def _dots(axes: Axes, row: pd.Series, place: float, color: str, marker: str, seeds_below: float = SEED_OFFSET) -> None:
    """Mean and interval on the row, the single seeds below it."""
    axes.plot([row["low"], row["high"]], [place, place], color=color, linewidth=1.4, solid_capstyle="butt")
    axes.plot(row["mean"], place, color=color, marker=marker, markersize=4.6, zorder=3)
    seeds = list(row["values"].values())
    axes.plot(seeds, np.full(len(seeds), place + seeds_below), "|", color=color, markersize=4, markeredgewidth=0.8)


def _score_axis(axes: Axes, labels: list[str]) -> None:
    axes.axvline(0.5, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(axis="y", length=0)
    axes.set(ylim=(len(labels) - 0.4, -0.6), xlim=(0.3, 1.01), xlabel="balanced accuracy")


def _truncation_panel(axes: Axes, scores: pd.DataFrame) -> None:
    rows = scores[(scores["method"] == NETWORK) & (scores["scope"] == "treated")]
    names = [name for name in CONDITION_LABELS if name in set(rows["condition"]) and name != "double"]
    for name in names:
        color, marker = CONDITION_STYLES[name]
        one = rows[rows["condition"] == name].sort_values("dropped")
        x = one["dropped"].to_numpy(float)
        axes.plot(x, one["mean"], color=color, marker=marker)
        band(axes, x, one["low"], one["high"], color, alpha=0.13)
    one_frame = scores[(scores["method"] == SINGLE_FRAME) & (scores["scope"] == "treated") & (scores["condition"] == "all")]
    one_frame = one_frame.sort_values("dropped")
    axes.plot(one_frame["dropped"], one_frame["mean"], color="black", marker="o", markerfacecolor="white", linestyle="--", linewidth=0.8)
    axes.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    axes.set_title("treated recordings, shortened")
    axes.set(xlabel="frames dropped from the end", ylabel="balanced accuracy", ylim=(0.3, 1.02))
    handles = [_curve_handle(CONDITION_LABELS[name], *CONDITION_STYLES[name]) for name in names]
    handles.append(_curve_handle("all effects, one frame", "black", "o", linestyle="--", markerfacecolor="white"))
    axes.legend(handles=handles, ncols=3, **BELOW)


def _curve_handle(label: str, color: str, marker: str, **style: str) -> Line2D:
    return Line2D([], [], color=color, marker=marker, label=label, **style)


def _effects_panel(axes: Axes, effects: pd.DataFrame, outcomes: dict[str, str]) -> None:
    axes.set_title("only p53: high- against low-attention frames")
    effects = effects if effects.empty else effects[effects["course"] == "removed"]
    if effects.empty:
        return empty_note(axes, "the condition with p53 alone")
    features = list(dict.fromkeys(effects["feature"]))
    for side, (name, (color, marker)) in zip((-1, 1), outcome_styles(outcomes).items(), strict=True):
        rows = effects[effects["outcome"] == name].set_index("feature")
        for place, feature in enumerate(features):
            if feature in rows.index:
                row, y = rows.loc[feature], place + 0.18 * side
                axes.plot([row["low"], row["high"]], [y, y], color=color, linewidth=1.2, solid_capstyle="butt")
                axes.plot(row["median"], y, color=color, marker=marker, markersize=3.6, linestyle="", label=name if place == 0 else None)
    axes.axvline(0, color=GREY, linewidth=0.6, zorder=0)
    axes.set_yticks(range(len(features)), [feature_label(feature) for feature in features])
    axes.tick_params(axis="y", length=0, labelsize=SMALL)
    axes.set(xlim=(-1, 1), ylim=(len(features) - 0.4, -0.6), xlabel="median Cliff's delta, relative to other cells")
    axes.legend(ncols=2, **BELOW)
    return None
