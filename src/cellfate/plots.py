"""Figures 2 to 6: each function draws one figure from its tidy table; the outcomes' names come from the caller.

``outcomes`` is always the config's mapping ``{"negative": name, "positive": name}``. Tables are those of
:mod:`cellfate.tables`. A table without rows gives a figure that says so (n = 0).
"""

from collections.abc import Sequence
from textwrap import fill as wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cellfate.plot_style import (
    COURSE_LABELS,
    DOUBLE,
    FONT,
    GREY,
    OKABE_ITO,
    SINGLE,
    SMALL,
    band,
    count_rows,
    empty_figure,
    empty_note,
    feature_label,
    hours_axis,
    new_figure,
    outcome_styles,
    panel_label,
    readable,
    styled,
)
from cellfate.statistics import BANDS, MIN_COURSE

COHORT_LINES = {"all": ("-", "all that are long enough"), "fixed": ((0, (3, 2)), "fixed cohort")}
BAND_SHADES = ("#FFFFFF", "#F1F1F1", "#E2E2E2", "#D0D0D0")
SIGNIFICANT = 0.05
HIGH, LOW, OCCLUSION = OKABE_ITO["green"], "#AAAAAA", OKABE_ITO["purple"]
COMPOSITES = {1: ((1, 1, 1),), 2: ((1, 0, 1), (0, 1, 0)), 3: ((1, 0, 1), (1, 1, 0), (0, 1, 1))}
CONTRAST = (1.0, 99.7)  # percentiles of one channel over the crops of one trajectory


# ---- figure 2 ----


@styled
def plot_confusion(table: pd.DataFrame, outcomes: dict[str, str]) -> Figure:
    """Confusion matrix, normalised over the actual outcomes, counts in parentheses.

    ``table`` has one row per ``actual`` and ``predicted`` outcome with ``count`` and ``fraction``.
    """
    if table["count"].sum() == 0:
        return empty_figure(SINGLE, 2.6, "held out, with a known outcome")
    names = [outcomes["negative"], outcomes["positive"]]
    counts = table.pivot_table(index="actual", columns="predicted", values="count", aggfunc="sum").reindex(names, columns=names).fillna(0)
    fractions = counts.div(counts.sum(axis=1).replace(0, np.nan), axis=0)
    figure = new_figure(SINGLE, 2.7)
    axes = figure.subplots()
    shades = LinearSegmentedColormap.from_list("share", ["#FFFFFF", OKABE_ITO["blue"]])
    axes.imshow(fractions.fillna(0), cmap=shades, vmin=0, vmax=1)
    for row, column in np.ndindex(2, 2):
        share, count = fractions.iloc[row, column], int(counts.iloc[row, column])
        text = f"{share:.3f}\n({count})" if np.isfinite(share) else f"-\n({count})"
        axes.text(column, row, text, ha="center", va="center", fontsize=9, color="white" if share > 0.6 else "black")
    labels = [wrap(readable(name), 16) for name in names]
    axes.set_xticks([0, 1], labels)
    axes.set_yticks([0, 1], [f"{label}\nn = {int(n)}" for label, n in zip(labels, counts.sum(axis=1), strict=True)])
    axes.tick_params(length=0)
    axes.set(xlabel="predicted outcome", ylabel="actual outcome")
    for spine in axes.spines.values():
        spine.set_visible(True)
    return figure


# ---- figure 3 ----


@styled
def plot_truncation(
    truncation: pd.DataFrame, last_k: pd.DataFrame, outcomes: dict[str, str], frame_interval_min: float | None = None
) -> Figure:
    """Balanced accuracy (a, b) and recall per outcome (c, d) without the last n frames (a, c) and with only the last k (b, d).

    Both are metrics tables of one scope; bands are their intervals. ``frame_interval_min`` gives the axis in hours.
    """
    if not (_has_values(truncation) or _has_values(last_k)):
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
            if _has_values(table):
                hours_axis(axes, frame_interval_min, hours)
    panels[0, 0].set_ylabel("balanced accuracy")
    panels[1, 0].set_ylabel("recall")
    panels[0, 0].set_ylim(bottom=min(0.4, panels[0, 0].get_ylim()[0]), top=1.02)
    panels[1, 0].set_ylim(-0.02, 1.02)
    cohorts = [c for c in COHORT_LINES if (truncation["cohort"] == c).any() or (last_k["cohort"] == c).any()]
    handles = [Line2D([], [], color="black", linestyle=COHORT_LINES[c][0], label=COHORT_LINES[c][1]) for c in cohorts]
    handles += [_outcome_handle(name, outcomes) for name in outcomes.values()]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, columnspacing=1.4)
    return figure


def _has_values(table: pd.DataFrame) -> bool:
    return bool(table["value"].notna().any())


def _outcome_handle(name: str, outcomes: dict[str, str]) -> Line2D:
    color, marker = outcome_styles(outcomes)[name]
    return Line2D([], [], color=color, marker=marker, label=readable(name))


def _accuracy_panel(axes: Axes, rows: pd.DataFrame, xlabel: str) -> None:
    if not _has_values(rows):
        return empty_note(axes, "this length, with a known outcome")
    _curves(axes, rows, OKABE_ITO["black"], "o")
    axes.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    _name_chance(axes, rows)
    names = {"all": "n", "fixed": "fixed n"}
    shown = [cohort for cohort in names if _has_values(rows[rows["cohort"] == cohort])]
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
    if not _has_values(rows):
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


# ---- figure 4 ----


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
    figure.legend(handles=[_outcome_handle(name, outcomes) for name in outcomes.values()], loc="outside upper center", ncols=2)
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


# ---- figure 5 ----


@styled
def plot_effects(table: pd.DataFrame, outcomes: dict[str, str], *, frames: str) -> Figure:
    """Median Cliff's delta with its interval per feature and outcome, over the usual bands of effect sizes.

    Features as measured (a) and less the course that all cells share (b); one panel where the table has only the first. A marker
    is filled where q < 0.05 (p where the table has no q) and the interval leaves out 0: where attention sits at the end of the
    trajectories and features drift, neither alone keeps to its error rate. n per feature and outcome stands on the right.
    ``frames`` says what made a frame high, attention or occlusion.
    """
    known = table[table["median_delta"].notna()]
    if known.empty:
        return empty_figure(DOUBLE, 2.6, "held out, correctly classified and long enough, with measured features")
    features = list(dict.fromkeys(known["feature"]))
    courses = [course for course in COURSE_LABELS if (table["course"] == course).any()]
    evidence = next((column for column in ("q_value", "p_value") if known[column].notna().any()), None)
    figure = new_figure(DOUBLE, 1.45 + 0.27 * len(features))
    panels = figure.subplots(1, len(courses), sharey=True, squeeze=False)[0]
    for axes, course, letter in zip(panels, courses, "ab", strict=False):
        _effects_panel(axes, known[known["course"] == course], features, outcomes, evidence)
        if len(courses) > 1:
            panel_label(axes, letter)
            axes.set_title(wrap(COURSE_LABELS[course], 32))
    panels[0].set_yticks(range(len(features)), [feature_label(feature) for feature in features])
    panels[0].set_ylim(len(features) - 0.45, -0.55)
    figure.supxlabel(f"median Cliff's delta, high-{frames} against low-{frames} frames", fontsize=FONT)
    figure.legend(handles=_effect_handles(outcomes, evidence), loc="outside upper center", ncols=4, columnspacing=1.4)
    return figure


def _effects_panel(axes: Axes, known: pd.DataFrame, features: list[str], outcomes: dict[str, str], evidence: str | None) -> None:
    """The effects of one course; n to the right of the axes."""
    axes.tick_params(axis="y", length=0)
    if known.empty:
        axes.set_xticks([])
        return empty_note(axes, f"{MIN_COURSE} other cells of each outcome\nat the same time before the end")
    _effect_bands(axes)
    place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "ha": "center", "va": "center", "fontsize": SMALL}
    for side, (name, (color, marker)) in zip((-1, 1), outcome_styles(outcomes).items(), strict=True):
        rows = known[known["outcome"] == name].set_index("feature")
        right = (11 if side < 0 else 30, 0)  # points
        axes.annotate("n", (1, -0.85), right, color=color, annotation_clip=False, **place)
        for row, feature in enumerate(features):
            if feature in rows.index:
                _effect(axes, rows.loc[feature], row + 0.17 * side, color, marker, evidence)
            axes.annotate(str(int(rows["n_trajectories"].get(feature, 0))), (1, row), right, color=color, annotation_clip=False, **place)
    axes.set(xlim=(-1, 1), xticks=(-1, -0.5, 0, 0.5, 1))
    return None


def _effect(axes: Axes, row: pd.Series, y: float, color: str, marker: str, evidence: str | None) -> None:
    bounded = pd.notna(row["ci_low"]) and pd.notna(row["ci_high"])
    clear = bounded and (row["ci_low"] > 0 or row["ci_high"] < 0)
    strong = evidence is None or (clear and pd.notna(row[evidence]) and row[evidence] < SIGNIFICANT)
    if bounded:
        axes.plot([row["ci_low"], row["ci_high"]], [y, y], color=color, linewidth=1.4, solid_capstyle="butt")
    axes.plot(row["median_delta"], y, color=color, marker=marker, markersize=4.6, markerfacecolor=color if strong else "white", zorder=3)


def _effect_bands(axes: Axes) -> None:
    low = 0.0
    for (edge, _), shade in zip(BANDS, BAND_SHADES, strict=True):
        for sign in (-1, 1):
            axes.axvspan(sign * low, sign * min(edge, 1.0), color=shade, linewidth=0, zorder=0)
        low = edge
    axes.axvline(0, color=GREY, linewidth=0.6)


def _effect_handles(outcomes: dict[str, str], evidence: str | None) -> list:
    """Handles for a legend of four columns, filled column by column: outcomes and markers above the bands of effect sizes."""
    shape = {"color": "black", "marker": "D", "linestyle": "", "markersize": 4}
    above: list = [_outcome_handle(name, outcomes) for name in outcomes.values()]
    if evidence is None:
        above += [Line2D([], [], linestyle="", label=" ")] * 2
    else:
        above.append(Line2D([], [], label=f"{evidence[0]} < {SIGNIFICANT}, interval without 0", **shape))
        above.append(Line2D([], [], label="not both", markerfacecolor="white", **shape))
    names = [f"{name} effect" for _, name in BANDS]
    bands = [Patch(facecolor=shade, edgecolor=GREY, linewidth=0.4, label=name) for name, shade in zip(names, BAND_SHADES, strict=True)]
    return [handle for pair in zip(above, bands, strict=True) for handle in pair]


# ---- figure 6 ----


@styled
def plot_examples(table: pd.DataFrame, crops: np.ndarray, channels: Sequence[str], outcomes: dict[str, str]) -> Figure:
    """Example trajectories: crops with high (green, thick frame) and low attention above the attention over the whole trajectory.

    A line over the bars, on its own axis, is the occlusion where the table has it: log-odds of the own outcome that are lost
    without the frames around. ``table`` is the examples table, one row per trajectory and frame; ``position`` is the row of
    ``crops`` (K, C, S, S) for the frames that are shown and null for the others. One channel is drawn in grey, more as a
    composite of the first three.
    """
    if not table["position"].notna().any():
        return empty_figure(DOUBLE, 2.4, "held out, correctly classified and long enough")
    examples = [rows.sort_values("frame") for _, rows in table.groupby("trajectory", sort=False) if rows["position"].notna().any()]
    columns = max(int(rows["position"].notna().sum()) for rows in examples)
    side = (DOUBLE - 0.6) / columns  # inches
    figure = new_figure(DOUBLE, 0.45 + len(examples) * (side + 1.35))
    parts = figure.subfigures(len(examples), 1, squeeze=False)[:, 0]
    for part, rows in zip(parts, examples, strict=True):
        _example(part, rows, crops, columns, side, outcomes)
    handles = _example_handles(channels, occluded=table["occlusion"].notna().any())
    figure.legend(handles=handles, loc="outside lower center", ncols=6, columnspacing=1.4, handlelength=1.2)
    return figure


def _example(part: Figure, rows: pd.DataFrame, crops: np.ndarray, columns: int, side: float, outcomes: dict[str, str]) -> None:
    shown = rows[rows["position"].notna()]
    images = composite(crops[shown["position"].to_numpy(dtype=int)])
    grid = GridSpec(2, columns, figure=part, height_ratios=(side, 0.62))
    color = outcome_styles(outcomes)[rows["outcome"].iloc[0]][0]
    part.suptitle(f"{readable(rows['outcome'].iloc[0])}, {rows['trajectory'].iloc[0]}", x=0.01, ha="left", fontsize=7.5, color=color)
    for column, (image, (_, row)) in enumerate(zip(images, shown.iterrows(), strict=True)):
        axes = part.add_subplot(grid[0, column])
        axes.imshow(image, interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.set_title(_hours(-float(row["hours_before_end"])), fontsize=SMALL, pad=3)
        for spine in axes.spines.values():
            spine.set(visible=True, color=HIGH if row["group"] == "high" else LOW, linewidth=2.2 if row["group"] == "high" else 1.0)
    _attention_curve(part.add_subplot(grid[1, :]), rows, shown)


def _hours(hours: float) -> str:
    return f"{hours:.1f} h".replace("-0.0", "0").replace(".0 ", " ").replace("-", "−")


def _attention_curve(axes: Axes, rows: pd.DataFrame, shown: pd.DataFrame) -> None:
    hours = -rows["hours_before_end"].astype(float)
    step = float(np.median(np.diff(hours))) if len(rows) > 1 else 1.0
    axes.bar(hours, rows["scaled"].astype(float), width=step, color=np.where(rows["group"] == "high", HIGH, LOW), linewidth=0)
    axes.plot(-shown["hours_before_end"].astype(float), np.full(len(shown), 1.12), "v", color="black", markersize=2.6, clip_on=False)
    axes.set(
        ylim=(0, 1.08), xlim=(hours.min() - step, hours.max() + step), yticks=[0, 1], xlabel="hours relative to the end of the trajectory"
    )
    axes.set_ylabel("attention", labelpad=2)
    if rows["occlusion"].notna().any():
        lost = axes.twinx()
        lost.plot(hours, rows["occlusion"].astype(float), color=OCCLUSION, linewidth=1.2)
        lost.axhline(0, color=OCCLUSION, linewidth=0.4, linestyle=":")
        lost.set_ylabel("log-odds lost", labelpad=2, color=OCCLUSION)
        lost.tick_params(axis="y", colors=OCCLUSION)
        lost.spines["right"].set(visible=True, color=OCCLUSION)
        lost.locator_params(axis="y", nbins=3)


def composite(crops: np.ndarray) -> np.ndarray:
    """Crops (K, C, S, S) of one trajectory as colour images (K, S, S, 3) in 0..1; contrast is per channel, over all K.

    Up to three channels are overlaid by screen blending: magenta, yellow, cyan for three, magenta and green for two.
    Pixels that are 0 in all channels (outside of the recorded image) do not count for the contrast.
    """
    used = crops[:, :3].astype(float)
    inside = used.any(axis=1)
    values = used.transpose(0, 2, 3, 1)[inside if inside.any() else ~inside]
    low, high = np.percentile(values, CONTRAST, axis=0)[:, None, :, None, None]
    scaled = np.clip((used - low) / np.maximum(high - low, 1e-9), 0, 1)
    colors = np.array(COMPOSITES[used.shape[1]], dtype=float)
    dark = np.ones((len(used), *used.shape[2:], 3))
    for index, color in enumerate(colors):
        dark *= 1 - scaled[:, index, :, :, None] * color
    return 1 - dark


def _example_handles(channels: Sequence[str], occluded: bool) -> list[Patch | Line2D]:
    used = list(channels)[:3]
    handles = [
        Patch(facecolor="white", edgecolor=HIGH, linewidth=2.0, label="high attention"),
        Patch(facecolor="white", edgecolor=LOW, linewidth=1.0, label="low attention"),
    ]
    if occluded:
        handles.append(Line2D([], [], color=OCCLUSION, linewidth=1.2, label="log-odds lost when hidden"))
    colors = COMPOSITES[len(used)] if len(used) > 1 else ((0.6, 0.6, 0.6),)
    return handles + [Patch(facecolor=c, edgecolor="black", linewidth=0.3, label=readable(n)) for c, n in zip(colors, used, strict=True)]
