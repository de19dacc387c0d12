"""Where chains of phenotypes end, when, and how that changes along pseudotime or time."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cellfate.base.plot_style import DOUBLE, GREY, OKABE_ITO, SMALL, new_figure, panel_label, shortened, styled
from cellfate.transition.fates.chain import TARGETS
from cellfate.transition.network.names import variant_name

COLORS = [OKABE_ITO[name] for name in ("blue", "vermillion", "green", "purple", "orange", "sky", "yellow", "black")]
MARKERS = "osD^vP*X"
NO_FATES = "no phenotype is terminal:\nnone is given, and none stays\nwhat it is for long enough"


@styled
def plot_fates(fates: pd.DataFrame, times: pd.DataFrame, trends: pd.DataFrame, along: str | None) -> Figure:
    """The probability to end in each fate from each phenotype (a), the expected steps until then (b), and the mean probability of
    cells along ``along`` (c). Filled markers are the chain of the cells' own targets, with intervals; hollow ones a network's.
    """
    figure = new_figure(DOUBLE, 2.9)
    first, second, third = figure.subplots(1, 3, width_ratios=[1.3, 0.8, 1.1])
    for axes, letter in zip((first, second, third), "abc", strict=True):
        panel_label(axes, letter)
    if fates.empty:
        for axes in (first, second, third):
            _only(axes, NO_FATES)
        return figure
    sources = [name for name in dict.fromkeys(times["source"]) if not times.loc[times["source"] == name, "terminal"].any()]
    names = list(dict.fromkeys(fates["fate"]))
    groups = [TARGETS, *[name for name in dict.fromkeys(fates["group"]) if name != TARGETS]]
    _absorption(first, fates, sources, names, groups)
    _times(second, times, sources, groups)
    if trends.empty:
        words = "nothing says what trends follow\n(transition.fates.along)" if along is None else "too few cells for a trend"
        _only(third, words)
    else:
        _trends(third, trends, names, along)
    figure.legend(handles=_handles(names, groups), loc="outside upper center", ncols=min(6, len(names) + len(groups)))
    return figure


def _only(axes: Axes, words: str) -> None:
    axes.text(0.5, 0.5, words, ha="center", va="center", color=GREY, fontsize=SMALL, transform=axes.transAxes)
    axes.set_axis_off()


def _style(place: int) -> tuple[str, str]:
    return COLORS[place % len(COLORS)], MARKERS[place % len(MARKERS)]


def _handles(names: list[str], groups: list[str]) -> list[Line2D]:
    handles = []
    for place, name in enumerate(names):
        color, marker = _style(place)
        handles.append(Line2D([], [], color=color, marker=marker, linestyle="", label=shortened(name)))
    for place, group in enumerate(groups):
        fill = "black" if place == 0 else "white"
        words = "cells' own targets" if group == TARGETS else f"network ({variant_name(group)})"
        handles.append(Line2D([], [], color="black", marker="o", markerfacecolor=fill, linestyle="", label=words))
    return handles


def _absorption(axes: Axes, fates: pd.DataFrame, sources: list[str], names: list[str], groups: list[str]) -> None:
    width = 0.7 / (len(names) * len(groups))
    for a, fate in enumerate(names):
        color, marker = _style(a)
        for g, group in enumerate(groups):
            own = fates[(fates["fate"] == fate) & (fates["group"] == group)].set_index("source").reindex(sources)
            x = np.arange(len(sources)) + width * (a * len(groups) + g - (len(names) * len(groups) - 1) / 2)
            axes.vlines(x, own["ci_low"], own["ci_high"], color=color, linewidth=1.0)
            axes.plot(
                x, own["probability"], color=color, marker=marker, linestyle="", markerfacecolor=color if g == 0 else "white", clip_on=False
            )
    for edge in range(1, len(sources)):
        axes.axvline(edge - 0.5, color=GREY, linewidth=0.4, linestyle=":")
    axes.set(xlim=(-0.5, len(sources) - 0.5), ylim=(-0.03, 1.03), ylabel="probability to end there", xlabel="from phenotype")
    _names_below(axes, sources)


def _names_below(axes: Axes, sources: list[str]) -> None:
    turned = {"rotation": 45, "ha": "right"} if max(map(len, sources)) > 5 else {}
    axes.set_xticks(range(len(sources)), [shortened(name, 14) for name in sources], **turned)


def _times(axes: Axes, times: pd.DataFrame, sources: list[str], groups: list[str]) -> None:
    for g, group in enumerate(groups):
        own = times[times["group"] == group].set_index("source").reindex(sources)
        x = np.arange(len(sources)) + 0.16 * (g - (len(groups) - 1) / 2)
        axes.vlines(x, own["ci_low"], own["ci_high"], color="black", linewidth=1.0)
        axes.plot(
            x, own["mean_steps"], color="black", marker="o", linestyle="", markerfacecolor="black" if g == 0 else "white", clip_on=False
        )
    axes.set(xlim=(-0.5, len(sources) - 0.5), ylim=(0, None), ylabel="expected steps to a fate", xlabel="from phenotype")
    _names_below(axes, sources)
    days = (times["mean_days"] / times["mean_steps"]).replace([np.inf, -np.inf], np.nan).dropna()
    if len(days):
        axes.set_title(f"a step is {days.iloc[0]:.3g} days", fontsize=SMALL)


def _trends(axes: Axes, trends: pd.DataFrame, names: list[str], along: str | None) -> None:
    for a, fate in enumerate(names):
        color, marker = _style(a)
        own = trends[trends["fate"] == fate].sort_values("middle")
        axes.fill_between(own["middle"], own["ci_low"], own["ci_high"], color=color, alpha=0.2, linewidth=0)
        axes.plot(own["middle"], own["probability"], color=color, marker=marker, markersize=3)
    n_cells = trends.drop_duplicates("bin")["n_cells"]
    axes.set(ylim=(-0.03, 1.03), xlabel=along, ylabel="mean probability of cells")
    axes.set_title(f"cells not terminal yet ({n_cells.min()} to {n_cells.max()} each)", fontsize=SMALL)
