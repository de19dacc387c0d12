"""P of another place against this run's, entry by entry, and the difference of each entry."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cellfate.base.plot_style import DOUBLE, GREY, OKABE_ITO, SMALL, new_figure, panel_label, shortened, styled
from cellfate.transition.matrix.compared import COUNTED
from cellfate.transition.network.names import variant_name

COLORS = {"apart": OKABE_ITO["vermillion"], "overlap": OKABE_ITO["blue"], "none": GREY}
WORDS = {"apart": "intervals leave each other out", "overlap": "intervals overlap", "none": "no interval in one of both"}
MANY = 8  # phenotypes, from which on entries have smaller numbers and names are turned


@styled
def plot_compared(table: pd.DataFrame) -> Figure:
    """Both P of shared phenotypes with their limits (a), and this run's less the other's as a matrix of all phenotypes (b).

    ``table`` is ``compared_matrices``. In (b) entries whose intervals leave each other out have a frame, those of phenotypes that one of
    both lacks are hatched.
    """
    figure = new_figure(DOUBLE, 3.4)
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.25])
    _points(left, table[table["where"] == "both"])
    _differences(right, table)
    panel_label(left, "a")
    panel_label(right, "b")
    return figure


def _points(axes: Axes, both: pd.DataFrame) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    for kind in ("none", "overlap", "apart"):
        own = both[both["intervals"] == kind]
        if own.empty:
            continue
        error = {
            "xerr": _arms(own, "probability", "ci_low", "ci_high"),
            "yerr": _arms(own, "probability_there", "ci_low_there", "ci_high_there"),
        }
        style = {"fmt": "o", "markersize": 3, "elinewidth": 0.7, "color": COLORS[kind]}
        axes.errorbar(own["probability"], own["probability_there"], label=f"{WORDS[kind]} ({len(own)})", **style, **error)
    variant = both["variant"].iloc[0]
    here = "counted" if variant == COUNTED else variant_name(variant)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal", xlabel=f"P of this run ({here})", ylabel="P of transition.compare")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=SMALL, frameon=False)


def _arms(rows: pd.DataFrame, value: str, low: str, high: str) -> np.ndarray:
    """How far both limits are from the value, (2, N); 0 where there are none."""
    arms = np.array([rows[value] - rows[low], rows[high] - rows[value]], float)
    return np.clip(np.nan_to_num(arms), 0, None)


def _differences(axes: Axes, table: pd.DataFrame) -> None:
    names = list(dict.fromkeys(table["source"]))
    keyed = table.set_index(["source", "target"])
    size = 5.0 if len(names) < MANY else 3.8
    square = keyed["difference"].unstack().reindex(index=names, columns=names).to_numpy(float)
    most = max(0.05, float(np.nanmax(np.abs(square))))
    shown = axes.imshow(square, cmap="RdBu_r", norm=TwoSlopeNorm(0, -most, most), aspect="auto")
    for i, source in enumerate(names):
        for j, target in enumerate(names):
            if np.isnan(square[i, j]):
                axes.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor="white", edgecolor="#cccccc", hatch="////", linewidth=0.3))
                continue
            color = "white" if abs(square[i, j]) > 0.6 * most else "black"
            axes.text(j, i, f"{square[i, j]:+.2f}", ha="center", va="center", fontsize=size, color=color)
            if keyed.loc[(source, target), "intervals"] == "apart":
                axes.add_patch(Rectangle((j - 0.46, i - 0.46), 0.92, 0.92, fill=False, edgecolor="black", linewidth=1.1))
    turned = {"rotation": 45, "ha": "right"} if max(map(len, names)) > 5 else {}
    axes.set_xticks(range(len(names)), [shortened(name, 14) for name in names], **turned)
    axes.set_yticks(range(len(names)), [_label(table, name) for name in names])
    axes.set(xlabel="next phenotype", ylabel="present phenotype")
    title = "difference: this run's less the other's\n(frame: intervals leave each other out"
    axes.set_title(title + ("; hatched: in one only)" if np.isnan(square).any() else ")"), fontsize=SMALL)
    axes.figure.colorbar(shown, ax=axes, fraction=0.046, label="difference of P")


def _label(table: pd.DataFrame, name: str) -> str:
    """The name, and of which matrix it is where it is of one only."""
    where = table.loc[(table["source"] == name) & (table["target"] == name), "where"].iloc[0]
    return shortened(name, 14) + ("" if where == "both" else f" ({where})")
