"""How fast cells grow: known rates of each cell, rates from marker genes, or nothing but a limit on how far growth may explain."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from cellfate.base.errors import InputError
from cellfate.transition.expression import column_of
from cellfate.transition.files import read_gene_sets
from cellfate.transition.h5ad import Expression, dense
from cellfate.transition.targets.cells import numbers

HOURS = {"day": 24.0, "hour": 1.0}
MEASURED = ("column", "birth_death")  # rates that are taken as they are
CLIPPED = 5.0  # z-scores of a marker at most
# Schiebinger et al., Cell 2019: rates per day from the mean z-score of a set, (lowest, highest, middle score, width)
BIRTH = (0.3, 1.7, 0.25, 0.5)
DEATH = (0.3, 1.7, 0.1, 0.2)


@dataclass(frozen=True)
class Growth:
    """``rates`` (N,) of net growth per day, None where nothing is known of them; ``relaxation`` how firmly a cell's number of
    descendants is held to them, in median costs, None: exactly. ``source`` is the setting it came from."""

    source: str
    rates: np.ndarray | None
    relaxation: float | None

    def take(self, chosen: np.ndarray) -> "Growth":
        return Growth(self.source, None if self.rates is None else self.rates[chosen], self.relaxation)

    def weights(self, days: float) -> np.ndarray | float:
        """Expected descendants of each cell after so many ``days``, up to a factor, (N,); 1 where nothing is known."""
        if self.rates is None:
            return 1.0
        exponents = self.rates * days
        return np.exp(exponents - exponents.max())

    def in_words(self) -> str:
        known = {
            "none": "all cells grow alike (transition.targets.growth.source: none)",
            "column": "net growth as its column says",
            "birth_death": "birth less death as their columns say",
            "markers": f"growth from marker genes, held to with relaxation {self.relaxation}",
            "unbalanced": f"growth fitted with the transport, relaxation {self.relaxation}",
        }
        return known[self.source]


def growth_of(expression: Expression, logs: np.ndarray, settings: Mapping[str, object]) -> Growth:
    """The growth that ``settings`` (transition.targets.growth) name; ``logs`` (N, m) are log-normalised.

    Raises InputError for a setting that its source needs and lacks, columns that hold no numbers, negative birth or death rates,
    and marker sets that are not there.
    """
    source = str(settings["source"])
    if source == "column":
        return Growth(source, _column(expression, settings, "column"), None)
    if source == "birth_death":
        birth, death = (_column(expression, settings, key) for key in ("birth", "death"))
        for key, values in (("birth", birth), ("death", death)):
            if (values < 0).any():
                place = int((values < 0).argmax())
                cell = str(expression.cells[place])
                raise InputError(f"{expression.source}: cell {cell!r} has a {key} rate of {values[place]:g}, 0 or more is needed")
        return Growth(source, birth - death, None)
    if source == "markers":
        return Growth(source, _marker_rates(expression, logs, settings), _relaxation(settings))
    return Growth(source, None, _relaxation(settings) if source == "unbalanced" else None)


def _needed(settings: Mapping[str, object], key: str) -> object:
    if settings.get(key) is None:
        raise InputError(f"transition.targets.growth.{key} is missing: source {settings['source']} needs it")
    return settings[key]


def _relaxation(settings: Mapping[str, object]) -> float:
    return float(_needed(settings, "relaxation"))


def _column(expression: Expression, settings: Mapping[str, object], key: str) -> np.ndarray:
    where = f"transition.targets.growth.{key}"
    return numbers(column_of(expression, str(_needed(settings, key)), where), where)


def _marker_rates(expression: Expression, logs: np.ndarray, settings: Mapping[str, object]) -> np.ndarray:
    """Birth less death per day, each a logistic function of the mean z-score of its set, as Schiebinger et al. have it."""
    path = str(_needed(settings, "gene_sets"))
    sets = read_gene_sets(path)
    parts = []
    for key, constants in (("proliferation", BIRTH), ("apoptosis", DEATH)):
        name = str(_needed(settings, key))
        if name not in sets:
            raise InputError(f"{path}: no set {name!r} (transition.targets.growth.{key}); the file has {', '.join(sets)}")
        places = np.flatnonzero(np.isin(expression.genes.astype(str), sets[name]))
        own = dense(logs[:, places])
        own = own[:, own.std(axis=0) > 0]
        if not own.shape[1]:
            raise InputError(f"{path}: no gene of the set {name!r} is among the genes of {expression.source}, or none varies")
        parts.append(logistic_rate(set_score(own), *constants))
    return parts[0] - parts[1]


def set_score(logs: np.ndarray) -> np.ndarray:
    """The mean z-score of a set's genes in each cell, (N, m) -> (N,); z-scores are clipped."""
    return np.clip((logs - logs.mean(axis=0)) / logs.std(axis=0), -CLIPPED, CLIPPED).mean(axis=1)


def logistic_rate(score: np.ndarray, lowest: float, highest: float, middle: float, width: float) -> np.ndarray:
    """A rate from ``lowest`` to ``highest`` that is half way at a score of ``middle``, (N,)."""
    return lowest + (highest - lowest) * expit(4 * (score - middle) / width)
