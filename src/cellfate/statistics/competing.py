"""Two competing outcomes under censoring and late entry: cumulative incidence (Aalen and Johansen), and the probability of not being lost.

Times are numbers of any unit; those closer than ``10 ** -DECIMALS`` are the same. Outcomes at a time come before losses at it.
"""

from dataclasses import dataclass

import numpy as np

LOST, STAYED = -1, -2  # ends that are no outcome: not followed any more though one could have; followed as long as anything was
DECIMALS = 6


@dataclass(frozen=True)
class Followed:
    """N cells: each is at risk after ``entry`` up to and at ``end``, where it has outcome 0 or 1, is LOST, or STAYED; all (N,)."""

    entry: np.ndarray
    end: np.ndarray
    ended: np.ndarray


class Curves:
    """Hazards of both outcomes at the times at which there were any, and of a loss, from the cells that are at risk then."""

    def __init__(self, cells: Followed) -> None:
        entry, end, ended = np.round(cells.entry, DECIMALS), np.round(cells.end, DECIMALS), np.asarray(cells.ended, int)
        self.times = np.unique(end[ended >= 0])
        at_risk = _below(entry, self.times) - _below(end, self.times)
        self.hazards = np.stack([_at(end[ended == outcome], self.times) / at_risk for outcome in (0, 1)], axis=-1)
        self.losses = np.unique(end[ended == LOST])
        left = _below(entry, self.losses) + _at(entry, self.losses) - _below(end, self.losses) - _at(end[ended >= 0], self.losses)
        self._factors = 1 - _at(end[ended == LOST], self.losses) / left

    def incidence(self, since: np.ndarray, ahead: float) -> np.ndarray:
        """Probability (M, 2) of each outcome in the time ``ahead`` of cells that have none at ``since`` (M,)."""
        moments, places = np.unique(np.round(np.asarray(since, float), DECIMALS), return_inverse=True)
        first = np.searchsorted(self.times, moments, side="right")
        last = np.searchsorted(self.times, np.round(moments + ahead, DECIMALS), side="right")
        return np.array([_summed(self.hazards[a:b]) for a, b in zip(first, last, strict=True)]).reshape(-1, 2)[places]

    def kept(self, since: np.ndarray, until: np.ndarray) -> np.ndarray:
        """Probability (M,) of not being lost before ``until`` (M,) where there was no loss before ``since`` (M,)."""
        zero = self._factors <= 0
        logs = np.concatenate([[0.0], np.cumsum(np.log(np.where(zero, 1.0, self._factors)))])
        zeros = np.concatenate([[0], np.cumsum(zero)])
        first, last = (np.searchsorted(self.losses, np.round(np.asarray(at, float), DECIMALS), side="left") for at in (since, until))
        return np.where(zeros[last] > zeros[first], 0.0, np.exp(logs[last] - logs[first]))


def observed_weights(hours: np.ndarray, ended: np.ndarray, ahead: float) -> np.ndarray:
    """Weights (N,) of cells followed for ``hours``, by which shares of outcomes within ``ahead`` are those of Aalen and Johansen.

    One over the probability of not being lost, by Kaplan and Meier among the cells themselves; 0 where one is lost before ``ahead``. Their
    sum is N.
    """
    hours = np.asarray(hours, float)
    seen = ((ended >= 0) & (np.round(hours - ahead, DECIMALS) <= 0)) | (np.round(hours - ahead, DECIMALS) >= 0)
    curves = Curves(Followed(np.full(len(hours), -1.0), hours, ended))
    kept = curves.kept(np.zeros(len(hours)), np.minimum(hours, ahead))
    return np.divide(1.0, kept, out=np.zeros(len(hours)), where=seen & (kept > 0))


def _below(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """How many ``values`` lie below each of the sorted ``times``."""
    return np.searchsorted(np.sort(values), times, side="left")


def _at(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    ordered = np.sort(values)
    return np.searchsorted(ordered, times, side="right") - np.searchsorted(ordered, times, side="left")


def _summed(hazards: np.ndarray) -> np.ndarray:
    """Cumulative incidence (2,) over times with ``hazards`` (K, 2)."""
    alive = np.cumprod(np.concatenate([[1.0], 1 - hazards.sum(axis=1)]))[:-1]
    return alive @ hazards
