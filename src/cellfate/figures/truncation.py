"""Figure 3: accuracy and recall without the last frames, and from the last frames alone."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cellfate.base.plot_style import (
    DOUBLE,
    GREY,
    OKABE_ITO,
    band,
    count_rows,
    empty_figure,
    empty_note,
    has_values,
    hours_axis,
    new_figure,
    outcome_handle,
    outcome_styles,
    panel_label,
    styled,
)

COHORT_LINES = {"all": ("-", "all that are long enough"), "fixed": ((0, (3, 2)), "fixed cohort")}


@styled
def plot_truncation(
    truncation: pd.DataFrame, last_k: pd.DataFrame, outcomes: dict[str, str], frame_interval_min: float | None = None
) -> Figure:
    """Balanced accuracy (a, b) and recall per outcome (c, d) without the last n frames (a, c) and with only the last k (b, d).

    Both are metrics tables of one scope; bands are their intervals. ``frame_interval_min`` gives the axis in hours.
    """
    if not (has_values(truncation) or has_values(last_k)):
        return empty_figure(DOUBLE, 3.0, "held out, with a known outcome and long enough")
    figure = new_figure(DOUBLE, 5.2)
    panels = figure.subplots(2, 2, sharey="row")
    sides = ((truncation, "frames dropped from the end", "hours dropped"), (last_k, "last frames kept", "hours kept"))
    for column, (table, xlabel, hours) in enumerate(sides):
        accuracy, recall = panels[0, column], panels[1, column]
        _accuracy_panel(accuracy, table[table["metric"] == "balanced_accuracy"], xlabel)
        _recall_panel(recall, table[table["metric"] == "recall"], outcomes, xlabel)
        for axes, letter in ((accuracy, "ab"[column]), (recall, "cd"[column])):
            panel_label(axes, letter)
            axes.tick_params(labelleft=True)
            if has_values(table):
                hours_axis(axes, frame_interval_min, hours)
    panels[0, 0].set_ylabel("balanced accuracy")
    panels[1, 0].set_ylabel("recall")
    panels[0, 0].set_ylim(bottom=min(0.4, panels[0, 0].get_ylim()[0]), top=1.02)
    panels[1, 0].set_ylim(-0.02, 1.02)
    cohorts = [c for c in COHORT_LINES if (truncation["cohort"] == c).any() or (last_k["cohort"] == c).any()]
    handles = [Line2D([], [], color="black", linestyle=COHORT_LINES[c][0], label=COHORT_LINES[c][1]) for c in cohorts]
    handles += [outcome_handle(name, outcomes) for name in outcomes.values()]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, columnspacing=1.4)
    return figure


def _accuracy_panel(axes: Axes, rows: pd.DataFrame, xlabel: str) -> None:
    if not has_values(rows):
        return empty_note(axes, "this length, with a known outcome")
    _curves(axes, rows, OKABE_ITO["black"], "o")
    axes.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    _name_chance(axes, rows)
    names = {"all": "n", "fixed": "fixed n"}
    shown = [cohort for cohort in names if has_values(rows[rows["cohort"] == cohort])]
    counts = [(names[cohort], "black", _counts(rows[rows["cohort"] == cohort])) for cohort in shown]
    count_rows(axes, counts, xlabel)
    return None


def _name_chance(axes: Axes, rows: pd.DataFrame) -> None:
    """Write "chance" below its line at the end of the axis where the curve is further away from it."""
    values = rows[(rows["cohort"] == rows["cohort"].iloc[0]) & rows["value"].notna()].sort_values("n")["value"].to_numpy(dtype=float)
    x, ha = (0.01, "left") if len(values) and abs(values[0] - 0.5) > abs(values[-1] - 0.5) else (0.99, "right")
    place = {"xytext": (0, -2), "textcoords": "offset points", "ha": ha, "va": "top", "color": GREY}
    axes.annotate("chance", (x, 0.5), xycoords=("axes fraction", "data"), **place)


def _recall_panel(axes: Axes, rows: pd.DataFrame, outcomes: dict[str, str], xlabel: str) -> None:
    if not has_values(rows):
        return empty_note(axes, "this length, with a known outcome")
    counts = []
    for name, (color, marker) in outcome_styles(outcomes).items():
        one = rows[rows["class"] == name]
        _curves(axes, one, color, marker)
        counts.append(("n", color, _counts(one[one["cohort"] == "all"])))
    count_rows(axes, counts, xlabel)
    return None


def _curves(axes: Axes, rows: pd.DataFrame, color: str, marker: str) -> None:
    """One line per cohort with its interval; the fixed cohort is dashed, with open markers."""
    for cohort, (line, _) in COHORT_LINES.items():
        one = rows[rows["cohort"] == cohort].sort_values("n")
        x = one["n"].to_numpy(dtype=float)
        fill = color if cohort == "all" else "white"
        axes.plot(x, one["value"].astype(float), color=color, linestyle=line, marker=marker, markerfacecolor=fill, markeredgewidth=0.8)
        band(axes, x, one["ci_low"], one["ci_high"], color, alpha=0.16 if cohort == "all" else 0.08)


def _counts(rows: pd.DataFrame) -> dict[float, int]:
    return dict(zip(rows["n"], rows["n_trajectories"], strict=True))
