"""What the score is made of: the network with parts of the input hidden, against the whole input."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cellfate.base.plot_style import DOUBLE, GREY, OKABE_ITO, SMALL, new_figure, panel_label, reason_figure, styled
from cellfate.evaluation.ablations.names import WHOLE, kind_of, label_of

COLORS = {None: "black", "cell": OKABE_ITO["vermillion"], "channels": OKABE_ITO["blue"], "frames": OKABE_ITO["green"]}
PANELS = {"value": ("ci", "change", "whole", "balanced accuracy"), "auroc": ("auroc", "auroc_change", "auroc_whole", "AUROC")}
CHANCE = 0.5


@styled
def plot_ablations(table: pd.DataFrame) -> Figure:
    """Balanced accuracy (a) and AUROC (b) with their intervals, a row for each ablation of the ablations table, n on the right.

    A marker is filled where the interval of the paired change against the whole input leaves out 0; a tick is the whole input's score
    for the same trajectories.
    """
    rows = table[table["value"].notna()]
    rows = pd.concat([rows[rows["ablation"] == WHOLE], rows[rows["ablation"] != WHOLE].sort_values("ablation", key=_places, kind="stable")])
    if len(rows) < 2:
        return reason_figure(DOUBLE, 2.2, "not measured: no part of the input was hidden\nfrom held-out cells (evaluation.ablations)")
    figure = new_figure(DOUBLE, 1.0 + 0.2 * len(rows))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, letter, score in zip(panels, "ab", PANELS, strict=True):
        _panel(axes, rows, score)
        panel_label(axes, letter)
    labels = [label_of(name) for name in rows["ablation"]]
    panels[0].set_yticks(range(len(rows)), labels)
    panels[0].set_ylim(len(rows) - 0.4, -0.6)
    _counts(panels[1], rows["n_trajectories"])
    figure.legend(handles=_handles(), loc="outside upper center", ncols=4, columnspacing=1.4)
    return figure


def _places(names: pd.Series) -> pd.Series:
    return names.map(lambda name: list(COLORS).index(kind_of(name)))


def _panel(axes: Axes, rows: pd.DataFrame, score: str) -> None:
    limits, change, whole, label = PANELS[score]
    for place, (_, row) in enumerate(rows.iterrows()):
        color = COLORS[kind_of(row["ablation"])]
        if pd.notna(row[f"{limits}_low"]):
            axes.plot([row[f"{limits}_low"], row[f"{limits}_high"]], [place, place], color=color, solid_capstyle="butt")
        if row["ablation"] != WHOLE:
            axes.plot(row[whole], place, color="black", marker="|", markersize=8, linestyle="")
        shown = row["ablation"] == WHOLE or row[f"{change}_low"] > 0 or row[f"{change}_high"] < 0
        axes.plot(row[score], place, color=color, marker="o", markerfacecolor=color if shown else "white", zorder=3)
    axes.axvline(CHANCE, color=GREY, linewidth=0.8, linestyle=":")
    axes.set(xlim=(-0.02, 1.02), xlabel=label)
    axes.tick_params(axis="y", length=0)


def _counts(axes: Axes, counts: Sequence[int]) -> None:
    place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "ha": "center", "va": "center", "fontsize": SMALL}
    for row, n in enumerate(counts):
        axes.annotate(str(int(n)), (1, row), (12, 0), color=GREY, annotation_clip=False, **place)
    axes.annotate("n", (1, -0.85), (12, 0), color=GREY, annotation_clip=False, **place)


def _handles() -> list[Line2D]:
    shape = {"color": GREY, "marker": "o", "linestyle": ""}
    return [
        Line2D([], [], label="changed against the whole input", **shape),
        Line2D([], [], label="not shown to differ", markerfacecolor="white", **shape),
        Line2D([], [], color="black", marker="|", markersize=8, linestyle="", label="whole input, the same cells"),
        Line2D([], [], color=GREY, linestyle=":", linewidth=0.8, label="chance"),
    ]
