"""The graph and matrix of phenotype transitions, with entropies."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from cellfate.base.plot_style import DOUBLE, GREY, OKABE_ITO, SMALL, new_figure, panel_label, shortened, styled

DRAWN = 0.03  # transitions below this probability have no arrow


@styled
def plot_matrix(table: pd.DataFrame) -> Figure:
    """The transition graph (a), the matrix with its intervals (b) and the entropy of each row (c).

    ``table`` is a transition matrix table; a confusion of static labels has no graph and says what it is.
    """
    names = list(dict.fromkeys(table["source"]))
    wide = table.pivot(index="source", columns="target")
    pivot = {column: wide[column].loc[names, names] for column in ("probability", "ci_low", "ci_high")}
    transitions = table["kind"].iloc[0] == "transition"
    figure = new_figure(DOUBLE, 2.9)
    panels = figure.subplots(1, 3 if transitions else 2, width_ratios=[1, 1.25, 0.6] if transitions else [1.25, 0.6])
    if transitions:
        _graph(panels[0], pivot["probability"].to_numpy(), names)
    _matrix(panels[-2], pivot, names, "next phenotype" if transitions else "predicted phenotype")
    panels[-2].set_title("transition matrix P" if transitions else "confusion of static labels, no transitions")
    _entropies(panels[-1], table.drop_duplicates("source"), names)
    for axes, letter in zip(panels, "abc", strict=False):
        panel_label(axes, letter)
    return figure


def _graph(axes: Axes, P: np.ndarray, names: list[str]) -> None:
    n = len(names)
    angles = np.pi / 2 - 2 * np.pi * np.arange(n) / n
    places = np.column_stack([np.cos(angles), np.sin(angles)])
    for i in range(n):
        for j in range(n):
            if i != j and P[i, j] >= DRAWN:
                style = {"arrowstyle": "-|>", "mutation_scale": 7, "connectionstyle": "arc3,rad=0.18", "shrinkA": 15, "shrinkB": 15}
                arrow = FancyArrowPatch(places[i], places[j], linewidth=0.4 + 4.5 * P[i, j], color=OKABE_ITO["blue"], alpha=0.75, **style)
                axes.add_patch(arrow)
    for i, (x, y) in enumerate(places):
        axes.scatter(x, y, s=520, color="white", edgecolor=GREY, zorder=3)
        axes.text(x, y, f"{shortened(names[i])}\n{P[i, i]:.2f}", ha="center", va="center", fontsize=SMALL, zorder=4)
    axes.set(xlim=(-1.5, 1.5), ylim=(-1.45, 1.45), aspect="equal")
    axes.axis("off")
    axes.set_title("transitions (in circles: staying)")


def _matrix(axes: Axes, pivot: dict[str, pd.DataFrame], names: list[str], xlabel: str) -> None:
    P, low, high = (pivot[column].to_numpy() for column in ("probability", "ci_low", "ci_high"))
    axes.imshow(P, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    ticks = range(len(names))
    turned = {"rotation": 45, "ha": "right"} if max(map(len, names)) > 5 else {}
    axes.set_xticks(ticks, [shortened(name, 14) for name in names], **turned)
    axes.set_yticks(ticks, [shortened(name, 14) for name in names])
    for i in ticks:
        for j in ticks:
            text = f"{P[i, j]:.2f}" if len(names) > 5 else f"{P[i, j]:.3f}\n{low[i, j]:.3f}-{high[i, j]:.3f}"
            axes.text(j, i, text, ha="center", va="center", fontsize=5.0, color="white" if P[i, j] > 0.55 else "black")
    axes.set(xlabel=xlabel, ylabel="present phenotype")


def _entropies(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    values = rows.set_index("source").loc[names, "entropy"].to_numpy(float)
    axes.barh(range(len(names)), values, color=OKABE_ITO["sky"], height=0.6)
    overall, most = float(rows["overall_entropy"].iloc[0]), np.log(len(names))
    axes.axvline(overall, color=OKABE_ITO["vermillion"], linewidth=1.0)
    axes.axvline(most, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(names)), [shortened(name, 14) for name in names])
    axes.invert_yaxis()
    axes.set(xlabel="entropy (nats)", xlim=(0, most * 1.05), title=f"overall {overall:.2f}")
