"""The figure of the prediction horizon benchmark."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from horizon_scores import last_values
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
    new_figure,
    outcome_styles,
    panel_label,
    readable,
    styled,
)
from cellfate.statistics.reliability import reliability
from cellfate.tracks.tables import CENSORED, NO_EVENT

ACCURACY_STYLES = {"balanced_accuracy": ("balanced accuracy", OKABE_ITO["black"], "o"), "auroc": ("AUROC", OKABE_ITO["purple"], "s")}
ERROR_STYLES = {"brier": ("Brier score", OKABE_ITO["green"], "o"), "ece": ("calibration error (ECE)", OKABE_ITO["orange"], "D")}
CENSORED_STYLES = {CENSORED: (OKABE_ITO["green"], "^"), NO_EVENT: (GREY, "D")}
RELIABILITY_HOURS = {0.5: (OKABE_ITO["black"], "o"), 10: (OKABE_ITO["sky"], "s")}
BELOW = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.25), "fontsize": SMALL, "columnspacing": 1.0}


@styled
def plot_horizon(horizon: pd.DataFrame, rows: pd.DataFrame, outcomes: Mapping[str, str]) -> Figure:
    """Accuracy (a) and calibration (b) against hours before the event, reliability (c), and last values by how tracks ended (d)."""
    figure = new_figure(DOUBLE, 5.9)
    panels = figure.subplots(2, 2)
    every, fixed = (horizon[horizon["cohort"] == cohort].sort_values("hours") for cohort in ("all", "fixed"))
    raw = every.drop(columns=list(ERROR_STYLES)).rename(columns={f"raw_{name}": name for name in ERROR_STYLES})
    _against_hours(panels[0, 0], every, fixed, ACCURACY_STYLES, "score", (0.35, 1.02))
    panels[0, 0].axhline(0.5, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    _against_hours(panels[0, 1], every, raw, ERROR_STYLES, "error of the probability", (0, 0.45))
    panels[0, 1].plot(every["hours"], every["base_brier"], color=ERROR_STYLES["brier"][1], linewidth=0.8, linestyle=":")
    extra = Line2D([], [], color=ERROR_STYLES["brier"][1], linewidth=0.8, linestyle=":", label="Brier of the base rate")
    panels[0, 0].legend(handles=[*_handles(ACCURACY_STYLES), _dashed("same tracks throughout")], ncols=3, **BELOW)
    panels[0, 1].legend(handles=[*_handles(ERROR_STYLES), extra, _dashed("not calibrated")], ncols=2, **BELOW)
    _reliability(panels[1, 0], rows, readable(outcomes["positive"]))
    _last(panels[1, 1], rows, outcomes)
    for axes, letter in zip(panels.ravel(), "abcd", strict=True):
        panel_label(axes, letter)
    return figure


def _handles(styles: Mapping) -> list[Line2D]:
    return [Line2D([], [], color=color, marker=marker, label=label) for label, color, marker in styles.values()]


def _dashed(label: str) -> Line2D:
    return Line2D([], [], color="black", linewidth=0.8, linestyle="--", label=label)


def _against_hours(axes: Axes, every: pd.DataFrame, other: pd.DataFrame, styles: Mapping, ylabel: str, limits: tuple[float, float]) -> None:
    """The scores of ``every`` with intervals, those of ``other`` dashed, and the number of tracks below the axis."""
    for name, (_, color, marker) in styles.items():
        axes.plot(every["hours"], every[name], color=color, marker=marker)
        band(axes, every["hours"].to_numpy(), every[f"{name}_low"], every[f"{name}_high"], color)
        axes.plot(other["hours"], other[name], color=color, linewidth=0.8, linestyle="--")
    axes.set(xlim=(every["hours"].max() + 0.8, -0.3), ylim=limits, ylabel=ylabel)
    shown = every[every["hours"].isin([0.5, 5, 10, 15, 20, 25])]
    count_rows(axes, [("tracks", "black", dict(zip(shown["hours"], shown["n_tracks"], strict=True)))], "hours before the event")


def _reliability(axes: Axes, rows: pd.DataFrame, positive: str) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    for hours, (color, marker) in RELIABILITY_HOURS.items():
        one = rows[(rows["hours_before_event"] == hours) & rows["label"].notna()]
        table, _ = reliability(one["label"].to_numpy(), one["probability"].to_numpy(), 5)
        filled = table[table["count"] > 0]
        axes.plot(filled["mean_probability"], filled["observed"], color=color, linewidth=1.0)
        sizes = 8 + 70 * filled["count"] / filled["count"].max()
        axes.scatter(
            filled["mean_probability"], filled["observed"], s=sizes, color=color, marker=marker, alpha=0.8, linewidth=0, clip_on=False
        )
    handles = [Line2D([], [], color=c, marker=m, label=f"{h:g} h before the event") for h, (c, m) in RELIABILITY_HOURS.items()]
    axes.legend(handles=handles, loc="upper left", fontsize=SMALL)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel=f"predicted probability of {positive}", ylabel=f"observed share of {positive}")


def _last(axes: Axes, rows: pd.DataFrame, outcomes: Mapping[str, str]) -> None:
    """Cumulative share of tracks by the probability of the positive outcome at their last frame."""
    last = last_values(rows)
    for outcome, (color, _) in (outcome_styles(dict(outcomes)) | CENSORED_STYLES).items():
        values = np.sort(last.loc[last["outcome"] == outcome, "probability"].to_numpy(float))
        if len(values):
            dashed = "--" if outcome in CENSORED_STYLES else "-"
            label = f"{readable(outcome)} ({len(values)})"
            axes.step(
                [0, *values, 1],
                [0, *np.arange(1, len(values) + 1) / len(values), 1],
                color=color,
                linestyle=dashed,
                label=label,
                where="post",
            )
    axes.set(
        xlim=(-0.02, 1.02),
        ylim=(0, 1.02),
        xlabel=f"last probability of {readable(outcomes['positive'])}",
        ylabel="share of tracks up to it",
    )
    axes.legend(fontsize=SMALL, loc="upper left", title="the track ends in (tracks)", title_fontsize=SMALL, alignment="left")
