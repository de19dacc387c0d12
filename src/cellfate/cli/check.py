"""`cellfate check`: every problem of a sheet or a configuration, and of all files that it names, in one go."""

import argparse
import logging
import sys
from pathlib import Path

from cellfate.base.errors import InputError, collect
from cellfate.cli.check_cells import cell_problems
from cellfate.planning.checking.findings import Checked, CheckedRecording
from cellfate.planning.checking.project import check_project
from cellfate.tracks.tables import CENSORED, NO_EVENT

DESCRIPTION = """\
Opens everything that a run would open, and lists every problem at once.

PATH is a recordings sheet (.tsv, .csv), or your settings (.yaml), which are laid over config.yaml as
`snakemake --configfile` does it; several are laid over each other in their order. Checked are the settings, the
sheet, the frames of each recording (all headers; the first, middle and last frame are read), its tracks and their
outcomes, whether there are enough of both outcomes to train, validate and test, whether recording, treatment or length
alone tell the outcome, and the cells of `transition`. Nothing is written. Paths in the sheet count from the current folder.
"""
EPILOG = """\
example:
  cellfate check my_config.yaml
  cellfate check my_config.yaml paper.yaml

The exit status is 0 when nothing is wrong, 1 when there are problems.
"""
MOST_LISTED = 12  # warnings, and things that were not looked at; problems are all listed


def add_parser(subparsers) -> None:
    """Add the command to the program's subparsers."""
    parser = subparsers.add_parser(
        "check",
        help="list every problem of a sheet or of settings, and of all files that they name",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="your recordings sheet, or your settings and overlays")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check, print the report, and return the exit status."""
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it says of damaged files comes from our own checks
    try:
        checked = check_project(*arguments.paths)
    except InputError as error:
        print(f"Input error: {error}", file=sys.stderr)
        return 1
    cells = None if checked.transition is None else collect(cell_problems(checked.transition), checked.problems)
    print("\n".join(report(checked, cells)))
    return 1 if checked.problems else 0


def report(checked: Checked, cells: str | None) -> list[str]:
    """The lines that a person reads: problems, or a table of what was found; then the design, warnings, and what was not looked at.

    ``cells`` says what the file of cells of ``transition`` holds; None where there is none.
    """
    lines = [*checked.problems]
    if checked.problems:
        lines += ["", f"{_count(len(checked.problems), 'problem')} in {checked.path}. Nothing was changed."]
    else:
        summary = "; ".join([*([_summary(checked.recordings)] if checked.recordings or not cells else []), *([cells] if cells else [])])
        lines += [*_table(checked.recordings), "", f"Nothing is wrong: {summary}."]
    if checked.design:
        lines += ["", "What the report will say first:", *(f"  {text}" for text in checked.design)]
    for title, texts in (("Worth a look:", checked.warnings), ("Not looked at:", checked.left_out)):
        if texts:
            more = [f"  and {len(texts) - MOST_LISTED} more"] if len(texts) > MOST_LISTED else []
            lines += ["", title, *(f"  {text}" for text in texts[:MOST_LISTED]), *more]
    return lines


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _summary(recordings: list[CheckedRecording]) -> str:
    if not recordings:
        return "settings are as they should be, and there is no recording to open yet"
    tracks = [sum(one.outcomes.values()) for one in recordings if one.outcomes is not None]
    text = f"{_count(len(recordings), 'recording')}, {_count(sum(one.n_frames for one in recordings), 'frame')}"
    untracked = len(recordings) - len(tracks)
    text += f" and {_count(sum(tracks), 'track')} can be read" if tracks else " can be read"
    return f"{text}; {untracked} without tracks will be segmented and tracked" if untracked else text


def _table(recordings: list[CheckedRecording]) -> list[str]:
    """One row per recording, columns as wide as their longest cell."""
    outcomes = {name for one in recordings for name in one.outcomes or ()}
    names = sorted(outcomes - {NO_EVENT, CENSORED}) + [name for name in (NO_EVENT, CENSORED) if name in outcomes]
    rows = [["recording", "frames", "pixels", "type", "channels", "tracks", *names]] if recordings else []
    for one in recordings:
        counts = ["-"] * (len(names) + 1)
        if one.outcomes is not None:
            counts = [str(sum(one.outcomes.values())), *(str(one.outcomes.get(name, 0)) for name in names)]
        shape = f"{one.shape[0]} x {one.shape[1]}"
        rows.append([one.name, str(one.n_frames), shape, one.dtype, ", ".join(one.channels), *counts])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
