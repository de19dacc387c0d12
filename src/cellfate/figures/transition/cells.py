"""The cells in their embedding, by phenotype and by the probability of each fate."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cellfate.base.plot_style import DOUBLE, OKABE_ITO, SMALL, new_figure, panel_label, readable, shortened, styled

SHOWN = 4  # fates with a panel of their own
COLORS = [OKABE_ITO[name] for name in ("blue", "vermillion", "green", "purple", "orange", "sky", "yellow", "black")]
MARKERS = "osD^vP*X"
PALE = "#D5D5D5"


@styled
def plot_cells(cells: pd.DataFrame, view: str) -> Figure:
    """Phenotypes (a), and the probability of each fate (b on), of the table cell_view; ``view`` names the axes.

    Cells without a phenotype or a fate are grey. With more than four fates those of most cells have a panel, and the title says so.
    """
    ends = [name for name in cells if name.startswith("f_")]
    shown = sorted(ends, key=lambda name: -cells[name].sum())[:SHOWN]
    shown = [name for name in ends if name in shown]
    columns = max(2, min(3, 1 + len(shown)))
    rows = -(-(1 + len(shown)) // columns)
    figure = new_figure(DOUBLE, 0.5 + 2.5 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[1 + len(shown) :]:
        axes.set_axis_off()
    _phenotypes(panels[0], cells)
    for place, (axes, name) in enumerate(zip(panels[1:], shown, strict=False)):
        drawn = _fate(axes, cells, name)
        panel_label(axes, "bcde"[place])
    if shown:
        figure.colorbar(drawn, ax=list(panels[1 : 1 + len(shown)]), label="probability to end there", shrink=0.8, aspect=30)
    panel_label(panels[0], "a")
    hidden = len(ends) - len(shown)
    figure.suptitle(f"{hidden} more fates are in the table" if hidden else None, fontsize=SMALL)
    for axes in panels[: 1 + len(shown)]:
        axes.set(xticks=[], yticks=[], xlabel=f"{view} 1", ylabel=f"{view} 2")
    return figure


def _dots(cells: pd.DataFrame) -> float:
    """The area of a point, smaller with many."""
    return float(np.clip(6000 / max(len(cells), 1), 0.3, 8))


def _phenotypes(axes: Axes, cells: pd.DataFrame) -> None:
    names = sorted(cells["phenotype"].dropna().unique())
    without = cells[cells["phenotype"].isna()]
    size = _dots(cells)
    axes.scatter(without["x"], without["y"], s=size, color=PALE, linewidth=0, rasterized=True)
    for place, name in enumerate(names):
        own = cells[cells["phenotype"] == name]
        color, marker = COLORS[place % len(COLORS)], MARKERS[(place + place // len(COLORS)) % len(MARKERS)]
        axes.scatter(own["x"], own["y"], s=size, color=color, marker=marker, linewidth=0, alpha=0.7, rasterized=True)
        axes.scatter([], [], s=14, color=color, marker=marker, label=f"{shortened(name, 14)} ({len(own)})")
    if len(without):
        axes.scatter([], [], s=14, color=PALE, label=f"no phenotype ({len(without)})")
    columns = 2 if len(names) <= 8 else 3
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=columns, fontsize=5.5, handlelength=1, columnspacing=0.8)
    axes.set_title("phenotypes", fontsize=SMALL)


def _fate(axes: Axes, cells: pd.DataFrame, name: str) -> object:
    known = cells[name].notna()
    size = _dots(cells)
    axes.scatter(cells["x"][~known], cells["y"][~known], s=size, color=PALE, linewidth=0, rasterized=True)
    own = cells[known].sort_values(name)
    axes.set_title(f"{readable(shortened(name.removeprefix('f_'), 20))}: mean {own[name].mean():.2f}, {len(own)} cells", fontsize=SMALL)
    return axes.scatter(own["x"], own["y"], s=size, c=own[name], cmap="viridis", vmin=0, vmax=1, linewidth=0, rasterized=True)
