"""``cellfate compare``: two finished runs on the cells that both held out."""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.tables import write_table
from cellfate.evaluation.compared.matching import match
from cellfate.evaluation.compared.runs import read_run
from cellfate.evaluation.compared.scores import compare_runs
from cellfate.evaluation.compared.tables import RUN_COMPARISON
from cellfate.evaluation.compared.words import described

BINS, LEAST = 10, 5  # evaluation.calibration_bins and figures.min_trajectories of config.yaml, which runs do not keep
DESCRIPTION = """\
Compare two finished runs cell by cell: scores of each, and the paired differences with 95 % intervals by recording.

RUN_A and RUN_B are results/<dataset>/<protocol> of the same data: the same tracks and outcomes under the same names, such as the
paper's protocol against ours, two models, or two versions. Only cells that both runs held out are compared; how many are left out,
and why, is said. Runs only: exported models keep no predictions of cells with known fates.

Everything is printed, the verdict last; the folder of --out gets comparison.csv and the figure comparison.png, .pdf.
"""
EPILOG = """\
examples:
  cellfate compare results/demo/paper results/demo/corrected
  cellfate compare old/results/mine/corrected results/mine/corrected --names 0.1 0.2 --out versions
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command ``compare``."""
    parser = subparsers.add_parser(
        "compare",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        help="compare two finished runs",
    )
    add = parser.add_argument
    add("run_a", metavar="RUN_A", type=Path, help="results of a finished run")
    add("run_b", metavar="RUN_B", type=Path, help="results of another; differences are those of B less those of A")
    add("--out", metavar="FOLDER", type=Path, default=Path("comparison"), help="where table and figure go (default: comparison)")
    add("--names", metavar=("A", "B"), nargs=2, help="what the runs are called (default: by the folders in which they differ)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare two runs; an InputError where they are not runs on the same data, before anything is written."""
    folders = arguments.run_a, arguments.run_b
    names = tuple(arguments.names or default_names(*folders))
    if names[0] == names[1]:
        raise InputError(f"--names: both runs are called {names[0]!r}, two names are needed")
    a, b = (read_run(folder, name) for folder, name in zip(folders, names, strict=True))
    matched = match(a, b)
    table = compare_runs(matched, names, BINS)
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    write_table(table, out / "comparison.csv", RUN_COMPARISON)
    draw(table, out)
    print(f"Table and figure: {out}/comparison.csv, .pdf, .png\n")
    print(described(a, b, matched, table))
    return 0


def draw(table: pd.DataFrame, out: Path) -> None:
    """Write the figure; one line on standard error where nothing is installed that draws."""
    if find_spec("matplotlib") is None:
        print("no figure: matplotlib is not installed (pip install 'cellfate[figures]')", file=sys.stderr, flush=True)
        return
    from cellfate.base.plot_style import save_figure
    from cellfate.figures.scores.comparison import plot_comparison

    save_figure(plot_comparison(table, min_trajectories=LEAST), out / "comparison.pdf", out / "comparison.png")


def default_names(a: Path, b: Path) -> tuple[str, str]:
    """The last folder in which the two paths differ, counted from their ends; A and B where none does."""
    for one, other in zip(reversed(a.resolve().parts), reversed(b.resolve().parts), strict=False):
        if one != other:
            return one, other
    return "A", "B"
