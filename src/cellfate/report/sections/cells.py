"""Links from the summary page to single cells on the page beside it, and the worst errors as pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd

from cellfate.base.files import read_json
from cellfate.base.plot_style import readable
from cellfate.recordings.sheet import NO_TREATMENT

EXPLORER = "explorer.html"
WRONG_OF = "figure_2"  # the figure of right and wrong calls
OF_TREATMENT = {"figure_3": {}, "figure_4": {"right": "1"}}  # means over many cells, with the filters that leave them


@dataclass(frozen=True)
class ShownCells:
    """``errors`` is the file that the explorer wrote, ``figures`` tables with a column trajectory by the figure that shows these cells.

    ``treatment`` is evaluation.treatment, of which the cells of figures 3 and 4 are; None: all.
    """

    errors: str | Path
    figures: Mapping[str, pd.DataFrame]
    treatment: str | None


def address(**state: str) -> str:
    """Where the explorer shows that: a cell, or what is left by filters."""
    return f"{EXPLORER}#{urlencode(state)}"


def cells_section(shown: ShownCells | None) -> dict:
    """``worst`` errors and ``links`` by figure; both empty without an explorer."""
    if shown is None:
        return {"worst": [], "n_wrong": 0, "links": {}}
    errors = read_json(shown.errors)
    cells = {WRONG_OF: errors["wrong"]} | {name: list(dict.fromkeys(table["trajectory"])) for name, table in shown.figures.items()}
    links = {name: _links(name, own) for name, own in cells.items() if own}
    treated = {} if shown.treatment is None else {"treatment": shown.treatment}
    links |= {name: _filter(treated | more) for name, more in OF_TREATMENT.items()}
    return {"worst": [_worst(one) for one in errors["worst"]], "n_wrong": len(errors["wrong"]), "links": links}


def _links(figure: str, trajectories: Sequence[str]) -> dict:
    words = "Cells called wrongly" if figure == WRONG_OF else "Cells of this figure"
    return {"words": words, "cells": [{"name": name, "address": address(cell=name)} for name in trajectories]}


def _filter(state: Mapping[str, str]) -> dict:
    return {"words": "Its cells one by one", "cells": [{"name": "in the explorer", "address": address(**state)}]}


def _worst(error: Mapping) -> dict:
    positive = error["probability"]
    said = f"{readable(error['outcome'])}, called {readable(error['call'])} with a probability of {max(positive, 1 - positive):.2f}"
    treatment = "no treatment" if error["treatment"] == NO_TREATMENT else readable(error["treatment"])
    return {
        "name": error["trajectory"],
        "words": f"{said}; {treatment}, {error['frames']} frames",
        "address": address(cell=error["trajectory"]),
        "picture": error["picture"],
    }
