"""Contrasts of two outcomes within recordings: a value per cell, cells exchanged within their recording."""

from dataclasses import dataclass
from math import comb, prod

import numpy as np
from scipy.stats import rankdata

from cellfate.statistics.intervals import Interval, score_interval
from cellfate.statistics.scores import LOSSES, Score


@dataclass(frozen=True)
class Contrast:
    """``delta`` in -1..1, above 0: the cells of outcome 1 have the higher values; NaN where no recording has both outcomes.

    ``p_value`` by exchange of outcomes within recordings, of ``exchanges`` different ones; ``opposite`` the mean of both outcomes' shares
    of cells that lie on the other side of most of the other outcome's cells of their recording. ``both`` and ``alone`` count the recordings
    whose cells have both outcomes, and one.
    """

    delta: float
    interval: Interval
    p_value: float
    exchanges: int
    opposite: float
    both: int
    alone: int


def exchanged(labels: np.ndarray, units: np.ndarray, draws: int, seed: int | list[int]) -> np.ndarray:
    """``labels`` (N,), their own first and then ``draws`` times exchanged at random within each of the ``units`` (N,), (1 + draws, N)."""
    rng = np.random.default_rng(seed)
    found = np.tile(np.asarray(labels, np.int8), (draws + 1, 1))
    for unit in np.unique(units):
        own = np.flatnonzero(units == unit)
        found[1:, own] = rng.permuted(found[1:, own], axis=1)
    return found


def matched_contrast(values: np.ndarray, labels: np.ndarray, units: np.ndarray, *, draws: int, seed: int | list[int]) -> Contrast:
    """The contrast of the ``values`` (N,) of cells with ``labels`` (N,), 0 or 1, in ``units`` (N,): recordings. NaN values are left out.

    Cells are compared with cells of their own recording only: Cliff's delta of each recording with both outcomes, weighed by n1 n0 / (n1 +
    n0 + 1) (van Elteren 1960). So what recordings differ in, as treatment, camera or day, cannot make a difference of outcomes, and
    recordings with one outcome tell nothing. The interval is :func:`cellfate.statistics.intervals.score_interval`'s for the mean over
    cells of their share of pairs won less the share lost; none with fewer than three recordings with both outcomes.
    """
    known = ~np.isnan(np.asarray(values, float))
    values, labels, units = np.asarray(values, float)[known], np.asarray(labels)[known], np.asarray(units)[known]
    mixed = [unit for unit in np.unique(units) if len(np.unique(labels[units == unit])) == 2]
    alone = len(np.unique(units)) - len(mixed)
    kept = np.isin(units, mixed)
    if not mixed:
        return Contrast(np.nan, _no_interval("no recording has both outcomes"), np.nan, 1, np.nan, 0, alone)
    values, labels, units = values[kept], labels[kept], units[kept]
    scale, weight, won = _by_cell(values, labels, units)
    delta = float((weight * won).sum() / weight.sum())
    sizes = [((units == unit).sum(), labels[units == unit].sum()) for unit in mixed]
    return Contrast(
        delta=delta,
        interval=_interval(won, weight, units),
        p_value=_p_value(scale, labels, units, draws, seed),
        exchanges=prod(comb(int(n), int(ones)) for n, ones in sizes),
        opposite=float(np.mean([(won[labels == label] * np.sign(delta) < 0).mean() for label in (0, 1)])) if delta else np.nan,
        both=len(mixed),
        alone=alone,
    )


def _by_cell(values: np.ndarray, labels: np.ndarray, units: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each cell (N,): its scaled rank, its weight, and the pairs that speak for outcome 1 less those against, -1..1.

    The sum of the scaled ranks of outcome 1 orders exchanges as delta does.
    """
    scale, weight, won = np.zeros((3, len(values)))
    for unit in np.unique(units):
        own = np.flatnonzero(units == unit)
        ones = own[labels[own] == 1]
        zeros = own[labels[own] == 0]
        share = len(ones) * len(zeros) / (len(own) + 1)
        scale[own] = (rankdata(values[own]) - (len(own) + 1) / 2) * share / (len(ones) * len(zeros))
        signs = np.sign(values[ones][:, None] - values[zeros][None])
        weight[ones], weight[zeros] = share / len(ones) / 2, share / len(zeros) / 2
        won[ones], won[zeros] = signs.mean(axis=1), signs.mean(axis=0)
    return scale, weight, won


def _p_value(scale: np.ndarray, labels: np.ndarray, units: np.ndarray, draws: int, seed: int | list[int]) -> float:
    """Two-sided, as :func:`cellfate.statistics.permutation.permutation_p_values` with random exchanges."""
    sums = exchanged(labels, units, draws, seed) @ scale
    above, below = (sums[1:] >= sums[0] - 1e-9).sum(), (sums[1:] <= sums[0] + 1e-9).sum()
    return float(min(1.0, 2 * (1 + min(above, below)) / (draws + 1)))


def _interval(won: np.ndarray, weight: np.ndarray, units: np.ndarray) -> Interval:
    score = Score(won[None], weight[None], np.ones(1), np.zeros(len(won), int), LOSSES, difference=True)
    found = score_interval(score, units, names=("",), unit="recording")
    if found.reason is not None:
        return _no_interval(f"{found.reason}, with both outcomes" if "needed" in found.reason else found.reason)
    return Interval(max(found.low, -1.0), min(found.high, 1.0), found.units, found.method, None)


def _no_interval(reason: str) -> Interval:
    return Interval(np.nan, np.nan, (0, 0), None, reason)
