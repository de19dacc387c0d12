"""Figure 2: the confusion matrix of the held-out trajectories."""

from textwrap import fill as wrap

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from cellfate.base.plot_style import OKABE_ITO, SINGLE, empty_figure, new_figure, readable, styled


@styled
def plot_confusion(table: pd.DataFrame, outcomes: dict[str, str]) -> Figure:
    """Confusion matrix, normalised over the actual outcomes, counts in parentheses.

    ``table`` has one row per ``actual`` and ``predicted`` outcome with ``count`` and ``fraction``.
    """
    if table["count"].sum() == 0:
        return empty_figure(SINGLE, 2.6, "held out, with a known outcome")
    names = [outcomes["negative"], outcomes["positive"]]
    counts = table.pivot_table(index="actual", columns="predicted", values="count", aggfunc="sum").reindex(names, columns=names).fillna(0)
    fractions = counts.div(counts.sum(axis=1).replace(0, np.nan), axis=0)
    figure = new_figure(SINGLE, 2.7)
    axes = figure.subplots()
    shades = LinearSegmentedColormap.from_list("share", ["#FFFFFF", OKABE_ITO["blue"]])
    axes.imshow(fractions.fillna(0), cmap=shades, vmin=0, vmax=1)
    for row, column in np.ndindex(2, 2):
        share, count = fractions.iloc[row, column], int(counts.iloc[row, column])
        text = f"{share:.3f}\n({count})" if np.isfinite(share) else f"-\n({count})"
        axes.text(column, row, text, ha="center", va="center", fontsize=9, color="white" if share > 0.6 else "black")
    labels = [wrap(readable(name), 16) for name in names]
    axes.set_xticks([0, 1], labels)
    axes.set_yticks([0, 1], [f"{label}\nn = {int(n)}" for label, n in zip(labels, counts.sum(axis=1), strict=True)])
    axes.tick_params(length=0)
    axes.set(xlabel="predicted outcome", ylabel="actual outcome")
    for spine in axes.spines.values():
        spine.set_visible(True)
    return figure
