"""``cellfate headline``: what a finished run found, and where its figures are."""

import argparse
from pathlib import Path

from cellfate.report.headline import headline
from cellfate.report.transition_headline import headline as transition_headline

DESCRIPTION = """\
Print the headline numbers of a finished run with their intervals, and where its figures, summary and report are.

FOLDER is results/<dataset>/<protocol>, or results/<dataset>/transition for phenotype transitions.
"""
EPILOG = """\
examples:
  cellfate headline results/demo/corrected
  cellfate headline results/demo-transition/transition
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command ``headline``."""
    parser = subparsers.add_parser(
        "headline",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        help="print a run's headline",
    )
    parser.add_argument("folder", metavar="FOLDER", help="results of a finished run")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the headline; an InputError when the folder holds no finished run."""
    print("\n" + headline_of(arguments.folder))
    return 0


def headline_of(folder: str | Path) -> str:
    """The headline of a run of either kind, told apart by the table of scores that each leaves."""
    if (Path(folder) / "tables/scores.csv").exists():
        return transition_headline(folder)
    return headline(folder)
