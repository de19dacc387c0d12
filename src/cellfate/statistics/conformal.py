"""Sets of classes that hold the true one with a promised probability, for cells of recordings that nobody has seen."""

from dataclasses import dataclass

import numpy as np

from cellfate.base.causes import counted

FEWEST_UNITS = 4  # of a class; three promise 75 % at most, which says little
MOST_BANDS = 4  # of frames seen, with limits of their own
ROUNDING = 1e-9


@dataclass(frozen=True)
class ClassLimit:
    """What a class's calibration units promise: a set holds the class where its probability is at least 1 - ``threshold``.

    ``level`` is the probability with which the set of a cell of the class holds it: the level asked for, or n / (n + 1) where
    ``n_units`` promise no more. With too few units it is NaN, ``reason`` says so, and every set holds the class.
    """

    n_units: int
    level: float
    threshold: float
    reason: str | None


def fit_sets(probabilities: np.ndarray, labels: np.ndarray, units: np.ndarray, *, level: float) -> tuple[ClassLimit, ClassLimit]:
    """The limits of class 0 and of class 1 from cells that the predictor has not seen.

    ``probabilities`` (N,) are of class 1, ``units`` (N,) the recordings. Split conformal prediction for each class by itself
    (Vovk 2012), with the unit as what is exchangeable: every unit weighs the same, its cells share its weight (Lee, Barber
    and Willett 2023). The promise is for a random cell of a class in a new unit that has the class.
    """
    labels, units = np.asarray(labels), np.asarray(units)
    own = own_probabilities(probabilities, labels)
    return tuple(_class_limit(1 - own[labels == label], units[labels == label], level) for label in (0, 1))


def _class_limit(scores: np.ndarray, units: np.ndarray, level: float) -> ClassLimit:
    _, codes, counts = np.unique(units, return_inverse=True, return_counts=True)
    n = len(counts)
    if n < FEWEST_UNITS:
        return ClassLimit(n, np.nan, np.inf, f"{counted(n, 'unit')}, {FEWEST_UNITS} are needed")
    level = min(level, n / (n + 1))
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(1 / (counts[codes[order]] * (n + 1)))
    place = min(int(np.searchsorted(reached, level - ROUNDING)), len(order) - 1)
    return ClassLimit(n, level, float(scores[order[place]]), None)


def fewest_units(level: float) -> int:
    """How many units of a class promise ``level``: 19 for 0.95."""
    return int(np.ceil(level / (1 - level) - ROUNDING))


def predict_sets(probabilities: np.ndarray, limits: tuple[ClassLimit, ClassLimit]) -> np.ndarray:
    """Which classes each cell's set holds, bool (N, 2): one (called), both (cannot tell), or none (unlike both)."""
    probabilities = np.asarray(probabilities, float)
    scores = np.stack([probabilities, 1 - probabilities], axis=1)
    return scores <= np.array([limit.threshold for limit in limits]) + ROUNDING


def leave_one_out_sets(probabilities: np.ndarray, labels: np.ndarray, units: np.ndarray, *, level: float) -> np.ndarray:
    """The sets (N, 2) of each unit's cells by the limits that the other units give."""
    probabilities, labels, units = np.asarray(probabilities, float), np.asarray(labels), np.asarray(units)
    sets = np.zeros((len(labels), 2), bool)
    for unit in np.unique(units):
        out = units == unit
        sets[out] = predict_sets(probabilities[out], fit_sets(probabilities[~out], labels[~out], units[~out], level=level))
    return sets


@dataclass(frozen=True)
class BandedLimits:
    """Limits for cells of which few, some and many frames were seen: ``limits[i]`` from ``first_frames[i]`` (ascending) on.

    The first band reaches down to one frame.
    """

    first_frames: tuple[int, ...]
    limits: tuple[tuple[ClassLimit, ClassLimit], ...]

    def sets(self, probabilities: np.ndarray, n_frames: np.ndarray) -> np.ndarray:
        """Which classes the sets of cells hold, bool (N, 2), of each of which ``n_frames`` (N,) were seen."""
        probabilities, which = np.asarray(probabilities, float), self.bands(n_frames)
        found = np.zeros((len(probabilities), 2), bool)
        for band, limits in enumerate(self.limits):
            found[which == band] = predict_sets(probabilities[which == band], limits)
        return found

    def bands(self, n_frames: np.ndarray) -> np.ndarray:
        """The band of each number of frames, (N,)."""
        return np.clip(np.searchsorted(self.first_frames, n_frames, side="right") - 1, 0, None)


def fit_banded(probabilities: np.ndarray, labels: np.ndarray, units: np.ndarray, n_frames: np.ndarray, *, level: float) -> BandedLimits:
    """Limits by the number of frames seen, from prefixes of cells that the predictor has not seen; all arguments but ``level`` (N,).

    As many bands of about equally many prefixes as leave both classes in each band as many units as they have in all, at most
    ``MOST_BANDS``: a band never promises less than one for all would. Each band is :func:`fit_sets`; a cell counts in it as often as
    it has prefixes there. The promise is for a random prefix, in the band, of a cell of a class in a new unit.
    """
    probabilities, labels, units, n_frames = (np.asarray(values) for values in (probabilities, labels, units, n_frames))
    wanted = [len(np.unique(units[labels == label])) for label in (0, 1)]
    for n_bands in range(MOST_BANDS, 0, -1):
        first = tuple(int(n) for n in np.unique(np.quantile(n_frames, np.arange(n_bands) / n_bands, method="higher")))
        which = np.searchsorted(first, n_frames, side="right") - 1
        kept = [len(np.unique(units[(labels == label) & (which == band)])) for band in range(len(first)) for label in (0, 1)]
        if kept == wanted * len(first):
            break
    limits = (
        fit_sets(probabilities[which == band], labels[which == band], units[which == band], level=level) for band in range(len(first))
    )
    return BandedLimits(first, tuple(limits))


@dataclass(frozen=True)
class SetScores:
    """How the sets of one class's cells did; shares are means over units, in each of which a cell counts the same. NaN for no cells."""

    coverage: float  # sets that hold the class
    decided: float  # sets of one class
    wrong: float  # sets of the other class alone
    n_units: int
    n_cells: int


def score_sets(sets: np.ndarray, labels: np.ndarray, units: np.ndarray) -> tuple[SetScores, SetScores]:
    """The scores of the sets (N, 2) for the cells of class 0 and of class 1."""
    labels, units = np.asarray(labels), np.asarray(units)
    return tuple(_score_class(sets[labels == label], units[labels == label], label) for label in (0, 1))


def _score_class(sets: np.ndarray, units: np.ndarray, label: int) -> SetScores:
    if len(sets) == 0:
        return SetScores(np.nan, np.nan, np.nan, 0, 0)
    _, codes, counts = np.unique(units, return_inverse=True, return_counts=True)
    weights = 1 / (counts[codes] * len(counts))
    single = sets.sum(axis=1) == 1
    shares = (min(float(weights @ which), 1.0) for which in (sets[:, label], single, single & ~sets[:, label]))
    return SetScores(*shares, len(counts), len(sets))


def triage_curve(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of cells called and share of those called wrongly, as the surest cells are called first; both (M,).

    Cells are as sure as their likelier class is probable; equally sure ones are called together, so each of the M points is one that a
    threshold can reach. A probability of 0.5 counts as half wrong.
    """
    probabilities, labels = np.asarray(probabilities, float), np.asarray(labels)
    sure = np.maximum(probabilities, 1 - probabilities)
    own = own_probabilities(probabilities, labels)
    wrong = np.where(own == 0.5, 0.5, own < 0.5)
    order = np.argsort(-sure, kind="stable")
    called = np.arange(1, len(order) + 1)
    last = np.append(np.diff(sure[order]) != 0, True) if len(order) else np.zeros(0, bool)
    return (called / max(len(order), 1))[last], (np.cumsum(wrong[order]) / called)[last]


def own_probabilities(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The probability that each cell's own class was given."""
    probabilities = np.asarray(probabilities, float)
    return np.where(np.asarray(labels) == 1, probabilities, 1 - probabilities)
