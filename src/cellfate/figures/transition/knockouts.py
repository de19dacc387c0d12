"""In-silico knockouts of genes and gene sets against their nulls."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cellfate.base.plot_style import DOUBLE, GREY, OKABE_ITO, SMALL, new_figure, panel_label, shortened, styled
from cellfate.figures.transition.regulators import CALLED, NOT_CALLED, NOTHING_CALLED

NAMED = 10  # genes with a name in the figure: called ones first, then those with the largest statistic


@styled
def plot_knockouts(
    genes: pd.DataFrame, sets: pd.DataFrame | None, draws: pd.DataFrame | None, permutations: int, set_draws: int, level: float
) -> Figure:
    """Genes: the knockout's statistic against the 95 % point of its permutations (a). Sets: each against its random sets (b)."""
    figure = new_figure(DOUBLE, 3.1)
    panels = figure.subplots(1, 2 if sets is not None else 1, squeeze=False)[0]
    _genes(panels[0], genes, permutations, level)
    if sets is not None:
        _sets(panels[1], sets, draws, set_draws)
        panel_label(panels[1], "b")
    panel_label(panels[0], "a")
    figure.legend(loc="outside lower left", ncols=2, fontsize=SMALL)
    figure.suptitle("In-silico knockouts: an association of the model, not a causal effect", fontsize=7.5)
    return figure


def _genes(axes: Axes, table: pd.DataFrame, permutations: int, level: float) -> None:
    called = table["significant"].to_numpy(bool)
    tested = table["refit_q_value"].notna().any()
    kinds = {NOT_CALLED if tested else NOTHING_CALLED: (~called, "#BBBBBB")}
    kinds |= {CALLED: (called, OKABE_ITO["green"])} if tested else {}
    sizes = table[["change_min", "change_max"]].to_numpy(float)
    low = np.where(sizes[:, 0] * sizes[:, 1] > 0, np.abs(sizes).min(axis=1), 0.0)
    axes.vlines(table["null_95"], low, np.abs(sizes).max(axis=1), color="#DDDDDD", linewidth=0.7, zorder=0)
    for name, (chosen, color) in kinds.items():
        axes.scatter(table["null_95"][chosen], table["statistic"][chosen], s=12, color=color, label=f"{name} ({chosen.sum()})", linewidth=0)
    right = float(table["null_95"].max()) * 1.1 or 1.0
    axes.plot([0, right], [0, right], color=GREY, linewidth=0.8, linestyle=":")
    axes.set(xlabel="95 % of its permutations", ylabel="largest |change of P|\n(lines: its range over the seeds)", xlim=(0, 1.45 * right))
    top = float(np.abs(sizes).max()) * 1.15 or 1.0
    axes.set_ylim(0, top)
    _name_genes(axes, table, right, top)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_title(f"genes; smallest attainable p {1 / (permutations + 1):.1e}, a lone gene needs {level / len(table):.1e}", fontsize=SMALL)


def _name_genes(axes: Axes, table: pd.DataFrame, right: float, top: float) -> None:
    """Names at the right margin, one below the other, each with the edge that changes most and the sign of the change."""
    named = table.sort_values(["significant", "statistic"], ascending=False, kind="stable").head(NAMED).sort_values("statistic")
    places = _apart(named["statistic"].to_numpy(float), 0.05 * top, 0.97 * top)
    for row, y in zip(named.itertuples(), places, strict=True):
        sign = "+" if row.change > 0 else "\N{MINUS SIGN}"
        text = f"{shortened(row.gene, 12)} {sign} {shortened(row.source, 6)}>{shortened(row.target, 6)}"
        line = {"arrowstyle": "-", "color": "#CCCCCC", "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2, "relpos": (0, 0.5)}
        axes.annotate(text, (row.null_95, row.statistic), xytext=(1.04 * right, y), fontsize=4.5, va="center", arrowprops=line)


def _apart(values: np.ndarray, gap: float, top: float) -> np.ndarray:
    """Places (N,) near rising ``values``, at least ``gap`` apart and none above ``top``."""
    places, steps = values.copy(), np.arange(len(values)) * gap
    places = np.maximum.accumulate(places - steps) + steps
    return np.minimum(places, top - steps[::-1])


def _sets(axes: Axes, sets: pd.DataFrame, draws: pd.DataFrame, set_draws: int) -> None:
    rng = np.random.default_rng(0)
    left_out = int(sets["left_out"].notna().sum())
    sets = sets[sets["left_out"].isna()]
    for place, row in enumerate(sets.itertuples()):
        own = draws[draws["gene_set"] == row.gene_set]
        values = own["change"].to_numpy(float)
        axes.scatter(values, place + rng.uniform(-0.25, 0.25, len(values)), s=1.2, color="#BBBBBB", linewidth=0, rasterized=True)
        axes.hlines(place, row.change_min, row.change_max, color=OKABE_ITO["vermillion"], linewidth=1.2, zorder=3)
        axes.scatter(row.change, place, s=30, marker="D", color=OKABE_ITO["vermillion"], zorder=3)
        text = f"{row.source} to {row.target}: {row.ratio:.0f} times random, p = {row.p_value:.1e}"
        axes.text(0.02, place - 0.33, text, transform=axes.get_yaxis_transform(), fontsize=5.5, va="bottom")
    axes.set_yticks(range(len(sets)), [shortened(name, 16) for name in sets["gene_set"]])
    axes.set_ylim(len(sets) - 0.5, -0.75)
    axes.axvline(0, color=GREY, linewidth=0.6, linestyle=":")
    axes.set(xlabel="change of P on the set's strongest edge")
    left = f"\n{left_out} sets left out: see the table" if left_out else ""
    axes.set_title(f"sets (red) and random sets; smallest attainable p {1 / (set_draws + 1):.1e}{left}", fontsize=SMALL)
