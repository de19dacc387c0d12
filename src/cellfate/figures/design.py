"""The design: cells of each recording by outcome, their lengths, and what one thing alone tells of the outcome."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cellfate.base.plot_style import (
    DOUBLE,
    GREY,
    OKABE_ITO,
    SMALL,
    empty_figure,
    new_figure,
    outcome_handle,
    outcome_styles,
    panel_label,
    readable,
    shortened,
    styled,
)

MOST_RECORDINGS = 24  # with a row each; more are drawn by treatment
ROW, MARGIN = 0.16, 1.3  # inches
LABELS = {
    "recording": "recording",
    "group": "group",
    "treatment": "treatment",
    "dose": "treatment, dose",
    "length": "length",
    "clock": "time of end",
}
WITHIN = {"color": OKABE_ITO["orange"], "marker": "o", "markerfacecolor": "none", "markersize": 5.5}
NAME = 18  # characters of the name of a row


@styled
def plot_design(design: pd.DataFrame, scores: pd.DataFrame, outcomes: dict[str, str], *, confounded_from: float) -> Figure:
    """Usable tracks by outcome (a) and their lengths (b) of each recording, or treatment where there are many; what tells the outcome (c).

    ``design`` and ``scores`` are the tables of those names. The dashed line of c is at ``confounded_from``.
    """
    rows = design[design["outcome"].isin(list(outcomes.values())) & (design["n_usable"] > 0)]
    level = "recording" if rows.loc[rows["level"] == "recording", "name"].nunique() <= MOST_RECORDINGS else "treatment"
    rows = rows[rows["level"] == level]
    if rows.empty:
        return empty_figure(DOUBLE, 2.6, "with a known outcome and long enough")
    places = _places(rows)
    figure = new_figure(DOUBLE, max(2.6, MARGIN + ROW * len(places)))
    figure.get_layout_engine().set(rect=(0.02, 0, 0.97, 1), wspace=0.02)
    counts, lengths, told = figure.subplots(1, 3)
    _counts_panel(counts, rows, places, outcomes)
    _lengths_panel(lengths, rows, places, outcomes)
    _scores_panel(told, scores, confounded_from)
    for axes, letter in zip((counts, lengths, told), "abc", strict=True):
        panel_label(axes, letter)
    handles = [outcome_handle(name, outcomes) for name in outcomes.values()]
    figure.legend(handles=handles, loc="outside upper left", ncols=2)
    return figure


def _places(rows: pd.DataFrame) -> dict[str, int]:
    """The row of each name, by treatment, then name; the treatment's name only where it changes."""
    names = rows[["treatment", "name"]].drop_duplicates().sort_values(["treatment", "name"])["name"]
    return {name: place for place, name in enumerate(names)}


def _counts_panel(axes: Axes, rows: pd.DataFrame, places: dict[str, int], outcomes: dict[str, str]) -> None:
    """Negative outcome to the left, positive to the right."""
    largest = int(rows["n_usable"].max())
    for sign, (name, (color, _)) in zip((-1, 1), outcome_styles(outcomes).items(), strict=True):
        one = rows[rows["outcome"] == name]
        heights = one["name"].map(places)
        axes.barh(heights, sign * one["n_usable"], color=color, height=0.7)
        for height, count in zip(heights, one["n_usable"], strict=True):
            offset = {"xytext": (2 * sign, 0), "textcoords": "offset points", "fontsize": SMALL, "va": "center"}
            axes.annotate(str(count), (sign * count, height), ha="left" if sign > 0 else "right", **offset)
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set_xlim(-1.25 * largest, 1.25 * largest)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_xlabel("usable trajectories")
    _name_rows(axes, places, rows)


def _name_rows(axes: Axes, places: dict[str, int], rows: pd.DataFrame) -> None:
    treatment = dict(zip(rows["name"], rows["treatment"], strict=True))
    several = rows["treatment"].nunique() > 1
    labels, before = [], None
    for name in places:
        of_row = "" if treatment[name] in (name, before) or not several else f"{readable(treatment[name])}, "
        labels.append(shortened(of_row, NAME) + shortened(readable(name), NAME))
        before = treatment[name]
    axes.set_yticks(list(places.values()), labels, fontsize=SMALL if len(places) > 8 else None)
    axes.set_ylim(len(places) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def _lengths_panel(axes: Axes, rows: pd.DataFrame, places: dict[str, int], outcomes: dict[str, str]) -> None:
    """All lengths as a thin line, the middle half as a thick one, the median as a marker; negative above positive."""
    for shift, (name, (color, marker)) in zip((-0.18, 0.18), outcome_styles(outcomes).items(), strict=True):
        for row in rows[rows["outcome"] == name].itertuples():
            height = places[row.name] + shift
            axes.plot([row.shortest, row.longest], [height, height], color=color, linewidth=0.6)
            axes.plot([row.q25, row.q75], [height, height], color=color, linewidth=2.2, solid_capstyle="butt")
            axes.plot(row.median, height, color=color, marker=marker, markersize=2.6, markeredgecolor="white", markeredgewidth=0.3)
    axes.set_xlim(left=0)
    axes.set_xlabel("hours from first to last frame")
    axes.set_yticks([])
    axes.set_ylim(len(places) - 0.4, -0.6)


def _scores_panel(axes: Axes, scores: pd.DataFrame, confounded_from: float) -> None:
    for height, row in enumerate(scores.itertuples()):
        if pd.isna(row.within):
            axes.annotate("one value", (0.52, height), fontsize=SMALL, color=GREY, va="center")
            continue
        if pd.notna(row.ci_low):
            axes.plot([row.ci_low, row.ci_high], [height, height], color="black", linewidth=1.0, solid_capstyle="butt")
        if pd.notna(row.held_out):
            axes.plot(row.held_out, height, "o", color="black", markersize=4)
        axes.plot(row.within, height, markeredgewidth=1.1, **WITHIN)
    axes.axvline(0.5, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    axes.axvline(confounded_from, color=OKABE_ITO["vermillion"], linewidth=0.8, linestyle="--", zorder=0)
    axes.set_yticks(range(len(scores)), [LABELS[name] for name in scores["variable"]])
    axes.tick_params(axis="y", length=0)
    axes.set(ylim=(len(scores) - 0.4, -0.6), xlim=(-0.03, 1.03), xlabel="balanced accuracy")
    held_out = Line2D([], [], color="black", marker="o", linewidth=1.0, markersize=4, label="held out")
    within = Line2D([], [], linestyle="", label="within the data", **WITHIN)
    axes.legend(handles=[held_out, within], loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, handlelength=1.2, columnspacing=0.8)
