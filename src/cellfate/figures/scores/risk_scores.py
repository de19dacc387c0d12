"""How good the risks over time are, beside clocks and baselines: skill, calibration, the outcome before the event, decisions, alarms."""

from collections.abc import Mapping
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cellfate.base.plot_style import (
    DOUBLE,
    GREY,
    OKABE_ITO,
    ROLE_STYLE,
    SMALL,
    band,
    count_rows,
    least_handle,
    new_figure,
    panel_label,
    readable,
    reason_note,
    styled,
    too_few,
)
from cellfate.evaluation.risks.scores import ALL, measured_horizon
from cellfate.figures.scores.risks import CLOCKS, LINES

METHODS = {  # colour, marker, words
    "risks": (OKABE_ITO["black"], "o", "risks"),
    "clock": (GREY, "s", "clock, drug or film"),
    "age": (GREY, "D", "clock, track"),
    "rings_any_frame": (OKABE_ITO["sky"], "^", "rings, any frame"),
    "rings_course": (OKABE_ITO["blue"], "<", "rings and course"),
    "rings_prefix": (OKABE_ITO["green"], "v", "rings, prefix"),
    "rings_last_frame": (OKABE_ITO["orange"], "P", "rings, fitted for that hour"),
    "network": (OKABE_ITO["purple"], "X", "network"),
}
MOST_BEYOND = 0.25  # of a band of skill
RISK_TICKS = (0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.7, 1)
WIDTH = 44  # letters in a line of a reason


@styled
def plot_risk_scores(
    scores: pd.DataFrame,
    calibration: pd.DataFrame,
    alarms: pd.DataFrame,
    fates: pd.DataFrame,
    decided: pd.DataFrame,
    outcomes: Mapping[str, str],
    *,
    min_trajectories: int,
) -> Figure:
    """Skill over a clock by hours ahead (a) and by hour (b), calibration (c), outcome before the event (d), decided cells (e), alarms (f).

    Tables are those of :mod:`cellfate.evaluation.risks.tables`. Points on fewer than ``min_trajectories`` cells are not drawn.
    """
    figure = new_figure(DOUBLE, 7.6)
    panels = figure.subplots(3, 2)
    for axes, letter in zip(panels.flat, "abcdef", strict=True):
        panel_label(axes, letter)
    horizon = measured_horizon(scores)
    clock = "drug" if (scores["scope"] == "drug").any() else "recording"
    of_hour = scores[(scores["scope"] == clock) & (scores["horizon_hours"] == horizon)]
    of_bins = calibration[(calibration["method"] == "risks") & (calibration["horizon_hours"] == horizon)]
    of_clock = decided[(decided["clock"] == clock) & (decided["horizon_hours"] == horizon)]
    least = min_trajectories
    drawn = _by_horizon(panels[0, 0], scores[scores["scope"] == ALL], least)
    drawn |= _by_hour(panels[0, 1], of_hour, clock, least)
    _calibration(panels[1, 0], of_bins, outcomes, least)
    before = _before(panels[1, 1], fates, least)
    drawn |= before
    _decided(panels[2, 0], of_clock, clock, outcomes, least)
    _alarms(panels[2, 1], alarms[alarms["method"] == "risks"], outcomes, least)
    handles = [Line2D([], [], color=METHODS[m][0], marker=METHODS[m][1], label=METHODS[m][2]) for m in METHODS if m in drawn]
    handles += [Line2D([], [], color=GREY, linewidth=0.8, linestyle=":", label="base rate (d)")] if before else []
    figure.legend(handles=handles + least_handle(min_trajectories), loc="outside upper center", ncols=4, columnspacing=1.4)
    return figure


def _drawable(axes: Axes, rows: pd.DataFrame, value: str, cells: str, least: int) -> pd.DataFrame:
    """Rows with a ``value`` on ``least`` or more ``cells``; where there is none the reason is written."""
    known = rows[rows[value].notna()]
    drawn = known[known[cells] >= least]
    if drawn.empty:
        reasons = rows["reason"].dropna()
        why = fill(reasons.value_counts().index[0], WIDTH) if len(reasons) else "no held-out cell was followed then"
        reason_note(axes, too_few(least) if len(known) else f"not measured:\n{why}")
    return drawn


def _skills(axes: Axes, drawn: pd.DataFrame, x: str) -> set[str]:
    """Skill of each method along ``x``, the risks with their intervals; the methods that are drawn. The clock is the line at 0."""
    for method, one in drawn.groupby("method", sort=False):
        color, marker, _ = METHODS[method]
        one = one.sort_values(x)
        axes.plot(one[x], one["skill"].astype(float), color=color, marker=marker, zorder=3 if method == "risks" else 2)
        if method == "risks":
            band(axes, one[x].to_numpy(float), one["skill_low"], one["skill_high"], color, alpha=0.12)
    axes.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_ylabel("skill over the clock")
    axes.set_ylim(*_limits(drawn["skill"].to_numpy(float), drawn[["skill_low", "skill_high"]].to_numpy(float)))
    return set(drawn["method"])


def _limits(skills: np.ndarray, intervals: np.ndarray) -> tuple[float, float]:
    """Limits of an axis of skill: all values and intervals, but no farther than MOST_BEYOND from the values, so that these are seen."""
    low, high = np.nanmin(np.append(skills, 0.0)), np.nanmax(np.append(skills, 0.0))
    lowest, highest = np.nanmin(np.append(intervals, low)), np.nanmax(np.append(intervals, high))
    return max(lowest, low - MOST_BEYOND) - 0.03, min(highest, high + MOST_BEYOND) + 0.03


def _by_horizon(axes: Axes, rows: pd.DataFrame, least: int) -> set[str]:
    shown = _drawable(axes, rows, "skill", "n_tracks", least)
    if shown.empty:
        return set()
    drawn = _skills(axes, shown, "horizon_hours")
    own = shown.drop_duplicates("horizon_hours")
    axes.set_xlim(0, own["horizon_hours"].max() * 1.06)
    counts = [("cells", "black", dict(zip(own["horizon_hours"], own["n_tracks"], strict=True)))]
    count_rows(axes, counts, "hours ahead (all frames)")
    return drawn


def _by_hour(axes: Axes, rows: pd.DataFrame, clock: str, least: int) -> set[str]:
    shown = _drawable(axes, rows, "skill", "n_tracks", least)
    if shown.empty:
        return set()
    drawn = _skills(axes, shown, "hours")
    own = shown.drop_duplicates("hours").sort_values("hours")
    names = (("at risk", "black", "n_at_risk"), ("scored", "black", "n_landmarks"))
    counts = [(name, color, dict(zip(own["hours"], own[column], strict=True))) for name, color, column in names]
    axes.set_ylabel(f"skill over the clock, {own['horizon_hours'].iloc[0]:g} h ahead")
    count_rows(axes, counts, CLOCKS[clock])
    return drawn


def _calibration(axes: Axes, rows: pd.DataFrame, outcomes: Mapping[str, str], least: int) -> None:
    drawn = _drawable(axes, rows, "observed", "n_tracks", least)
    if drawn.empty:
        return
    axes.plot(np.linspace(0, 1, 200), np.linspace(0, 1, 200), color=GREY, linewidth=0.8, linestyle=":")
    handles = []
    for role, (color, marker) in ROLE_STYLE.items():
        one = drawn[drawn["outcome"] == role].sort_values("predicted")
        if one.empty:
            continue
        x, y = one["predicted"].to_numpy(float), one["observed"].to_numpy(float)
        low, high = one["observed_low"].to_numpy(float), one["observed_high"].to_numpy(float)
        axes.vlines(x, low, high, color=color, linewidth=0.8, alpha=0.6)
        axes.plot(x, y, color=color, marker=marker, linestyle=LINES[role])
        words = f"{readable(outcomes[role])}, ECE {one['ece'].iloc[0]:.3f}"
        handles.append(Line2D([], [], color=color, marker=marker, linestyle=LINES[role], label=words))
    hours = drawn["horizon_hours"].iloc[0]
    axes.set(xlabel=f"risk within {hours:g} h, mean of a bin", ylabel="came within them")
    for scale, limit in (("x", drawn["predicted"].max()), ("y", drawn[["observed", "observed_high"]].max().max())):
        top = min(1.15 * float(limit), 1.0)
        getattr(axes, f"set_{scale}scale")("function", functions=(_root, np.square))  # most risks are small
        getattr(axes, f"set_{scale}lim")(0, top)
        getattr(axes, f"set_{scale}ticks")(
            [tick for tick in RISK_TICKS if tick <= top], [f"{tick:g}" for tick in RISK_TICKS if tick <= top]
        )
    axes.legend(handles=handles, loc="upper left", fontsize=SMALL)


def _root(values: np.ndarray) -> np.ndarray:
    return np.sqrt(np.clip(values, 0, None))


def _before(axes: Axes, fates: pd.DataFrame, least: int) -> set[str]:
    drawn = _drawable(axes, fates, "log_loss", "n_trajectories", least)
    if drawn.empty:
        return set()
    for method, one in drawn.groupby("method", sort=False):
        color, marker, _ = METHODS[method]
        one = one.sort_values("hours_before")
        axes.plot(-one["hours_before"], one["log_loss"].astype(float), color=color, marker=marker, zorder=3 if method == "risks" else 2)
    base = drawn.drop_duplicates("hours_before").sort_values("hours_before")
    axes.plot(-base["hours_before"], base["log_loss_base"].astype(float), color=GREY, linewidth=0.8, linestyle=":")
    axes.set(ylim=(0, 1.12 * max(drawn["log_loss"].max(), base["log_loss_base"].max())), ylabel="log-loss of the outcome")
    counts = [("cells", "black", dict(zip(-base["hours_before"], base["n_trajectories"], strict=True)))]
    count_rows(axes, counts, "hours before the event")
    return set(drawn["method"])


def _decided(axes: Axes, rows: pd.DataFrame, clock: str, outcomes: Mapping[str, str], least: int) -> None:
    drawn = _drawable(axes, rows, "decided", "n_at_risk", least).sort_values("hours")
    if drawn.empty:
        return
    level, hours = drawn["level"].iloc[0], drawn["horizon_hours"].iloc[0]
    layers = [
        (drawn["negative"], ROLE_STYLE["negative"][0], "////", readable(outcomes["negative"])),
        (drawn["positive"], ROLE_STYLE["positive"][0], "....", readable(outcomes["positive"])),
        (drawn["neither"], "#CCCCCC", "", "neither"),
    ]
    axes.stackplot(drawn["hours"], *[layer.astype(float) for layer, *_ in layers], colors=[c for _, c, _, _ in layers], linewidth=0)
    for collection, (_, _, hatch, _) in zip(axes.collections, layers, strict=True):
        collection.set(hatch=hatch, edgecolor="white")
    right = drawn["right"].astype(float)
    axes.plot(drawn["hours"], right, color="black", marker="*", linestyle="", markersize=5)
    axes.set(ylim=(0, 1.55), yticks=[0, 0.25, 0.5, 0.75, 1], ylabel=f"share of cells, {hours:g} h ahead")  # the legend stands above
    handles = [Patch(facecolor=c, hatch=h, edgecolor="white", label=f"{w} at least {level:g}") for _, c, h, w in layers]
    handles.append(Line2D([], [], color="black", marker="*", linestyle="", label="of the decided: came so"))
    axes.legend(handles=handles, loc="upper left", fontsize=SMALL)
    counts = [("at risk", "black", dict(zip(drawn["hours"], drawn["n_at_risk"], strict=True)))]
    count_rows(axes, counts, CLOCKS[clock])


def _alarms(axes: Axes, rows: pd.DataFrame, outcomes: Mapping[str, str], least: int) -> None:
    """Share of events with an alarm before them, by hours ahead of the risk, and of cells without an event that had one."""
    drawn = _drawable(axes, rows, "found", "n_events", least)
    if drawn.empty:
        return
    places = {hours: place for place, hours in enumerate(sorted(drawn["horizon_hours"].unique()))}
    handles = []
    for shift, side, (role, (color, marker)) in zip((-0.08, 0.08), ("right", "left"), ROLE_STYLE.items(), strict=True):
        one = drawn[drawn["outcome"] == role]
        x = one["horizon_hours"].map(places).to_numpy(float) + shift
        axes.vlines(x, one["found_low"].astype(float), one["found_high"].astype(float), color=color, linewidth=0.8, alpha=0.6)
        axes.plot(x, one["found"].astype(float), color=color, marker=marker, linestyle="")
        axes.plot(x, one["false_alarms"].astype(float), color=color, marker=marker, markerfacecolor="white", linestyle="")
        for at, share, ahead in zip(x, one["found"], one["ahead"], strict=True):
            if not np.isnan(ahead):
                place = {"xytext": (4 if shift > 0 else -4, 0), "textcoords": "offset points", "va": "center", "ha": side}
                axes.annotate(f"{ahead:.3g} h", (at, share), fontsize=5.5, color=color, **place)
        words = readable(outcomes[role])
        handles.append(Line2D([], [], color=color, marker=marker, linestyle="", label=f"{words}: alarm before it (median hours)"))
        style = {"color": color, "marker": marker, "markerfacecolor": "white", "linestyle": ""}
        handles.append(Line2D([], [], **style, label=f"{words}: false alarm, no event seen"))
    axes.axhline(drawn["alarm_share"].iloc[0], color=GREY, linewidth=0.8, linestyle=":")
    axes.set(xticks=list(places.values()), xlim=(-0.8, len(places) - 0.2), ylim=(-0.02, 1.5), yticks=[0, 0.25, 0.5, 0.75, 1])
    axes.set_xticklabels([f"{hours:g}" for hours in places])
    axes.set(xlabel="hours ahead of the risk", ylabel="share of cells")
    axes.legend(handles=handles, loc="upper left", fontsize=SMALL)
