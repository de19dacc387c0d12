"""The graph and matrix of phenotype transitions, with entropies."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from cellfate.base.plot_style import DOUBLE, GREY, OKABE_ITO, SMALL, new_figure, panel_label, shortened, styled
from cellfate.transition.network.names import variant_name

DRAWN = 0.03  # transitions below this probability have no arrow


@styled
def plot_matrix(table: pd.DataFrame) -> Figure:
    """The transition graph (a), the entropy of each row (b), the matrix of the network (c) and the counted one (d) with their intervals.

    ``table`` is of the matrices of all variants, that of the network first; a confusion of static labels has no graph and no counts, and
    says what it is. Absorbing phenotypes have a double ring and no interval.
    """
    network = table["variant"].iloc[0]
    own, counted = (table[table["variant"] == variant] for variant in (network, "counted"))
    names = list(dict.fromkeys(own["source"]))
    if own["kind"].iloc[0] == "confusion":
        figure = new_figure(DOUBLE, 2.9)
        panels = figure.subplots(1, 2, width_ratios=[1.25, 0.6])
        _matrix(panels[0], own, names, "predicted phenotype")
        panels[0].set_title(f"confusion of static labels, no transitions\n{_interval(own)}", fontsize=SMALL)
        _entropies(panels[1], own.drop_duplicates("source"), names)
    else:
        figure = new_figure(DOUBLE, 5.4)
        panels = figure.subplots(2, 2, height_ratios=[1.15, 1], width_ratios=[1, 1]).ravel()
        _graph(panels[0], own, names)
        _entropies(panels[1], own.drop_duplicates("source"), names)
        for axes, rows, what in ((panels[2], own, f"P of the network ({variant_name(network)})"), (panels[3], counted, "P counted")):
            _matrix(axes, rows, names, "next phenotype")
            axes.set_title(f"{what}\n{_interval(rows)}", fontsize=SMALL)
    for axes, letter in zip(panels, "abcd", strict=False):
        panel_label(axes, letter)
    return figure


def _interval(rows: pd.DataFrame) -> str:
    """What the limits of the rows that have some rest on, or why there are none."""
    open_rows = rows[~rows["absorbing"]]
    found = list(dict.fromkeys(open_rows.loc[open_rows["ci_low"].notna(), "interval"]))
    if found:
        return f"95 %: {', '.join(found)}"
    return "no interval: " + textwrap.shorten(str(open_rows["interval"].iloc[0]).removeprefix("none: ") if len(open_rows) else "-", 70)


def _square(rows: pd.DataFrame, column: str, names: list[str]) -> np.ndarray:
    return rows.pivot(index="source", columns="target", values=column).loc[names, names].to_numpy(float)


def _graph(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    P, absorbing = _square(rows, "probability", names), set(rows.loc[rows["absorbing"], "source"])
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
        if names[i] in absorbing:
            axes.scatter(x, y, s=680, color="white", edgecolor=OKABE_ITO["vermillion"], zorder=2.5)
        axes.scatter(x, y, s=520, color="white", edgecolor=GREY, zorder=3)
        axes.text(x, y, f"{shortened(names[i])}\n{P[i, i]:.2f}", ha="center", va="center", fontsize=SMALL, zorder=4)
    axes.set(xlim=(-1.5, 1.5), ylim=(-1.45, 1.45), aspect="equal")
    axes.axis("off")
    off = P[~np.eye(n, dtype=bool)]
    hidden = int((off[np.isfinite(off)] < DRAWN).sum())
    rings = "in circles: staying" + "; double ring: absorbing" * bool(absorbing)
    without = f"; {hidden} below {DRAWN:g} have no arrow" if hidden else ""
    axes.set_title(f"transitions{without}\n({rings})", fontsize=SMALL)


def _matrix(axes: Axes, rows: pd.DataFrame, names: list[str], xlabel: str) -> None:
    P, low, high = (_square(rows, column, names) for column in ("probability", "ci_low", "ci_high"))
    absorbing = set(rows.loc[rows["absorbing"], "source"])
    axes.imshow(P, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    ticks = range(len(names))
    turned = {"rotation": 45, "ha": "right"} if max(map(len, names)) > 5 else {}
    axes.set_xticks(ticks, [shortened(name, 14) for name in names], **turned)
    axes.set_yticks(ticks, [shortened(name, 14) + " *" * (name in absorbing) for name in names])
    for i in ticks:
        for j in ticks:
            limits = f"\n{low[i, j]:.3f}-{high[i, j]:.3f}" if np.isfinite(low[i, j]) else ""
            text = f"{P[i, j]:.2f}" if len(names) > 5 else f"{P[i, j]:.3f}{limits}"
            axes.text(j, i, text, ha="center", va="center", fontsize=5.0, color="white" if P[i, j] > 0.55 else "black")
    axes.set(xlabel=xlabel, ylabel="present phenotype" + " (*: absorbing)" * bool(absorbing))


def _entropies(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    values = rows.set_index("source").loc[names, "entropy"].to_numpy(float)
    axes.barh(range(len(names)), values, color=OKABE_ITO["sky"], height=0.6)
    overall, most = float(rows["overall_entropy"].iloc[0]), np.log(len(names))
    axes.axvline(overall, color=OKABE_ITO["vermillion"], linewidth=1.0)
    axes.axvline(most, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(names)), [shortened(name, 14) for name in names])
    axes.invert_yaxis()
    axes.set(xlabel="entropy (nats)", xlim=(0, most * 1.05), title=f"overall {overall:.2f}")
