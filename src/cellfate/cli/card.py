"""``cellfate card``: the card of an exported model."""

import argparse
from pathlib import Path

from cellfate.base.errors import InputError
from cellfate.model.saved.card import CARD_TEXT
from cellfate.model.saved.exported import read_settings

DESCRIPTION = """\
Print the card of an exported model: data set, channels, pixel size and frame interval it was trained on, how many cells,
its scores on held-out cells, and what its probabilities are conditional on.
"""
EPILOG = """\
example:
  cellfate card results/demo/corrected/model
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command ``card``."""
    parser = subparsers.add_parser(
        "card", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter, help="print a model's card"
    )
    parser.add_argument("model", metavar="MODEL", help="folder of an exported model, results/<dataset>/<protocol>/model of a finished run")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the card; an InputError when the folder is no exported model."""
    print(model_card(arguments.model), end="")
    return 0


def model_card(folder: str | Path) -> str:
    """The card of an exported model in Markdown. Raises InputError when a file of the folder is missing."""
    read_settings(folder)
    card = Path(folder) / CARD_TEXT
    if not card.is_file():
        raise InputError(f"{card}: no such file; export_model writes it, copy the whole folder")
    return card.read_text()
