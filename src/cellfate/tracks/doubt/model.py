"""The model of doubt: a few coefficients, which ``benchmarks/link_doubt.py`` calibrated on simulated recordings with known links."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from cellfate.base.errors import InputError
from cellfate.base.tables import COUNT, FLOAT, STR, Column, Table, read_table
from cellfate.tracks.doubt.links import FEATURES

PACKAGED = Path(__file__).with_name("coefficients.csv")
POSITIONS, IMAGES = "positions", "images"
INPUTS = {POSITIONS: FEATURES[:-2], IMAGES: FEATURES}  # what each of the two models needs
INTERCEPT, FLOOR = "intercept", "floor"  # floor: the least probability of any link / breaks

# one row per coefficient, and where it comes from: the seeds of the simulated recordings, their links and how many were wrong
COEFFICIENTS = Table(
    "link_doubt_coefficients",
    {
        "inputs": Column("str", allowed=tuple(INPUTS)),
        "feature": Column("str", allowed=(INTERCEPT, FLOOR, *FEATURES)),
        "coefficient": FLOAT,
        "software": STR,
        "date": STR,
        "seeds": STR,
        "n_links": COUNT,
        "n_wrong": COUNT,
    },
    key=("inputs", "feature"),
)


@dataclass(frozen=True)
class LinkModel:
    """A logistic model: log-odds that a link is wrong = intercept + sum of ``weights`` times features.

    No link is surer than ``floor`` times the recording's ``breaks`` allow: where cells are missed, what is found instead may look right.
    """

    intercept: float
    floor: float
    weights: dict[str, float]
    origin: str

    @classmethod
    def read(cls, inputs: str, path: Path = PACKAGED) -> "LinkModel":
        """The model for ``inputs`` (positions or images). Raises InputError for a table that lacks a coefficient."""
        table = read_table(path, COEFFICIENTS)
        rows = table[table["inputs"] == inputs].set_index("feature")
        missing = [name for name in (INTERCEPT, FLOOR, *INPUTS[inputs]) if name not in rows.index]
        if missing:
            raise InputError(f"{path}: the model of {inputs} lacks {', '.join(missing)}")
        said = rows.iloc[0]
        origin = f"{said['software']}, {said['date']}: {said['n_links']} links, {said['n_wrong']} of them wrong, of simulated recordings"
        weights = {name: float(rows.loc[name, "coefficient"]) for name in INPUTS[inputs]}
        intercept, floor = (float(rows.loc[name, "coefficient"]) for name in (INTERCEPT, FLOOR))
        return cls(intercept, floor, weights, f"{origin} (seeds {said['seeds']})")

    def probabilities(self, links: pd.DataFrame) -> np.ndarray:
        """The probability (L,) that each link is wrong; ``links`` has the columns of :func:`measure_links`."""
        odds = self.intercept + sum(weight * links[name].to_numpy(float) for name, weight in self.weights.items())
        least = self.floor * links["breaks"].to_numpy(float)
        return least + (1 - least) * expit(odds)
