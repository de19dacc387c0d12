"""The look that all figures share: sizes of a two-column paper, fonts, colours for every kind of colour vision."""

import functools
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from textwrap import wrap
from typing import ParamSpec

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cellfate.base.files import replacing
from cellfate.base.software import SOFTWARE

SINGLE, DOUBLE = 3.4, 7.0  # inches: one column, both columns
FONT, SMALL = 7.5, 6.0  # points
PNG_DPI = 200
MOST_TICKS = 7  # of a short axis
LAYOUT_PASSES = 4  # at most; ticks change with the places, and places with the ticks

# Okabe and Ito (2008), https://jfly.uni-koeln.de/color/
OKABE_ITO = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
}
P = ParamSpec("P")
REASON = "reason"  # of a panel that stays empty
GREY = "#777777"
COURSE_LABELS = {  # of features
    "kept": "as measured",
    "removed": "relative to other cells at the same time before the end",
    "own": "relative to cells of the same outcome at that time",
}
ROLE_STYLE = {"negative": (OKABE_ITO["vermillion"], "s"), "positive": (OKABE_ITO["blue"], "o")}

# which trajectories figures 5 and 6 are of, with the settings that decide it
ANALYSED = "held out (attention.splits, evaluation.treatment),\ncorrectly classified and long enough (statistics.min_frames)"

RC = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": FONT,
    "axes.titlesize": FONT,
    "axes.labelsize": FONT,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.2,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "savefig.dpi": PNG_DPI,
}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Run a plotting function with the settings of this module and leave the caller's settings alone.

    The layout is settled once, so that all files of the figure show the same and saving again changes nothing.
    """

    @functools.wraps(draw)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with matplotlib.rc_context(RC):
            figure = draw(*args, **kwargs)
            settle(figure)
            return figure

    return wrapped


def settle(figure: Figure) -> None:
    """Lay the figure out until nothing moves, then keep it so."""
    _wrap_reasons(figure)
    before = None
    for _ in range(LAYOUT_PASSES):
        figure.draw_without_rendering()
        places = np.array([axes.get_position().bounds for axes in figure.axes])
        if before is not None and np.allclose(places, before, atol=1e-3):
            break
        before = places
    figure.set_layout_engine("none")


def _wrap_reasons(figure: Figure) -> None:
    """Break the lines of reasons that are wider than their panel, whose width is known once it is laid out."""
    notes = [text for axes in figure.axes for text in axes.texts if text.get_gid() == REASON]
    if notes:
        figure.draw_without_rendering()
    for note in notes:
        lines = note.get_text().split("\n")
        fits = 0.94 * note.axes.get_window_extent().width / note.get_window_extent().width
        if fits < 1:
            most = max(8, int(fits * max(map(len, lines))))
            note.set_text("\n".join(part for line in lines for part in wrap(line, most)))


def new_figure(width: float, height: float) -> Figure:
    """An empty figure in inches that is drawn without a screen and lays itself out."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, pdf: str | Path, png: str | Path) -> None:
    """Write the figure as PDF (fonts embedded) and PNG (200 dpi). The program is named; equal figures give equal bytes: no dates."""
    with matplotlib.rc_context(RC):
        with replacing(pdf) as temporary:
            figure.savefig(temporary, format="pdf", metadata={"CreationDate": None, "Producer": None, "Creator": SOFTWARE})
        with replacing(png) as temporary:
            figure.savefig(temporary, format="png", dpi=PNG_DPI, metadata={"Software": SOFTWARE})


def empty_figure(width: float, height: float, meets: str) -> Figure:
    """The figure of a table without rows: ``meets`` says which conditions no trajectory meets."""
    return reason_figure(width, height, f"no trajectory meets\n{meets}\nn = 0")


def reason_figure(width: float, height: float, reason: str) -> Figure:
    """The figure of which nothing can be drawn, with the reason."""
    figure = new_figure(width, height)
    axes = figure.subplots()
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color("#BBBBBB")
    reason_note(axes, reason)
    return figure


def empty_note(axes: Axes, meets: str) -> None:
    """Write into an axes that no trajectory meets the conditions, with n = 0."""
    reason_note(axes, f"no trajectory meets\n{meets}\nn = 0")


def reason_note(axes: Axes, reason: str) -> None:
    """Write into an axes why nothing is drawn there."""
    axes.set_xticks([])
    axes.tick_params(axis="y", left=False, labelleft=False)  # other panels may share the ticks themselves
    axes.text(0.5, 0.5, reason, ha="center", va="center", color=GREY, fontsize=SMALL, transform=axes.transAxes, gid=REASON).set_in_layout(
        False
    )


def too_few(least: int) -> str:
    """Why a panel is empty whose every point stands on fewer than ``least`` trajectories."""
    return f"every point stands on fewer than {least} trajectories\n(figures.min_trajectories)"


def least_handle(least: int) -> list[Line2D]:
    """The legend's words for the number of trajectories below which no point is drawn; none where every point is."""
    return [Line2D([], [], linestyle="", label=f"every point: {least} or more trajectories")] if least > 1 else []


def outcome_styles(outcomes: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Outcome name -> (colour, marker), in the order negative, positive."""
    return {outcomes[role]: style for role, style in ROLE_STYLE.items()}


def readable(name: str) -> str:
    """A name from the config or a table as words: ``no_event_by_end`` is "no event by end"."""
    return name.replace("_", " ")


def feature_label(feature: str) -> str:
    """The words for a feature's column name; ``intensity_mean-p53`` is "p53, mean intensity"."""
    known = {"equivalent_diameter_area": "equivalent diameter", "n_neighbors": "number of neighbours"}
    if feature.startswith("intensity_mean-"):
        return f"{readable(feature.removeprefix('intensity_mean-'))}, mean intensity"
    return known.get(feature, readable(feature))


def panel_label(axes: Axes, letter: str) -> None:
    """A bold letter left above the axes."""
    offset = {"xytext": (-26, 4), "textcoords": "offset points"}
    axes.annotate(letter, (0, 1), xycoords="axes fraction", ha="left", va="bottom", fontsize=9, fontweight="bold", **offset)


def hours_axis(axes: Axes, frame_interval_min: float | None, label: str) -> None:
    """A second axis on top in hours. Without a common frame interval (None) there is none."""
    if frame_interval_min is None:
        return
    hours = frame_interval_min / 60
    top = axes.secondary_xaxis("top", functions=(lambda frames: frames * hours, lambda values: values / hours))
    top.set_xlabel(label)
    top.spines["top"].set_visible(True)


def ticks_at_points(axes: Axes, xs: Iterable[float]) -> None:
    """Ticks of the x axis where the points of its curves are, every second (third, ...) where there are many."""
    points = sorted(set(xs))
    axes.set_xticks(points[:: -(-len(points) // MOST_TICKS)])


def band(axes: Axes, x: np.ndarray, low: pd.Series, high: pd.Series, color: str, alpha: float = 0.18) -> None:
    """An interval as a shaded band; points without an interval leave a gap."""
    axes.fill_between(x, low.astype(float), high.astype(float), color=color, alpha=alpha, linewidth=0)


def count_rows(axes: Axes, rows: Sequence[tuple[str, str, dict[float, int]]], xlabel: str) -> None:
    """Slim rows of counts below the tick labels, then the axis label.

    Each row is (name, colour, {x: count}). Where the counts stand too close, every second (third, ...) one is written, and none
    beside the axis, where nothing is drawn.
    """
    size, line = 5.5, 7.5  # points
    low, high = sorted(axes.get_xlim())  # an axis may run backwards
    points_per_unit = _panel_points(axes) / (high - low)
    for index, (name, color, all_counts) in enumerate(rows):
        counts = {x: count for x, count in all_counts.items() if low <= x <= high}
        place = {"textcoords": "offset points", "ha": "center", "va": "top", "fontsize": size, "color": color, "annotation_clip": False}
        down = -14.5 - line * index
        for x in every_nth(counts, digits_width=0.62 * size, points_per_unit=points_per_unit):
            axes.annotate(str(counts[x]), (x, 0), xycoords=("data", "axes fraction"), xytext=(0, down), **place)
        axes.annotate(name, (0, 0), xycoords="axes fraction", xytext=(-10, down), **(place | {"ha": "right"}))
    axes.set_xlabel(xlabel, labelpad=2.5 + line * len(rows))


def every_nth(counts: dict[float, int], digits_width: float, points_per_unit: float) -> list[float]:
    """The x positions whose counts fit beside each other, in points; the first is always among them."""
    xs = sorted(counts)
    if len(xs) < 2:
        return xs
    widest = max(len(str(counts[x])) for x in xs) * digits_width + 4
    gap = float(np.diff(xs).min()) * points_per_unit
    return xs[:: max(1, int(np.ceil(widest / gap)))]


def _panel_points(axes: Axes) -> float:
    """About how wide a panel of a grid will be, in points, before the layout is known."""
    columns = axes.get_subplotspec().get_gridspec().ncols
    return (axes.figure.get_figwidth() / columns - 0.55) * 72


def has_values(table: pd.DataFrame) -> bool:
    return bool(table["value"].notna().any())


def outcome_handle(name: str, outcomes: dict[str, str]) -> Line2D:
    color, marker = outcome_styles(outcomes)[name]
    return Line2D([], [], color=color, marker=marker, label=readable(name))


def outcome_handles(outcomes: dict[str, str], drawn: Collection[str], least: int) -> list[Line2D]:
    """Of each outcome its line, or, where none is among those ``drawn``, that it stands on fewer than ``least`` trajectories."""
    return [
        outcome_handle(name, outcomes) if name in drawn else Line2D([], [], linestyle="", label=f"{readable(name)}: n < {max(least, 1)}")
        for name in outcomes.values()
    ]


def shortened(name: str, length: int = 9) -> str:
    """A name that fits: long ones without their middle, as names of cells often differ at the end."""
    end = (length - 1) // 2
    return name if len(name) <= length else f"{name[: length - 1 - end]}…{name[len(name) - end :]}"
