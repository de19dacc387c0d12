"""docs/benchmarks.md and its figure, from the tables of the steps."""

import ast
import sys
from importlib.metadata import version
from math import isnan
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from benchmarks.speed import STEPS
from benchmarks.speed.measure import Point, Row, Share
from cellfate.base.plot_style import GREY, OKABE_ITO, RC

PACKAGES = ("numpy", "scipy", "tifffile", "imagecodecs", "h5py", "hdf5plugin", "torch", "cellpose", "lightning")
CORES = 16
AXES = ("frames", "cells", "recordings")
MARKERS = dict(zip(AXES, "os^", strict=True))
COLUMNS = 3  # of the figure
COLOURS = [colour for name, colour in OKABE_ITO.items() if name != "yellow"]


def in_words(record: Row | Point | Share) -> str:
    """One line for the terminal."""
    if isinstance(record, Row):
        if record.note.startswith("unmeasured"):
            return f"{record.step}: {record.what}, {record.input}: {record.note}"
        verdict = {True: "reached", False: "MISSED", None: ""}[record.reached]
        words = (
            f"{record.step}: {record.what}, {record.input}: {amount(record.published, record.unit)} / {amount(record.ours, record.unit)}"
        )
        return (
            f"{words} = {number(record.ratio)} (bound {number(record.published / record.bound)}) {goals(record)} {verdict} {record.equal}"
        )
    if isinstance(record, Point):
        return f"{record.step}: {record.size:g} {record.axis}, {record.way}: {amount(record.seconds)}"
    return f"{record.step}: {record.count} x {record.unit} at {amount(record.seconds)}"


def amount(value: float, unit: str = "s") -> str:
    """A time or size with three digits and its unit; a dash for nan."""
    if isnan(value):
        return "-"
    if unit != "s":
        return f"{number(value)} {unit}"
    if value < 0.1:
        return f"{number(1000 * value)} ms"
    return f"{number(value)} s" if value < 600 else f"{number(value / 60)} min" if value < 36000 else f"{number(value / 3600)} h"


def number(value: float) -> str:
    if isnan(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def goals(row: Row) -> str:
    """What the row is to reach, in words; those of several goals that are missed say so."""
    of_bound = row.ours / row.bound
    words = [
        (f"at least {row.ratio_goal:g}x", row.ratio < row.ratio_goal, row.ratio_goal),
        (f"within {row.bound_goal:g}x of the bound", of_bound > row.bound_goal, row.bound_goal),
        (f"at most {amount(row.ours_goal, row.unit)}", row.ours > row.ours_goal, row.ours_goal),
    ]
    return "; ".join(f"{text}{' (missed)' * missed}" for text, missed, goal in words if not isnan(goal))


def write(results: list[Path], path: Path, figure: Path) -> None:
    """Write the page and its figure from the tables of all steps that have been measured."""
    rows, points, shares = (_read(results, kind, made) for kind, made in (("rows", Row), ("growth", Point), ("full_run", Share)))
    here, on_gpu = ([point for point in points if (point.device == "cuda") == gpu] for gpu in (False, True))
    if here:
        _draw(here, figure)
    text = [HEAD, _provenance(results), *(_section(step, [row for row in rows if row.step == step]) for step in STEPS)]
    path.write_text("\n\n".join(part for part in [*text, _growth(here, on_gpu, figure), _full_run(shares)] if part) + "\n")
    print(f"written: {path}", file=sys.stderr)


HEAD = """# Speed and memory, beside the published way

Written by `make bench`, which runs every step twice on the same input: the published way, restated from its description, and ours. Each
step checks that both give the same result. Times are processor time of one thread, the ways taking turns, the shortest of a few, unless
a note says otherwise; memory is the peak above what the process had before. *Bound* is the ratio that the best possible program would
have, where one can be named."""


def _files(results: list[Path], kind: str) -> list[tuple[str, Path]]:
    """The steps and their tables, from all machines."""
    return [(step, file) for step in STEPS for folder in results if (file := folder / f"{step}.{kind}.tsv").exists()]


def _read(results: list[Path], kind: str, made: type) -> list:
    names = list(made.__dataclass_fields__)
    tables = [pd.read_csv(file, sep="\t", keep_default_na=False, dtype={"commit": str}) for _, file in _files(results, kind)]
    floats = [name for name in names if made.__dataclass_fields__[name].type in (float, "float")]
    return [
        made(**{name: float(record[name] or "nan") if name in floats else record[name] for name in names})
        for table in tables
        for record in table.to_dict("records")
    ]


def _provenance(results: list[Path]) -> str:
    tables = [(step, pd.read_csv(file, sep="\t", dtype={"commit": str})) for step, file in _files(results, "rows")]
    lines = ["| measured on | date, commit | steps |", "|---|---|---|"]
    where: dict[tuple, list[str]] = {}
    for step, table in tables:
        where.setdefault((table["machine"].iloc[0], table["date"].iloc[0], table["commit"].iloc[0]), []).append(step)
    lines += [f"| {machine} | {date}, {commit} | {', '.join(steps)} |" for (machine, date, commit), steps in where.items()]
    return "\n".join([*lines, "", ", ".join(f"{name} {version(name)}" for name in PACKAGES) + "."])


def _docstring(step: str) -> str:
    return ast.get_docstring(ast.parse((Path(__file__).parent / f"{step}.py").read_text()))


def _title(step: str) -> str:
    return _docstring(step).splitlines()[0].rstrip(".")


def _section(step: str, rows: list[Row]) -> str:
    if any(row.device == "cuda" and not row.note.startswith("unmeasured") for row in rows):
        rows = [row for row in rows if not row.note.startswith("unmeasured")]  # another machine measured them
    body = _docstring(step).partition("\n\n")[2]
    if not rows:
        return f"## {_title(step)}\n\n{body}\n\nNot measured yet."
    lines = [
        "| what | input | published | ours | ratio | bound | to reach | | results | memory, published / ours |",
        "|---|---|--:|--:|--:|--:|---|---|---|--:|",
    ]
    for row in rows:
        verdict = {True: "reached", False: "**missed**", None: ""}[row.reached]
        unmeasured = row.note.startswith("unmeasured")
        memory = "" if isnan(row.ours_mb) else f"{number(row.published_mb)} / {number(row.ours_mb)} MB"
        cells = [
            f"{row.what}{' (GPU)' if row.device == 'cuda' else ''}",
            row.input,
            amount(row.published, row.unit),
            amount(row.ours, row.unit),
            f"**{number(row.ratio)}**",
            number(row.published / row.bound),
            goals(row),
            "unmeasured" if unmeasured else verdict,
            row.equal,
            memory,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    notes = list(dict.fromkeys(f"- {row.what}, {row.input}: {row.note}" for row in rows if row.note))
    return "\n\n".join(part for part in (f"## {_title(step)}", body, "\n".join(lines), "\n".join(notes)) if part)


def _growth(points: list[Point], on_gpu: list[Point], figure: Path) -> str:
    if not points:
        return ""
    gpu = ["On a GPU, with the paper's network, where calls of a few milliseconds do not grow:", _exponents(on_gpu)] if on_gpu else []
    return "\n\n".join(
        [
            "## Growth",
            f"![Time against frames, cells and recordings](images/{figure.name})",
            "*Frames* are those of a recording, or of the longest trajectory; *cells* those of a frame, or trajectories. Recordings are "
            "jobs of their own up to the segmentation: their times add up, as those of the crops do. The segmentation of the most cells "
            "is that of the whole frame.",
            "Time grows with the size to the power of:",
            _exponents(points),
            *gpu,
        ]
    )


def _lines(points: list[Point]) -> dict[tuple[str, str, str], list[Point]]:
    """The points of one line of the figure, by axis, step and way, in the order of their size."""
    lines: dict[tuple[str, str, str], list[Point]] = {}
    for point in sorted(points, key=lambda point: point.size):
        lines.setdefault((point.axis, point.step, point.way), []).append(point)
    return lines


def _exponents(points: list[Point]) -> str:
    """How steep each line is: 1 is proportional to the size."""
    rows = ["| step | against | from - to | published | ours |\n|---|---|---|--:|--:|"]
    lines = _lines(points)
    for axis, step in sorted({(axis, step) for axis, step, _ in lines}, key=lambda line: (STEPS.index(line[1]), AXES.index(line[0]))):
        slopes = [_slope(lines.get((axis, step, way), [])) for way in ("published", "ours")]
        sizes = [point.size for way in ("published", "ours") for point in lines.get((axis, step, way), [])]
        rows.append(f"| {_title(step)} | {axis} | {min(sizes):g} - {max(sizes):g} | " + " | ".join(slopes) + " |")
    return "\n".join(rows)


def _slope(line: list[Point]) -> str:
    if len(line) < 2:
        return "-"
    return f"{np.polyfit(np.log([point.size for point in line]), np.log([point.seconds for point in line]), 1)[0]:.2f}"


def _draw(points: list[Point], figure: Path) -> None:
    """Time against size on log axes, a panel for each step, a colour for each axis."""
    lines = _lines(points)
    steps = [step for step in STEPS if any(step == drawn for _, drawn, _ in lines)]
    colours = dict(zip(AXES, COLOURS, strict=False))
    rows = -(-len(steps) // COLUMNS)
    with plt.rc_context(RC):
        drawn, panels = plt.subplots(rows, COLUMNS, figsize=(10, 2.9 * rows + 0.6), squeeze=False, layout="constrained")
        for panel, step in zip(panels.flat, steps, strict=False):
            for (axis, of, way), line in lines.items():
                if of == step:
                    style = {"linestyle": "-" if way == "ours" else "--", "marker": MARKERS[axis], "markersize": 4}
                    panel.plot([point.size for point in line], [point.seconds for point in line], color=colours[axis], **style)
            sizes = [point.size for point in points if point.step == step]
            panel.set(xscale="log", yscale="log", title=_title(step), xlim=(min(sizes) / 1.3, max(sizes) * 1.3))
            for side in (panel.xaxis, panel.yaxis):
                side.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=5))
                side.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
                side.set_minor_locator(NullLocator())
        for panel in panels.flat[len(steps) :]:
            panel.set_axis_off()
        drawn.supylabel("time (s)")
        drawn.supxlabel("number of frames, cells or recordings")
        handles = [Line2D([], [], color=colours[axis], marker=MARKERS[axis], markersize=4, label=axis) for axis in AXES]
        handles += [Line2D([], [], color=GREY, linestyle=style, label=way) for way, style in (("published", "--"), ("ours", "-"))]
        drawn.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)
        figure.parent.mkdir(parents=True, exist_ok=True)
        drawn.savefig(figure, dpi=150)
        plt.close(drawn)


def _full_run(shares: list[Share]) -> str:
    if not shares:
        return ""
    table = ["| step | units | each, published | each, ours | published | ours |", "|---|---|--:|--:|--:|--:|"]
    totals = np.zeros(2)
    for share in shares:
        workers = CORES if share.on == "cores" else 1
        seconds = np.array([share.published_seconds, share.seconds]) * share.count / workers
        totals += np.nan_to_num(seconds)
        each = " | ".join(amount(value) for value in (share.published_seconds, share.seconds))
        total = " | ".join("unmeasured" if isnan(value) else amount(value) for value in seconds)
        where = {"cores": f"{CORES} cores", "gpu": "the GPU"}.get(share.on, share.on)
        table.append(f"| {_title(share.step)} | {share.count:,} x {share.unit}, on {where} | {each} | {total} |")
    table.append(f"| together, of what is measured | | | | {' | '.join(amount(total) for total in totals)} |")
    return "\n\n".join(
        [
            "## A full run, on paper",
            f"274 recordings of 186 frames with about 35 fated cells, 51,000 tracks, on one GPU and {CORES} cores: the times above "
            "multiplied, not run. Work on the cores is taken to be spread evenly over them; reading from disks and networks is not in it.",
            "\n".join(table),
            "\n".join(f"- {_title(share.step)}: {share.note}" for share in shares if share.note),
        ]
    ).rstrip()
