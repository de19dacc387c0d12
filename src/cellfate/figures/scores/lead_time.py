"""When an outcome is known: before the end, at landmarks that look forward, and when it is called as early as it can be."""

from textwrap import fill

import numpy as np
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
    least_handle,
    new_figure,
    panel_label,
    reason_note,
    styled,
    too_few,
)

METHODS = {  # colour, words
    "network": (OKABE_ITO["black"], "network"),
    "rings_last_frame": (OKABE_ITO["orange"], "rings, last frame"),
    "rings_any_frame": (OKABE_ITO["sky"], "rings, any frame"),
    "rings_prefix": (OKABE_ITO["green"], "rings, prefix"),
    "features_prefix": (OKABE_ITO["purple"], "features, prefix"),
    "clock": (GREY, "the hour alone"),
}
OTHERS, NEITHER = ("drug", "recording"), "neither"
CLOCKS = {
    "track": "hours since the track began",
    "drug": "hours since the drug",
    "recording": "hours since the recording began",
    NEITHER: "hours since the drug or the recording began",
}


@styled
def plot_lead_time(
    before: pd.DataFrame,
    landmarks: pd.DataFrame,
    earliness: pd.DataFrame,
    known: pd.DataFrame,
    *,
    min_trajectories: int,
) -> Figure:
    """Accuracy before the end (a), at landmarks from the track's start (b) and from the drug (c), and against the share seen (d).

    ``before`` is the table before_end, the others have their names. Triangles in a: from when on a method is better than chance
    (``known``); a counts frames where tracks differ in their hours. Points on fewer than ``min_trajectories`` scored cells are not drawn;
    where nothing is drawn the reason stands.
    """
    figure = new_figure(DOUBLE, 5.4)
    panels = figure.subplots(2, 2)
    for axes, letter in zip(panels.flat, "abcd", strict=True):
        panel_label(axes, letter)
    drawn = _before_end(panels[0, 0], before, known)
    there = set(landmarks["clock"])
    for axes, clock in zip((panels[0, 1], panels[1, 0]), ("track", next((one for one in OTHERS if one in there), NEITHER)), strict=True):
        drawn |= _landmarks(axes, landmarks[landmarks["clock"] == clock], clock, min_trajectories)
    _earliness(panels[1, 1], earliness, min_trajectories)
    handles = [Line2D([], [], color=color, label=words) for name, (color, words) in METHODS.items() if name in drawn]
    if known["frames"].notna().any():
        handles.append(Line2D([], [], color=GREY, marker="v", linestyle="", label="better than chance from here on (a)"))
    figure.legend(handles=handles + least_handle(min_trajectories), loc="outside upper center", ncols=4, columnspacing=1.4)
    return figure


def _chance(axes: Axes) -> None:
    axes.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_ylim(-0.02, 1.02)


def _before_end(axes: Axes, table: pd.DataFrame, known: pd.DataFrame) -> set[str]:
    """Balanced accuracy without the last frames, time running to the end on the right; the methods that are drawn."""
    axes.set_ylabel("balanced accuracy")
    rows = table[(table["metric"] == "balanced_accuracy") & table["value"].notna() & table["method"].isin(METHODS)]
    if rows.empty:
        reasons = known.loc[known["method"] == "network", "reason"].dropna()
        reason_note(axes, "not measured:\n" + (fill(reasons.iloc[0], 40) if len(reasons) else "no held-out trajectory"))
        return set()
    timed = rows["hours"].notna().all()
    places = -rows.drop_duplicates("n").set_index("n", drop=False)["hours" if timed else "n"].astype(float)
    for method, one in rows.groupby("method", sort=False):
        one = one.sort_values("n")
        x = places[one["n"]].to_numpy()
        color = METHODS[method][0]
        axes.plot(
            x, one["value"].astype(float), color=color, marker="o" if method == "network" else None, zorder=3 if method == "network" else 2
        )
        if method == "network":
            band(axes, x, one["ci_low"], one["ci_high"], color, alpha=0.12)
            counts = dict(zip(x, one["n_trajectories"], strict=True))
    _marks(axes, known, places)
    _chance(axes)
    count_rows(axes, [("n", "black", counts)], "hours before the end" if timed else "frames before the end (tracks differ in hours)")
    return set(rows["method"])


def _marks(axes: Axes, known: pd.DataFrame, places: pd.Series) -> None:
    """A tick at the top where a method begins to be better than chance; those of one hour stand above each other."""
    rows = known[known["frames"].notna() & known["method"].isin(METHODS)]
    for _, alike in rows.groupby("frames"):
        for place, row in enumerate(alike.itertuples()):
            at, color = (places[row.frames], 1.02 + 0.05 * place), METHODS[row.method][0]
            axes.plot(*[[value] for value in at], marker="v", color=color, markersize=5, clip_on=False, linestyle="", zorder=4)


def _landmarks(axes: Axes, rows: pd.DataFrame, clock: str, least: int) -> set[str]:
    """Weighted balanced accuracy at the landmarks of one clock, with the cells at risk below; the methods that are drawn."""
    axes.set_ylabel("balanced accuracy")
    drawn = rows[rows["balanced_accuracy"].notna() & (rows["n_scored"] >= least)]
    if drawn.empty:
        reason_note(axes, f"{CLOCKS[clock]}:\n" + _why_none(rows, least))
        return set()
    for method, (color, _) in METHODS.items():
        one = drawn[drawn["method"] == method].sort_values("hours")
        if one.empty:
            continue
        network = method == "network"
        axes.plot(
            one["hours"], one["balanced_accuracy"].astype(float), color=color, marker="o" if network else None, zorder=3 if network else 2
        )
        if network:
            band(axes, one["hours"].to_numpy(float), one["ci_low"], one["ci_high"], color, alpha=0.12)
    one = drawn.drop_duplicates("hours").sort_values("hours")
    counts = [
        (name, color, dict(zip(one["hours"], one[column], strict=True)))
        for name, color, column in (("at risk", "black", "n_at_risk"), ("scored", "black", "n_scored"), ("lost later", GREY, "n_censored"))
    ]
    _chance(axes)
    count_rows(axes, counts, CLOCKS[clock])
    return set(drawn["method"])


def _why_none(rows: pd.DataFrame, least: int) -> str:
    """Why no landmark of ``rows`` is drawn."""
    if rows.empty:
        return "no held-out cell was followed then"
    if rows["balanced_accuracy"].notna().any():
        return too_few(least).replace(" than", "\nthan")
    return fill(rows["reason"].mode()[0], 40)


def _earliness(axes: Axes, table: pd.DataFrame, least: int) -> None:
    """Balanced accuracy against the mean share of a track that was seen, for thresholds and patience; the chosen ones are a star."""
    axes.set_ylabel("balanced accuracy")
    drawn = table[table["balanced_accuracy"].notna() & (table["n_trajectories"] >= least)]
    if drawn.empty:
        reason = table["reason"].dropna()
        return reason_note(axes, reason.iloc[0] if len(reason) else "no held-out trajectory")
    handles = []
    for (patience, one), line in zip(drawn[~drawn["chosen"]].groupby("patience"), ("-", "--"), strict=False):
        one = one.sort_values("threshold")
        axes.plot(one["seen"].astype(float), one["balanced_accuracy"].astype(float), color="black", marker=".", linestyle=line)
        words = "called when sure once" if patience == 1 else f"sure {patience} times in a row"
        handles.append(Line2D([], [], color="black", marker=".", linestyle=line, label=words))
    for row in drawn[drawn["chosen"]].itertuples():
        limits = np.array([[row.balanced_accuracy - row.ci_low], [row.ci_high - row.balanced_accuracy]], float)
        style = {"color": OKABE_ITO["vermillion"], "marker": "*", "markersize": 9, "zorder": 4, "capsize": 2, "linewidth": 0.8}
        axes.errorbar([row.seen], [row.balanced_accuracy], yerr=None if np.isnan(limits).any() else limits, **style)
        handles.append(Line2D([], [], color=style["color"], marker="*", linestyle="", markersize=8, label="chosen on validation"))
    for reason in table.loc[table["chosen"] & table["threshold"].isna(), "reason"]:
        handles.append(Line2D([], [], linestyle="", label=fill(reason, 34)))
    _chance(axes)
    axes.set(xlim=(0, 1.02), xlabel="mean share of a track that was seen before its call")
    axes.legend(handles=handles, loc="lower right", fontsize=SMALL, handlelength=3)
    return None
