"""Risks over time: single held-out cells, with what happened."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cellfate.base.plot_style import (
    DOUBLE,
    GREY,
    ROLE_STYLE,
    SMALL,
    new_figure,
    readable,
    reason_figure,
    styled,
)

CLOCKS = {"track": "hours since the track began", "drug": "hours since the drug", "recording": "hours since the recording began"}
KINDS = ("negative", "positive", "none")
LINES = {"negative": "--", "positive": "-"}
ENDS = {"lost": ("x", "lost"), "film": ("|", "end of the film")}
SHOWN = 4  # cells of a kind


@styled
def plot_risk_examples(examples: pd.DataFrame, outcomes: Mapping[str, str]) -> Figure:
    """The risks of single held-out cells, a row of panels for each outcome and for cells without one; symbols say what happened when."""
    if examples.empty:
        return reason_figure(DOUBLE, 2.0, "no held-out cell has frames enough for a prediction (crops.min_frames)")
    if examples[["negative", "positive"]].isna().all(axis=None):
        return reason_figure(
            DOUBLE,
            2.0,
            "no training track was followed for as long as any of risks.horizons_hours\nafter its first frame with a prediction",
        )
    figure = new_figure(DOUBLE, 4.8)
    panels = figure.subplots(len(KINDS), SHOWN, sharex=True, sharey=True, squeeze=False)
    titles = {**{role: readable(name) for role, name in outcomes.items()}, "none": "neither seen"}
    for row, kind in zip(panels, KINDS, strict=True):
        own = examples[examples["kind"] == kind]
        cells = list(own.groupby("trajectory", sort=True))
        for axes, cell in zip(row, [*cells, *[None] * (SHOWN - len(cells))], strict=True):
            _cell(axes, cell)
        row[0].set_ylabel(f"{titles[kind]}\nrisk")
    hours = examples["horizon_hours"].iloc[0]
    for axes in panels[-1]:
        axes.set_xlabel(CLOCKS["track"])
    panels[0, 0].set(ylim=(-0.03, 1.12), yticks=[0, 0.5, 1], xlim=(0, 1.04 * examples["end_hours"].max()))
    figure.legend(handles=_example_handles(outcomes, hours), loc="outside upper center", ncols=3, columnspacing=1.6)
    return figure


def _cell(axes: Axes, cell: tuple[str, pd.DataFrame] | None) -> None:
    if cell is None:
        axes.axis("off")
        return
    name, rows = cell
    for role, line in LINES.items():
        axes.plot(rows["hours"], rows[role].astype(float), color=ROLE_STYLE[role][0], linestyle=line)
    ended, end = rows["ended"].iloc[0], rows["end_hours"].iloc[0]
    color, marker = ROLE_STYLE[ended] if ended in ROLE_STYLE else ("black", ENDS[ended][0])
    axes.axvline(end, color=color, linewidth=0.6, linestyle=":")
    axes.plot([end], [1.05], color=color, marker=marker, markersize=5, clip_on=False, linestyle="")
    axes.set_title(name, fontsize=SMALL, color=GREY, pad=2)


def _example_handles(outcomes: Mapping[str, str], hours: float) -> list[Line2D]:
    found = []
    for role, (color, marker) in ROLE_STYLE.items():
        words = readable(outcomes[role])
        found.append(Line2D([], [], color=color, linestyle=LINES[role], label=f"risk of {words} within {hours:g} h"))
        found.append(Line2D([], [], color=color, marker=marker, markersize=5, linestyle="", label=f"{words} seen"))
    ends = [Line2D([], [], color="black", marker=marker, markersize=5, linestyle="", label=words) for marker, words in ENDS.values()]
    return [*found, *ends]
