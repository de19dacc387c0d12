"""How faithful methods of explanation are: frames hidden in the order of each."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cellfate.base.plot_style import DOUBLE, GREY, OKABE_ITO, SMALL, new_figure, panel_label, reason_figure, reason_note, styled
from cellfate.explanation.attributions.deletion import SIGNED
from cellfate.explanation.attributions.names import METHODS, PUBLISHED, RANDOM, RECENCY, RISKS, label_of
from cellfate.explanation.attributions.scores import EVERYTHING, GAP

COLORS = [OKABE_ITO[name] for name in ("blue", "sky", "purple", "vermillion", "green", "orange", "yellow", "black")]
TITLES = {PUBLISHED: "the network of this run", RISKS: "the risks, at the last frame"}


@styled
def plot_attributions(scores: pd.DataFrame, curves: pd.DataFrame) -> Figure:
    """Curves of each method for both models (a, b), and the area between them less that of the last frames first (c), with n.

    ``scores`` and ``curves`` are the tables attribution_scores and attribution_curves; of all cells, by signed order.
    """
    gaps = scores[(scores["order"] == SIGNED) & (scores["class"] == EVERYTHING) & (scores["score"] == GAP)]
    gaps = gaps[gaps["method"].isin(METHODS) & gaps["against_recency"].notna()]
    if gaps.empty:
        return reason_figure(DOUBLE, 2.2, "not measured: no held-out cell was explained\n(explanation.methods), n = 0")
    curves = curves[(curves["order"] == SIGNED) & (curves["class"] == EVERYTHING)]
    figure = new_figure(DOUBLE, 3.3 + 0.2 * len(gaps))
    upper, lower = figure.subfigures(2, 1, height_ratios=(2.7, 0.6 + 0.2 * len(gaps)))
    colors = _colors(gaps)
    for axes, letter, model in zip(upper.subplots(1, 2), "ab", TITLES, strict=True):
        _curves(axes, curves[curves["model"] == model], colors)
        axes.set_title(TITLES[model])
        panel_label(axes, letter)
    upper.legend(handles=_handles(), loc="outside lower center", ncols=4, columnspacing=1.4)
    axes = lower.subplots()
    _gaps(axes, gaps, colors)
    panel_label(axes, "c")
    return figure


def _colors(gaps: pd.DataFrame) -> dict[str, str]:
    """A colour of each method; those of each model begin anew."""
    found = {}
    for _, rows in gaps.groupby("model", sort=False):
        found |= {method: COLORS[place % len(COLORS)] for place, method in enumerate(rows["method"])}
    return found


def _curves(axes: Axes, curves: pd.DataFrame, colors: dict[str, str]) -> None:
    if curves.empty:
        return reason_note(axes, "no method of this model")
    for method, rows in curves.groupby("method", sort=False):
        rows = rows.sort_values("hidden")
        look = {"color": colors.get(method, GREY), "linewidth": 1.0 if method in colors else 1.6}
        if method == RANDOM:
            axes.plot(rows["hidden"], rows["most"], linestyle=":", **look)
            continue
        axes.plot(rows["hidden"], rows["most"], zorder=1 if method == RECENCY else 2, **look)
        axes.plot(rows["hidden"], rows["least"], linestyle=(0, (4, 2)), zorder=1 if method == RECENCY else 2, **look)
    axes.axhline(0, color=GREY, linewidth=0.4)
    return axes.set(xlabel="share of frames hidden", ylabel="log-odds of the\npredicted outcome", xlim=(0, 0.92))


def _gaps(axes: Axes, gaps: pd.DataFrame, colors: dict[str, str]) -> None:
    for place, row in enumerate(gaps.itertuples()):
        color, known = colors[row.method], pd.notna(row.against_recency_low)
        if known:
            axes.plot([row.against_recency_low, row.against_recency_high], [place, place], color=color, solid_capstyle="butt")
        shown = known and (row.against_recency_low > 0 or row.against_recency_high < 0)
        axes.plot(row.against_recency, place, "o", color=color, markerfacecolor=color if shown else "white", zorder=3)
        at = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center", "fontsize": SMALL, "color": GREY}
        axes.annotate(str(row.n), (1, place), (12, 0), ha="center", annotation_clip=False, **at)
    at = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom", "fontsize": SMALL, "color": GREY}
    axes.annotate("n", (1, 1), (12, 1), ha="center", annotation_clip=False, **at)
    axes.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(gaps)), _labels(gaps["method"]))
    axes.set_ylim(len(gaps) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("area between the curves, less that of the last frames first (log-odds)")
    limits = np.abs(gaps[["against_recency", "against_recency_low", "against_recency_high"]].to_numpy(float))
    widest = 1.08 * float(np.nanmax(limits)) or 1.0
    axes.set_xlim(-widest, widest)


def _labels(methods: Sequence[str]) -> list[str]:
    return [label_of(name) for name in methods]


def _handles() -> list[Line2D]:
    return [
        Line2D([], [], color="black", label="what counts most hidden first"),
        Line2D([], [], color="black", linestyle=(0, (4, 2)), label="what counts least"),
        Line2D([], [], color=GREY, linewidth=1.6, label="the last frames first"),
        Line2D([], [], color=GREY, linewidth=1.6, linestyle=":", label="random frames"),
    ]
