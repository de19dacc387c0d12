"""Figure 4: mean attention and occlusion before the event."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cellfate.base.plot_style import (
    DOUBLE,
    SINGLE,
    band,
    count_rows,
    empty_figure,
    hours_axis,
    new_figure,
    outcome_handle,
    outcome_styles,
    panel_label,
    readable,
    styled,
)


@styled
def plot_attention_profile(table: pd.DataFrame, outcomes: dict[str, str]) -> Figure:
    """Attention of correctly classified trajectories, aligned at their last frame, one line per outcome with its interval.

    Panel b, where the table has occlusion: what the log-odds of the own outcome lose when the frames around are hidden. The axis
    in hours follows from the table's frames and hours before the end; without hours there is none.
    """
    known = table[table["profile"].notna() & (table["n_trajectories"] > 0)]
    if known.empty:
        return empty_figure(SINGLE, 2.6, "held out and correctly classified")
    occluded = known["occlusion"].notna().any()
    figure = new_figure(DOUBLE if occluded else SINGLE, 2.9)
    axes = figure.subplots(1, 2 if occluded else 1, squeeze=False)[0]
    _aligned_curves(axes[0], known, ("profile", "ci_low", "ci_high"), outcomes)
    axes[0].set_ylim(min(0, axes[0].get_ylim()[0]), max(1.02, axes[0].get_ylim()[1]))
    axes[0].set_ylabel("mean attention, scaled")
    if occluded:
        _aligned_curves(axes[1], known, ("occlusion", "occlusion_low", "occlusion_high"), outcomes)
        axes[1].axhline(0, color="black", linewidth=0.5, zorder=0)
        axes[1].set_ylabel("log-odds lost when hidden")
        for panel, letter in zip(axes, "ab", strict=True):
            panel_label(panel, letter)
    figure.legend(handles=[outcome_handle(name, outcomes) for name in outcomes.values()], loc="outside upper center", ncols=2)
    return figure


def _aligned_curves(axes: Axes, known: pd.DataFrame, columns: tuple[str, str, str], outcomes: dict[str, str]) -> None:
    """One line per outcome (value, lower and upper limit of ``columns``) against the frames before the end, with counts below."""
    value, low, high = columns
    first = -int(known["frames_before_end"].max())
    ticks = list(range(-10 * (-first // 10), 1, 10))
    counts = []
    for name, (color, marker) in outcome_styles(outcomes).items():
        one = known[known["outcome"] == name].sort_values("frames_before_end", ascending=False)
        x = -one["frames_before_end"].to_numpy(dtype=float)
        axes.plot(x, one[value].astype(float), color=color, marker=marker, markersize=1.8, label=readable(name))
        band(axes, x, one[low], one[high], color)
        n = dict(zip(x, one["n_trajectories"], strict=True))
        counts.append(("n", color, {t: int(n.get(t, 0)) for t in ticks}))
    axes.set_xlim(first - 1.5, 1.5)
    axes.set_xticks(ticks)
    count_rows(axes, counts, "frames relative to the end of the trajectory")
    timed = known[(known["frames_before_end"] > 0) & known["hours_before_end"].notna()]
    hours_axis(axes, None if timed.empty else float((60 * timed["hours_before_end"] / timed["frames_before_end"]).median()), "hours")
