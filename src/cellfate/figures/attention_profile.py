"""Figure 4: mean attention and occlusion before the event."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cellfate.base.plot_style import (
    DOUBLE,
    SINGLE,
    band,
    count_rows,
    empty_figure,
    hours_axis,
    least_handle,
    new_figure,
    outcome_handles,
    outcome_styles,
    panel_label,
    readable,
    reason_figure,
    styled,
    too_few,
)


@styled
def plot_attention_profile(table: pd.DataFrame, outcomes: dict[str, str], *, min_trajectories: int) -> Figure:
    """Attention of correctly classified trajectories, aligned at their last frame, one line per outcome with its interval.

    Panel b, where the table has occlusion: what the log-odds of the own outcome lose when the frames around are hidden. The axis
    in hours follows from the table's frames and hours before the end; without hours there is none. Points on fewer than
    ``min_trajectories`` are not drawn. Where a curve has no interval at all the legend says why.
    """
    known = table[table["profile"].notna() & (table["n_trajectories"] >= min_trajectories)]
    if known.empty and (table["n_trajectories"] > 0).any():
        return reason_figure(SINGLE, 2.6, too_few(min_trajectories))
    if known.empty:
        return empty_figure(SINGLE, 2.6, "held out and correctly classified")
    occluded = known["occlusion"].notna().any()
    figure = new_figure(DOUBLE if occluded else SINGLE, 2.9)
    axes = figure.subplots(1, 2 if occluded else 1, squeeze=False)[0]
    _aligned_curves(axes[0], table, known, ("profile", "ci_low", "ci_high"), outcomes)
    axes[0].set_ylim(min(0, axes[0].get_ylim()[0]), max(1.02, axes[0].get_ylim()[1]))
    axes[0].set_ylabel("mean attention, scaled")
    if occluded:
        _aligned_curves(axes[1], table, known, ("occlusion", "occlusion_low", "occlusion_high"), outcomes)
        axes[1].axhline(0, color="black", linewidth=0.5, zorder=0)
        axes[1].set_ylabel("log-odds lost when hidden")
        for panel, letter in zip(axes, "ab", strict=True):
            panel_label(panel, letter)
    handles = outcome_handles(outcomes, set(known["outcome"]), min_trajectories) + least_handle(min_trajectories)
    handles += _without_interval(known, outcomes)
    figure.legend(handles=handles, loc="outside upper center", ncols=3 if occluded else 2)
    return figure


def _without_interval(known: pd.DataFrame, outcomes: dict[str, str]) -> list[Line2D]:
    """The legend's words for each drawn outcome that has no interval anywhere."""
    curves = {name: known[known["outcome"] == name] for name in outcomes.values()}
    bare = {name: own for name, own in curves.items() if len(own) and own["ci_low"].isna().all() and own["reason"].notna().any()}
    said = [f"{readable(name)}: no interval ({own['reason'].dropna().mode()[0]})" for name, own in bare.items()]
    return [Line2D([], [], linestyle="", label=words) for words in said]


def _aligned_curves(axes: Axes, table: pd.DataFrame, known: pd.DataFrame, columns: tuple[str, str, str], outcomes: dict[str, str]) -> None:
    """One line per outcome (value, lower and upper limit of ``columns``) against the frames before the end.

    Below are the counts of ``table``, of which the ``known`` rows are drawn.
    """
    value, low, high = columns
    first = -int(known["frames_before_end"].max())
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if -first <= 7 * step)
    ticks = list(range(-step * (-first // step), 1, step))
    counts = []
    for name, (color, marker) in outcome_styles(outcomes).items():
        one = known[known["outcome"] == name].sort_values("frames_before_end", ascending=False)
        x = -one["frames_before_end"].to_numpy(dtype=float)
        axes.plot(x, one[value].astype(float), color=color, marker=marker, markersize=1.8, label=readable(name))
        band(axes, x, one[low], one[high], color)
        of_all = table[table["outcome"] == name]
        n = dict(zip(-of_all["frames_before_end"], of_all["n_trajectories"], strict=True))
        counts.append(("n", color, {t: int(n.get(t, 0)) for t in ticks}))
    axes.set_xlim(first - 1.5, 1.5)
    axes.set_xticks(ticks)
    count_rows(axes, counts, "frames relative to the end of the trajectory")
    timed = known[(known["frames_before_end"] > 0) & known["hours_before_end"].notna()]
    hours_axis(axes, None if timed.empty else float((60 * timed["hours_before_end"] / timed["frames_before_end"]).median()), "hours")
