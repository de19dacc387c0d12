"""The figure of the states of tracked cells, drawn from its tables alone."""

from collections.abc import Mapping
from textwrap import fill as wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cellfate.base.plot_style import (
    DOUBLE,
    GREY,
    OKABE_ITO,
    SMALL,
    feature_label,
    new_figure,
    outcome_styles,
    panel_label,
    readable,
    shortened,
    styled,
)
from cellfate.states.chain import ALL, verdict_in_words
from cellfate.statistics.chains.checks import FAILS

COLUMNS = 3  # groups beside each other
LONGEST = 14  # letters of a fate's name below a matrix
TINY = 5.0  # points, in the cells of matrices
STATE_COLORS = [OKABE_ITO[name] for name in ("blue", "orange", "green", "purple", "sky", "vermillion", "black", "yellow")]
GROUP_STYLES = list(
    zip(
        [OKABE_ITO[name] for name in ("black", "sky", "purple", "green", "orange", "blue", "vermillion", "yellow")], "oD^vsP*X", strict=True
    )
)


@styled
def plot_states(
    profiles: pd.DataFrame, tables: Mapping[str, pd.DataFrame], outcomes: dict[str, str], frame_interval_min: float | None = None
) -> Figure:
    """States (a) and the entropy of each (b); for each group of recordings the matrix P with its fates (c), the probability of each
    fate from each state (d), and the Chapman-Kolmogorov check with its verdict in words (e).

    ``tables`` are those of :func:`cellfate.states.chain.tabulate_states` by their names.
    """
    groups = list(dict.fromkeys(tables["state_transitions"]["group"]))
    n_states = int(profiles["state"].max())
    columns, blocks = min(COLUMNS, len(groups)), -(-len(groups) // COLUMNS)
    heights = [1.0 + 0.22 * n_states, 1.25, 1.7]  # of the three rows of a group
    top_height = 0.85 + 0.22 * n_states
    figure = new_figure(DOUBLE, top_height + sum(heights) * blocks)
    top, below = figure.subfigures(2, 1, height_ratios=[top_height, sum(heights) * blocks])
    first, second = top.subplots(1, 2, width_ratios=[2.4, 1])
    _profiles(first, profiles)
    _entropies(second, tables["state_entropy"], groups)
    grid = below.add_gridspec(3 * blocks, columns, height_ratios=heights * blocks)
    panels = [first, second]
    for number, group in enumerate(groups):
        block, column = divmod(number, columns)
        matrix, fates, check = (below.add_subplot(grid[3 * block + row, column]) for row in range(3))
        own = {name: table[table["group"] == group] for name, table in tables.items()}
        _matrix(matrix, own["state_transitions"], outcomes, group)
        _absorption(fates, own["state_absorption"], n_states, outcomes, leftmost=column == 0)
        _check(check, own, frame_interval_min, leftmost=column == 0)
        panels += [matrix, fates, check] if number == 0 else []
    handles = [Line2D([], [], color=c, marker=m, linestyle="", label=readable(name)) for name, (c, m) in outcome_styles(outcomes).items()]
    below.legend(handles=handles, loc="outside upper center", ncols=2)
    for axes, letter in zip(panels, "abcde", strict=True):
        panel_label(axes, letter)
    return figure


def _profiles(axes: Axes, profiles: pd.DataFrame) -> None:
    """The mean of each feature in each state, in SD of the training frames."""
    wide = profiles.pivot(index="state", columns="feature", values="mean_sd")[list(dict.fromkeys(profiles["feature"]))]
    shades = LinearSegmentedColormap.from_list("sd", [OKABE_ITO["purple"], "#FFFFFF", OKABE_ITO["green"]])
    axes.imshow(wide, cmap=shades, vmin=-2, vmax=2, aspect="auto")
    for row, column in np.ndindex(wide.shape):
        axes.text(column, row, f"{wide.iloc[row, column]:+.1f}", ha="center", va="center", fontsize=SMALL)
    named = profiles.drop_duplicates("state").set_index("state")
    labels = [f"{state}: {named.at[state, 'description']} ({100 * named.at[state, 'share']:.0f} %)" for state in wide.index]
    axes.set_yticks(range(len(wide)), labels)
    names = [wrap(feature_label(name).replace(", mean intensity", " intensity"), 11, break_long_words=False) for name in wide.columns]
    axes.set_xticks(range(len(names)), names, fontsize=SMALL)
    axes.tick_params(length=0)
    axes.set_title("states: mean in SD of all training frames (share of these)")


def _entropies(axes: Axes, table: pd.DataFrame, groups: list[str]) -> None:
    """H of each state and overall, one marker per group."""
    sources = [*[name for name in dict.fromkeys(table["source"]) if name != ALL], ALL]
    for number, group in enumerate(groups):
        color, marker = GROUP_STYLES[number % len(GROUP_STYLES)]
        own = table[table["group"] == group].set_index("source").reindex(sources)
        _points(axes, np.arange(len(sources)) + 0.16 * (number - (len(groups) - 1) / 2), own, "entropy", color, marker, group)
    axes.set_xticks(range(len(sources)), sources)
    axes.set(xlabel="state", ylabel="nats", ylim=(0, None), title="entropy H")
    axes.set_ylim(0, axes.get_ylim()[1] / (1 - 0.085 * min(len(groups), 8)))  # room for the legend
    axes.legend(loc="upper left", fontsize=TINY + 0.5, handlelength=1, borderaxespad=0.1, labelspacing=0.2)


def _points(axes: Axes, x: np.ndarray, rows: pd.DataFrame, value: str, color: str, marker: str, label: str | None = None) -> None:
    """Markers with their intervals; rows without a value leave a gap."""
    y, low, high = (rows[name].to_numpy(float) for name in (value, "ci_low", "ci_high"))
    axes.vlines(x, low, high, color=color, linewidth=1.0)
    axes.plot(x, y, color=color, marker=marker, linestyle="", label=label, clip_on=False)


def _matrix(axes: Axes, table: pd.DataFrame, outcomes: dict[str, str], group: str) -> None:
    """P of one group: states in blue, fates in orange to the right of a line; a dash where nothing was counted."""
    states = list(dict.fromkeys(table["source"]))
    shown = [*states, *outcomes.values()]
    P = table.pivot(index="source", columns="target", values="probability").reindex(index=states, columns=shown).to_numpy(float)
    colors = np.ones((*P.shape, 3))
    for column in range(len(shown)):
        full = "blue" if column < len(states) else "vermillion"
        shade = LinearSegmentedColormap.from_list(full, ["#FFFFFF", OKABE_ITO[full]])
        strength = P[:, column] if column < len(states) else np.minimum(1, 5 * P[:, column])  # few cells reach a fate in one step
        colors[:, column] = shade(np.nan_to_num(strength))[:, :3]
    axes.imshow(colors, aspect="auto")
    for row, column in np.ndindex(P.shape):
        text = f"{P[row, column]:.3f}".removeprefix("0") if np.isfinite(P[row, column]) else "–"
        dark = np.nan_to_num(P[row, column]) * (1 if column < len(states) else 5) > 0.6
        axes.text(column, row, text, ha="center", va="center", fontsize=TINY, color="white" if dark else "black")
    axes.axvline(len(states) - 0.5, color="black", linewidth=0.8)
    axes.set_xticks(range(len(shown)), [*states, *(shortened(readable(name), LONGEST) for name in outcomes.values())], fontsize=SMALL)
    for label in axes.get_xticklabels()[len(states) :]:
        label.set(rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(states)), states)
    axes.tick_params(length=0)
    lag = int(table["lag"].iloc[0])
    axes.set_title(wrap(readable(group), 34), fontweight="bold")
    axes.set(xlabel=f"state or fate {lag} frame{'s' * (lag > 1)} later", ylabel="state")


def _absorption(axes: Axes, table: pd.DataFrame, n_states: int, outcomes: dict[str, str], leftmost: bool) -> None:
    states = [str(state) for state in range(1, n_states + 1)]
    axes.set(xlim=(-0.5, n_states - 0.5), ylim=(-0.03, 1.03), yticks=(0, 0.5, 1), xlabel="end in the fate, from state")
    axes.set_xticks(range(n_states), states)
    if leftmost:
        axes.set_ylabel("probability")
    if table.empty:
        axes.text(0.5, 0.5, "no cell is seen\nto reach a fate", ha="center", va="center", color=GREY, transform=axes.transAxes)
        return
    counts = table.drop_duplicates("fate").set_index("fate")["n_cells"]
    for side, (name, (color, marker)) in zip((-0.1, 0.1), outcome_styles(outcomes).items(), strict=True):
        own = table[table["fate"] == name].set_index("source").reindex(states)
        _points(axes, np.arange(n_states) + side, own, "probability", color, marker)
    for x, (name, (color, _)) in zip((0.3, 0.7), outcome_styles(outcomes).items(), strict=True):
        place = {"ha": "center", "va": "bottom", "fontsize": SMALL, "transform": axes.transAxes}
        axes.text(x, 1.04, f"{counts.get(name, 0)} cells", color=color, **place)
    if len(counts) == 1:
        axes.text(
            0.5, 0.5, "one fate seen:\n1 by construction", ha="center", va="center", color=GREY, fontsize=SMALL, transform=axes.transAxes
        )


def _check(axes: Axes, tables: Mapping[str, pd.DataFrame], frame_interval_min: float | None, leftmost: bool) -> None:
    """Staying in each state: lines by powers of P, points as counted, bars the sampling error of their difference; the verdict."""
    checks, entries = tables["state_checks"], tables["state_check_entries"]
    group = tables["state_transitions"]["group"].iloc[0]
    hours = None if frame_interval_min is None else frame_interval_min / 60
    staying = entries[entries["source"] == entries["target"]]
    one = tables["state_transitions"].query("source == target and probability.notna()").set_index("source")
    for number, (state, own) in enumerate(staying.groupby("source")):
        color = STATE_COLORS[(int(state) - 1) % len(STATE_COLORS)]
        start = [(0.0, 1.0), *([(float(one.at[state, "lag"]), float(one.at[state, "probability"]))] if state in one.index else [])]
        x = [place for place, _ in start] + own["lag"].tolist()
        y = [value for _, value in start] + own["predicted"].tolist()
        scale = hours or 1.0
        axes.plot(np.array(x) * scale, y, color=color, linewidth=0.9)
        shifted = own["lag"].to_numpy(float) * scale * (1 + 0.015 * (number - (staying["source"].nunique() - 1) / 2))
        middle = own["predicted"].to_numpy(float)
        axes.vlines(shifted, middle - own["ci_high"].to_numpy(float), middle - own["ci_low"].to_numpy(float), color=color, linewidth=0.9)
        axes.plot(shifted, own["counted"], color=color, marker="o", markersize=2.8, linestyle="", label=state)
    axes.set(ylim=(-0.02, 1.28), yticks=(0, 0.5, 1), xlabel="frames" if hours is None else "hours")
    if leftmost:
        axes.set_ylabel("same state")
    failed = (checks["verdict"] == FAILS).any()
    title = wrap(verdict_in_words(checks, group).replace(" %", "\u00a0%"), 37)
    axes.set_title(title, fontsize=SMALL, color=OKABE_ITO["vermillion"] if failed else "black", fontweight="bold" if failed else "normal")
    if len(staying):
        axes.legend(fontsize=SMALL, loc="upper right", ncols=6, handlelength=0.6, handletextpad=0.3, columnspacing=0.8, borderaxespad=0)
