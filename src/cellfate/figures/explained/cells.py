"""Single cells: film strip, probability frame by frame, what methods of explanation say, and features, along one axis of time."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from cellfate.base.plot_style import (
    ANALYSED,
    DOUBLE,
    GREY,
    OKABE_ITO,
    SMALL,
    empty_figure,
    feature_label,
    new_figure,
    outcome_styles,
    readable,
    styled,
)
from cellfate.explanation.attributions.names import ALL, METHODS, label_of
from cellfate.explanation.given_away import FEATURE, METHOD, PROBABILITY
from cellfate.figures.examples import composite

COLORS = [OKABE_ITO[name] for name in ("blue", "vermillion", "green", "purple", "orange")]
MOST_FEATURES = 3
HEIGHTS = {"strip": 0.62, "panel": 0.55, "line": 0.11}  # inches
LINE = 112  # characters of a line of words


@styled
def plot_explained_cells(
    values: pd.DataFrame,
    said: pd.DataFrame,
    examples: pd.DataFrame,
    crops: np.ndarray,
    outcomes: Mapping[str, str],
    *,
    shown: Sequence[str],
) -> Figure:
    """The cells of figure 6, one below the other.

    ``values`` and ``said`` are the tables explained_cells and given_away, ``examples`` and ``crops`` (K, C, S, S) those of figure 6.
    ``shown`` methods get a panel each, signed toward the cell's own outcome; the hours that gave it away are shaded.
    """
    if values.empty:
        return empty_figure(DOUBLE, 2.4, ANALYSED)
    names = [name for name in shown if name in set(values.loc[values["kind"] == METHOD, "name"])]
    features = _features(values, said)
    panels = 1 + len(names) + bool(features)
    cells = list(values.groupby("trajectory", sort=False))
    words = said.set_index("trajectory")
    everything = [words.loc[trajectory] if trajectory in words.index else None for trajectory, _ in cells]
    plain = HEIGHTS["strip"] + 0.78 + panels * HEIGHTS["panel"]
    heights = [plain + HEIGHTS["line"] * _told(told).count("\n") for told in everything]
    figure = new_figure(DOUBLE, sum(heights))
    parts = figure.subfigures(len(cells), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, (trajectory, own), told in zip(parts, cells, everything, strict=True):
        _cell(part, own, told, examples[examples["trajectory"] == trajectory], crops, dict(outcomes), names, features)
    return figure


def _features(values: pd.DataFrame, said: pd.DataFrame) -> list[str]:
    """Features that are named for some cell, then the first others."""
    known = list(dict.fromkeys(values.loc[values["kind"] == FEATURE, "name"]))
    named = [name for name in dict.fromkeys(said["feature"].dropna()) if name in known]
    return [*named, *(name for name in known if name not in named)][:MOST_FEATURES]


def _cell(
    part: Figure,
    values: pd.DataFrame,
    told: pd.Series | None,
    examples: pd.DataFrame,
    crops: np.ndarray,
    outcomes: dict[str, str],
    names: Sequence[str],
    features: Sequence[str],
) -> None:
    outcome, trajectory = values["outcome"].iloc[0], values["trajectory"].iloc[0]
    color = outcome_styles(outcomes)[outcome][0]
    part.suptitle(f"{readable(outcome)}, {trajectory}\n{_told(told)}", x=0.01, ha="left", fontsize=SMALL, color=color)
    kinds = [PROBABILITY, *names, *[FEATURE] * bool(features)]
    grid = GridSpec(1 + len(kinds), 1, figure=part, height_ratios=[HEIGHTS["strip"]] + [HEIGHTS["panel"]] * len(kinds))
    strip = part.add_subplot(grid[0])
    limits = -float(values["hours_before_end"].max()), 0.0
    room = 0.03 * (limits[1] - limits[0]) or 1.0
    _strip(strip, examples[examples["position"].notna()], crops)
    axes = None
    for place, kind in enumerate(kinds, start=1):
        axes = part.add_subplot(grid[place], sharex=axes)
        if kind == PROBABILITY:
            _lines(axes, values[values["kind"] == PROBABILITY], {outcome: "probability"}, [color])
            axes.set_ylim(-0.03, 1.03)
            _name(axes, "probability")
        elif kind == FEATURE:
            _standardised(axes, values[(values["kind"] == FEATURE) & values["name"].isin(features)], features)
        else:
            _method(axes, values[(values["kind"] == METHOD) & (values["name"] == kind)], kind)
        if told is not None:
            axes.axvspan(*_shaded(told, values["hours_before_end"]), color=OKABE_ITO["yellow"], alpha=0.3, linewidth=0)
        axes.tick_params(labelbottom=place == len(kinds))
    part.align_ylabels()
    axes.set(xlim=(limits[0] - room, limits[1] + room), xlabel="hours relative to the end of the trajectory")


def _told(told: pd.Series | None) -> str:
    return "not explained" if told is None else textwrap.fill(str(told["words"]), LINE)


def _shaded(told: pd.Series, hours: pd.Series) -> tuple[float, float]:
    """The told hours on the axis; a single frame reaches half way to the next ones, else nothing would be seen."""
    margin = float(np.diff(np.unique(hours)).min()) / 2 if told["n_told"] == 1 and hours.nunique() > 1 else 0.0
    return -told["hours_from"] - margin, -told["hours_to"] + margin


def _strip(axes: Axes, shown: pd.DataFrame, crops: np.ndarray) -> None:
    """The crops of figure 6 side by side, in their order; their hours above them."""
    axes.set_axis_off()
    if shown.empty:
        return
    images = composite(crops[shown["position"].to_numpy(int)])
    size = images.shape[1]
    gap = max(1, size // 20)
    canvas = np.ones((size, len(images) * (size + gap) - gap, 3))
    for place, (image, hours) in enumerate(zip(images, shown["hours_before_end"], strict=True)):
        first = place * (size + gap)
        canvas[:, first : first + size] = image
        axes.text(first + size / 2, -gap, _hours(hours), ha="center", va="bottom", fontsize=SMALL)
    axes.imshow(canvas, interpolation="nearest")


def _hours(hours: float) -> str:
    return "0" if hours == 0 else f"−{hours:.1f}"


def _name(axes: Axes, words: str) -> None:
    """Words beside a panel, level: turned they are longer than a panel is high, and run into the next ones."""
    axes.set_ylabel(textwrap.fill(words, 14), rotation=0, ha="right", va="center", fontsize=SMALL)


def _lines(axes: Axes, values: pd.DataFrame, labels: Mapping[str, str], colors: Sequence[str], by: str = "name") -> None:
    for (name, label), color in zip(labels.items(), colors, strict=False):
        own = values[values[by] == name].sort_values("frame")
        axes.plot(-own["hours_before_end"], own["value"], color=color, label=label, linewidth=1.0)


def _method(axes: Axes, values: pd.DataFrame, name: str) -> None:
    parts = list(dict.fromkeys(values["part"]))
    labels = {part: "" if part == ALL else readable(part) for part in parts}
    _lines(axes, values, labels, COLORS if len(parts) > 1 else ["black"], by="part")
    axes.axhline(0, color=GREY, linewidth=0.5)
    _name(axes, label_of(name) if METHODS[name].signed else f"{label_of(name)}, no sign")
    if len(parts) > 1:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=SMALL, handlelength=1.2)


def _standardised(axes: Axes, values: pd.DataFrame, features: Sequence[str]) -> None:
    """Features in standard deviations from the cell's own mean."""
    groups = values.groupby("name")["value"]
    spread = groups.transform("std").where(lambda own: own > 0)
    scaled = values.assign(value=(values["value"] - groups.transform("mean")) / spread)
    _lines(axes, scaled, {name: feature_label(name) for name in features}, COLORS[2:] + COLORS[:2])
    _name(axes, "features, in deviations")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=SMALL, handlelength=1.2)
