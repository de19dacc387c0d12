"""Figure 5: the features of the frames that count."""

from textwrap import fill as wrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cellfate.base.plot_style import (
    ANALYSED,
    COURSE_LABELS,
    DOUBLE,
    FONT,
    GREY,
    SMALL,
    empty_figure,
    empty_note,
    feature_label,
    new_figure,
    outcome_handle,
    outcome_styles,
    panel_label,
    readable,
    styled,
)
from cellfate.explanation.coverage import coverage_captions
from cellfate.statistics.courses import MIN_COURSE
from cellfate.statistics.effect_sizes import BANDS

BAND_SHADES = ("#FFFFFF", "#F1F1F1", "#E2E2E2", "#D0D0D0")
SIGNIFICANT = 0.05
BLOCKS = {"q_value": "q_block", "p_value": "p_block"}  # of the null by block, beside that by shift


@styled
def plot_effects(table: pd.DataFrame, outcomes: dict[str, str], *, high_by: str, coverage: pd.DataFrame | None = None) -> Figure:
    """Median Cliff's delta with its interval per feature and outcome, over the usual bands of effect sizes.

    Features as measured (a), less the course that all cells share (b) and less that of the same outcome (c); one panel where the table has
    only the first. A marker is filled where q < 0.05 (p where the table has no q) against both nulls, shifts and blocks, and the interval
    leaves out 0: where attention sits at the end of the trajectories and features drift, none alone keeps to its error rate. n per
    feature and outcome stands on the right.
    ``high_by`` says what made a frame high, attention or occlusion. ``coverage`` is the segmentation_coverage table, printed below; None
    where it is not known.
    """
    known = table[table["median_delta"].notna()]
    if known.empty:
        return empty_figure(DOUBLE, 2.6, f"{ANALYSED},\nwith measured features (section segmentation)")
    features = list(dict.fromkeys(known["feature"]))
    courses = [course for course in COURSE_LABELS if (table["course"] == course).any()]
    evidence = next((column for column in ("q_value", "p_value") if known[column].notna().any()), None)
    below = _without_interval(known, outcomes) + ([] if coverage is None else [readable(line) for line in coverage_captions(coverage)])
    figure = new_figure(DOUBLE, 1.45 + 0.27 * len(features) + 0.15 * len(below))
    panels = figure.subplots(1, len(courses), sharey=True, squeeze=False)[0]
    for axes, course, letter in zip(panels, courses, "abc", strict=False):
        _effects_panel(axes, known[known["course"] == course], features, outcomes, evidence)
        if len(courses) > 1:
            panel_label(axes, letter)
            axes.set_title(wrap(COURSE_LABELS[course], 32 if len(courses) == 2 else 24))
    panels[0].set_yticks(range(len(features)), [feature_label(feature) for feature in features])
    panels[0].set_ylim(len(features) - 0.45, -0.55)
    label = f"median Cliff's delta, high-{high_by} against low-{high_by} frames"
    figure.supxlabel("\n".join([label, *below]), fontsize=FONT)
    blocks = evidence is not None and known[BLOCKS[evidence]].notna().any()
    figure.legend(handles=_effect_handles(outcomes, evidence, blocks=blocks), loc="outside upper center", ncols=4, columnspacing=1.4)
    return figure


def _without_interval(known: pd.DataFrame, outcomes: dict[str, str]) -> list[str]:
    """A line for each drawn outcome that has no interval anywhere."""
    curves = {name: known[known["outcome"] == name] for name in outcomes.values()}
    bare = {name: own for name, own in curves.items() if own["ci_low"].isna().all() and own["reason"].notna().any()}
    return [f"{readable(name)}: no interval ({own['reason'].dropna().mode()[0]})" for name, own in bare.items()]


def _effects_panel(axes: Axes, known: pd.DataFrame, features: list[str], outcomes: dict[str, str], evidence: str | None) -> None:
    """The effects of one course; n to the right of the axes."""
    axes.tick_params(axis="y", length=0)
    if known.empty:
        axes.set_xticks([])
        return empty_note(axes, f"{MIN_COURSE} other cells of each outcome at the same time before the end")
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
    tests = [] if evidence is None else [evidence, *([BLOCKS[evidence]] if pd.notna(row[BLOCKS[evidence]]) else [])]
    strong = evidence is None or (clear and all(pd.notna(row[test]) and row[test] < SIGNIFICANT for test in tests))
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


def _effect_handles(outcomes: dict[str, str], evidence: str | None, *, blocks: bool) -> list:
    """Handles for a legend of four columns, filled column by column: outcomes and markers above the bands of effect sizes.

    ``blocks``: the null by block stands beside that by shift, and a filled marker has held against both.
    """
    shape = {"color": "black", "marker": "D", "linestyle": "", "markersize": 4}
    above: list = [outcome_handle(name, outcomes) for name in outcomes.values()]
    if evidence is None:
        above += [Line2D([], [], linestyle="", label=" ")] * 2
    else:
        against = " against shifts and blocks" if blocks else ""
        above.append(Line2D([], [], label=f"{evidence[0]} < {SIGNIFICANT}{against}, interval without 0", **shape))
        above.append(Line2D([], [], label="not all of it" if blocks else "not both", markerfacecolor="white", **shape))
    names = [f"{name} effect" for _, name in BANDS]
    bands = [Patch(facecolor=shade, edgecolor=GREY, linewidth=0.4, label=name) for name, shade in zip(names, BAND_SHADES, strict=True)]
    return [handle for pair in zip(above, bands, strict=True) for handle in pair]
