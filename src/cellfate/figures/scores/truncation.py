"""Figure 3: accuracy and recall without the last frames, and from the last frames alone."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cellfate.base.plot_style import (
    DOUBLE,
    GREY,
    OKABE_ITO,
    SMALL,
    band,
    count_rows,
    has_values,
    hours_axis,
    least_handle,
    new_figure,
    outcome_handles,
    outcome_styles,
    panel_label,
    readable,
    reason_figure,
    reason_note,
    styled,
    ticks_at_points,
    too_few,
)

BASELINE_LINES = {  # method: colour, words; all others are thin and grey
    "rings_last_frame": (OKABE_ITO["orange"], "rings, last frame"),
    "rings_any_frame": (OKABE_ITO["sky"], "rings, any frame"),
    "rings_prefix": (OKABE_ITO["green"], "rings, prefix"),
    "features_prefix": (OKABE_ITO["purple"], "features, prefix"),
}
NO_IMAGE = (GREY, "without an image")
COHORT_LINES = {"all": ("-", "all that are long enough"), "fixed": ((0, (3, 2)), "fixed cohort")}


@styled
def plot_truncation(
    truncation: pd.DataFrame,
    last_k: pd.DataFrame,
    baselines: pd.DataFrame,
    outcomes: dict[str, str],
    frame_interval_min: float | None = None,
    *,
    min_trajectories: int,
) -> Figure:
    """Balanced accuracy (a, b) and recall per outcome (c, d) without the last n frames (a, c) and with only the last k (b, d).

    Both are metrics tables of one scope; bands are their intervals, and a line below says why points have none.
    ``frame_interval_min`` gives the axis in hours. Points on fewer than ``min_trajectories`` are not drawn. The network is black; in a
    stand the ``baselines`` (table of that name) for all that are long enough.
    """
    if truncation.empty and last_k.empty:
        return reason_figure(DOUBLE, 3.0, "not measured: evaluation.truncation and evaluation.last_k are null")
    if not (has_values(truncation) or has_values(last_k)):
        measured = last_k if truncation.empty else truncation
        return reason_figure(DOUBLE, 3.0, _reason(measured[measured["metric"] == "balanced_accuracy"], "", min_trajectories))
    figure = new_figure(DOUBLE, 5.2)
    panels = figure.subplots(2, 2, sharey="row")
    sides = (
        (truncation, "frames dropped from the end", "hours dropped", "evaluation.truncation is null"),
        (last_k, "last frames kept", "hours kept", "evaluation.last_k is null,\nor above the longest trajectory"),
    )
    tables = (truncation, last_k)
    lines = COHORT_LINES if any(_cohorts_differ(table) for table in tables) else {"all": ("-", "all, the same at every point")}
    cohorts: set[str] = set()
    shown: dict[str, pd.DataFrame] = {}
    for column, (table, xlabel, hours, off) in enumerate(sides):
        for row, metric in enumerate(("balanced_accuracy", "recall")):
            axes, rows = panels[row, column], table[table["metric"] == metric]
            panel_label(axes, "abcd"[2 * row + column])
            axes.tick_params(labelleft=True)
            drawn = rows[rows["value"].notna() & (rows["n_trajectories"] >= min_trajectories) & rows["cohort"].isin(lines)]
            if drawn.empty:
                reason_note(axes, _reason(rows, off, min_trajectories))
                continue
            draw = _recall_panel if row else _accuracy_panel
            draw(axes, drawn, rows, outcomes, xlabel)
            ticks_at_points(axes, drawn["n"])
            hours_axis(axes, frame_interval_min, hours)
            cohorts |= set(drawn["cohort"])
            shown["abcd"[2 * row + column]] = drawn
    drawn_baselines = _baseline_curves(panels[0, 0], baselines, min_trajectories) if has_values(truncation) else []
    panels[0, 0].set_ylabel("balanced accuracy")
    panels[1, 0].set_ylabel("recall")
    panels[0, 0].set_ylim(bottom=min(0.4, panels[0, 0].get_ylim()[0]), top=1.02)
    panels[1, 0].set_ylim(-0.02, 1.02)
    handles = [Line2D([], [], color="black", linestyle=line, label=label) for c, (line, label) in lines.items() if c in cohorts]
    recalled = {name for letter in {"c", "d"} & shown.keys() for name in shown[letter]["class"]}
    handles += outcome_handles(outcomes, recalled, min_trajectories) + drawn_baselines
    handles += [Line2D([], [], color=GREY, linewidth=0.8, linestyle=":", label="chance")] if {"a", "b"} & shown.keys() else []
    figure.legend(handles=handles + least_handle(min_trajectories), loc="outside upper center", ncols=4, columnspacing=1.4)
    if note := _without_interval(shown):
        figure.supxlabel(note, fontsize=SMALL, color=GREY)
    return figure


def _cohorts_differ(table: pd.DataFrame) -> bool:
    """Whether the fixed cohort is another than all that are long enough, or there is none."""
    sizes = table[table["class"] == "all"].groupby(["n", "cohort"])["n_trajectories"].max().unstack()
    return "fixed" not in sizes or not sizes["fixed"].eq(sizes["all"]).all()


def _reason(rows: pd.DataFrame, off: str, least: int) -> str:
    """Why nothing of ``rows`` is drawn; ``off`` is the reason where there is none."""
    if rows.empty:
        return f"not measured: {off}"
    if rows["n_trajectories"].sum() == 0:
        return "no held-out trajectory of evaluation.treatment\nn = 0"
    return too_few(least) if has_values(rows) else "not measured: the trajectories are all of one outcome"


def _baseline_curves(axes: Axes, baselines: pd.DataFrame, least: int) -> list[Line2D]:
    """One line for each baseline without the last frames; what the legend says of them. The majority is chance and not drawn."""
    rows = baselines[(baselines["condition"] == "truncation") & (baselines["cohort"] == "all") & baselines["value"].notna()]
    rows = rows[~rows["method"].isin(["network", "majority"])]
    styles = {}
    for method, one in rows.groupby("method", sort=False):
        color, words = BASELINE_LINES.get(method, NO_IMAGE)
        width = 0.9 if method in BASELINE_LINES else 0.5
        ordered = one.sort_values("n")
        axes.plot(ordered["n"].astype(float), ordered["value"].astype(float), color=color, linewidth=width, zorder=1.5)
        styles[words] = Line2D([], [], color=color, linewidth=width, label=words)
    return list(styles.values())


def _without_interval(panels: dict[str, pd.DataFrame]) -> str:
    """Which points of the panels have no interval, and the reason that most of them have; empty where all have one."""
    known = {letter: rows[rows["value"].notna()] for letter, rows in panels.items()}
    bare = {letter: rows[rows["ci_low"].isna()] for letter, rows in known.items()}
    reasons = pd.concat(bare.values())["reason"].value_counts()
    if reasons.empty:
        return ""
    counts = ", ".join(f"{letter}: {len(rows)} of {len(known[letter])}" for letter, rows in bare.items() if len(rows))
    others = "; for others see the tables" if len(reasons) > 1 else ""
    return f"Points without an interval ({counts}): {readable(reasons.index[0])}{others}"


def _accuracy_panel(axes: Axes, rows: pd.DataFrame, _table: pd.DataFrame, _outcomes: dict[str, str], xlabel: str) -> None:
    _curves(axes, rows, OKABE_ITO["black"], "o")
    axes.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    names = {"all": "n", "fixed": "fixed n"}
    shown = [cohort for cohort in names if (rows["cohort"] == cohort).any()]
    counts = [(names[cohort], "black", _counts(rows[rows["cohort"] == cohort])) for cohort in shown]
    count_rows(axes, counts, xlabel)


def _recall_panel(axes: Axes, rows: pd.DataFrame, table: pd.DataFrame, outcomes: dict[str, str], xlabel: str) -> None:
    """Curves of ``rows``; the counts are those of the ``table``, so that of an outcome without a line it is seen how many there are."""
    counts = []
    for name, (color, marker) in outcome_styles(outcomes).items():
        one = rows[rows["class"] == name]
        _curves(axes, one, color, marker)
        known = _counts(table[(table["class"] == name) & (table["cohort"] == "all")])
        counts.append(("n", color, {n: known.get(n, 0) for n in sorted(set(rows["n"]))}))
    count_rows(axes, counts, xlabel)


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
