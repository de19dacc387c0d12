"""Genes ranked by how much they matter for the next phenotype."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cellfate.base.plot_style import DOUBLE, GREY, OKABE_ITO, new_figure, panel_label, shortened, styled

LISTED = 20  # genes of a ranking that are drawn
CALLED, NOT_CALLED = "called by refitting, every seed", "not called"
NOTHING_CALLED = "nothing is called without refits"


@styled
def plot_regulators(rankings: pd.DataFrame, knockouts: pd.DataFrame | None) -> Figure:
    """The first genes by the network's own ranking (a), by logistic regression (b), and the knockouts' statistic against its null (c).

    Red points are expected regulators, where a list was given: a title says so. ``knockouts`` is None for static labels.
    """
    figure = new_figure(DOUBLE, 3.4)
    panels = figure.subplots(1, 3 if knockouts is not None else 2)
    first = rankings["method"].iloc[0]
    for axes, method in zip(panels, (first, "logistic regression"), strict=False):
        _ranking(axes, rankings[rankings["method"] == method], method)
    if knockouts is not None:
        _statistic(panels[2], knockouts)
    for axes, letter in zip(panels, "abc", strict=False):
        panel_label(axes, letter)
    return figure


def _ranking(axes: Axes, table: pd.DataFrame, method: str) -> None:
    best = table.sort_values("rank").head(LISTED)
    marked = best["in_prior"].to_numpy(bool)
    places = np.arange(len(best))
    axes.hlines(places, 0, best["score"], color="#CCCCCC", linewidth=1)
    axes.scatter(best["score"], places, s=14, c=np.where(marked, OKABE_ITO["vermillion"], OKABE_ITO["blue"]), zorder=3, clip_on=False)
    for place, row in zip(places, best.itertuples(), strict=True):
        if row.rank_worst > row.rank_best:
            at = {"xytext": (4, 0), "textcoords": "offset points", "fontsize": 4.5, "va": "center"}
            axes.annotate(f"{row.rank_best}-{row.rank_worst}", (row.score, place), **at)
    axes.set_yticks(places, [shortened(gene, 14) for gene in best["gene"]], fontsize=5.5)
    axes.invert_yaxis()
    label = "score (numbers: ranks by seed)" if (best["rank_worst"] > best["rank_best"]).any() else "score"
    expected = (" (red: expected)" if marked.any() else " (no expected one)") if table["in_prior"].any() else ""
    axes.set(xlabel=label, title=method + expected, xlim=(0, None))


def _statistic(axes: Axes, table: pd.DataFrame) -> None:
    best = table.sort_values("statistic", ascending=False).head(LISTED)
    places = np.arange(len(best))
    axes.hlines(places, 0, best["statistic"], color="#CCCCCC", linewidth=1)
    sizes = best[["change_min", "change_max"]].abs()
    axes.hlines(places, sizes.min(axis=1), sizes.max(axis=1), color=GREY, linewidth=2.2, alpha=0.6)
    right = best["significant"].to_numpy(bool)
    tested = table["refit_q_value"].notna().any()
    axes.scatter(best["statistic"], places, s=14, c=np.where(right, OKABE_ITO["green"], GREY), zorder=3)
    axes.scatter(best["null_95"], places, s=18, marker="|", color="black", zorder=3)
    axes.set_yticks(places, [shortened(gene, 14) for gene in best["gene"]], fontsize=5.5)
    axes.invert_yaxis()
    axes.set(xlabel="largest |change of P|", title="knockouts", xlim=(0, None))
    handles = [
        *[Line2D([], [], color=OKABE_ITO["green"], marker="o", linestyle="", label=CALLED)] * bool(tested),
        Line2D([], [], color=GREY, marker="o", linestyle="", label=NOT_CALLED if tested else NOTHING_CALLED),
        Line2D([], [], color=GREY, linewidth=2.2, alpha=0.6, label="seeds"),
        Line2D([], [], color="black", marker="|", linestyle="", label="95 % of permutations"),
    ]
    axes.figure.legend(handles=handles, loc="outside lower right", ncols=4, fontsize=5.5, handlelength=1)
