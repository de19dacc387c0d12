"""95 % intervals of scores whose unit is the recording, or the group of recordings: what would other recordings have given?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

from cellfate.statistics.scores import COUNTS, LOSSES, PAIRS, Score

LEVEL = 0.95
FEWEST_UNITS = {COUNTS: 3, LOSSES: 3, PAIRS: 8}  # of each part of a score; the spread of two is a guess, pairs across recordings need more
FEWEST_FREEDOM = 1.5  # degrees of freedom; t quantiles run away below
GUARD = 0.90  # no limits are closer than those of independent cells at this level; at 0.95 too many intervals hold the score
SAME = "every cell contributes the same"
ALIKE = "all cells are called the same, so it is 0.5 in any recording"
MORE_DIFFERING = 0.25  # cells in each part; chosen where both predictors are nearly perfect, without it 88 to 91 % are covered there
CLUSTERS, CELLS = "cluster-robust t", f"independent cells, {GUARD:.0%}"


@dataclass(frozen=True)
class Interval:
    """Limits, or NaN and the ``reason`` in words; ``units`` are the units that each class has."""

    low: float
    high: float
    units: tuple[int, int]
    method: str | None
    reason: str | None


@dataclass(frozen=True)
class _Spread:
    """The variance of a score over units with its degrees of freedom, and what it would be if cells were independent."""

    variance: float
    freedom: float
    independent: float
    cells: float  # how many independent cells a share of this form stands on


def score_interval(score: Score, units: np.ndarray, *, names: Sequence[str], unit: str) -> Interval:
    """The 95 % interval of ``score``, whose cells are in ``units`` (N,).

    The variance is cluster-robust with a correction for few units (CR2; for losses, which are skewed, CR3), on t quantiles with
    the degrees of freedom of Bell and McCaffrey (2002; Pustejovsky and Tipton 2018): uneven units, and classes that few units
    have, count as fewer. Limits are never closer than those of independent cells at the level GUARD. Shares get Wilson's limits at the
    number of cells that has that variance (for surveys: Franco and others 2019), losses limits on the log scale, differences symmetric
    ones. There are none where a part of the score has fewer than FEWEST_UNITS units, where units are so uneven that they count as fewer,
    where no cell differs, or where all cells are called the same and the score is 0.5 for that reason. ``names`` of the classes and of
    the ``unit`` are for the reason. How often they cover: docs/statistics.md.
    """
    units = np.asarray(units)
    per_class = tuple(len(np.unique(units[score.labels == label])) for label in (0, 1))
    sums, totals = _unit_sums(score, units)
    reason = _too_few((totals > 0).sum(axis=1), FEWEST_UNITS[score.kind], names, unit)
    if reason is None:
        spread = _spread(score, sums, totals)
        reason = _too_little(score, spread, unit)
    if reason is not None:
        return Interval(np.nan, np.nan, per_class, None, reason)
    half, method = _half_width(spread)
    return Interval(*_limits(score, half, spread.cells), per_class, method, None)


def _unit_sums(score: Score, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted values and weights summed over each unit's cells, (K, U) each."""
    names, codes = np.unique(units, return_inverse=True)
    found = [[np.bincount(codes, row, minlength=len(names)) for row in rows] for rows in (score.weights * score.values, score.weights)]
    return np.array(found[0]), np.array(found[1])


def _too_few(counts: np.ndarray, needed: int, names: Sequence[str], unit: str) -> str | None:
    """Why the units of the parts are too few, None where they are not."""
    fewest = int(counts.min())
    if fewest >= needed:
        return None
    of_class = f"{names[int(counts.argmin())]}: " if len(counts) == 2 else ""
    return f"{of_class}{fewest} {unit}{'s' * (fewest != 1)}, at least {needed} are needed"


def _too_little(score: Score, spread: _Spread, unit: str) -> str | None:
    """Why units that are enough say too little, None where they do not."""
    if spread.independent == 0 and (score.kind == LOSSES or score.difference):
        return SAME
    if score.kind == COUNTS and not score.difference and sorted(score.means) == [0, 1]:
        return ALIKE
    if spread.freedom < FEWEST_FREEDOM:
        return f"the {unit}s are so uneven in size that they count as {spread.freedom + 1:.1f}, at least {FEWEST_FREEDOM + 1:g} are needed"
    return None


def _spread(score: Score, sums: np.ndarray, totals: np.ndarray) -> _Spread:
    part_totals, means = totals.sum(axis=1), score.means
    shares = totals / part_totals[:, None]
    scales = score.contrast / part_totals
    power = 1 if score.kind == LOSSES and not score.difference else 0.5
    corrections = (1 - shares) ** -power  # a unit's residuals shrink by what it adds to the mean; CR3, or CR2
    deviations = scales[:, None] * (sums - means[:, None] * totals) * corrections
    cells = (score.weights**2).sum(axis=1)
    per_cell = _cell_variances(score, means, cells)
    working = [_working(s**2 * v * t, q, c) for s, v, t, q, c in zip(scales, per_cell, totals, shares, corrections, strict=True)]
    return _Spread(
        variance=float((deviations.sum(axis=0) ** 2).sum()),
        freedom=_freedom(np.sum(working, axis=0)),
        independent=float((scales**2 * per_cell * cells).sum()),
        cells=float(1 / (scales**2 * cells).sum()),
    )


def _cell_variances(score: Score, means: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """The variance of a cell's value in each part, (K,).

    Where two predictors call the same in all cells of a part, their share of differing cells is taken from all parts: never zero.
    Calls that differ in few cells get MORE_DIFFERING further ones, as for paired shares in Agresti and Min (2005), who add twice that.
    """
    found = (score.weights**2 * (score.values - means[:, None]) ** 2).sum(axis=1) / cells
    if score.kind == COUNTS and score.difference:
        differing = (score.weights * np.abs(score.values)).sum(axis=1)
        found = np.where(differing == 0, max(differing.sum(), 1) / score.weights.sum(), found)
        found = (found * cells + MORE_DIFFERING) / (cells + 2 * MORE_DIFFERING)
    return found


def _working(variances: np.ndarray, shares: np.ndarray, corrections: np.ndarray) -> np.ndarray:
    """Covariance (U, U) of the units' corrected deviations where unit sums have ``variances`` and are independent."""
    crossed = np.outer(shares, variances)
    centred = np.diag(variances) - crossed - crossed.T + np.outer(shares, shares) * variances.sum()
    return centred * np.outer(corrections, corrections)


def _freedom(covariance: np.ndarray) -> float:
    """Degrees of freedom of the sum of squares of deviations with this covariance (Satterthwaite); NaN where there is no variance."""
    squares = float((covariance**2).sum())
    return float(np.trace(covariance) ** 2 / squares) if squares > 0 else np.nan


def _half_width(spread: _Spread) -> tuple[float, str]:
    """Half of the width on the score's own scale, and what it rests on."""
    clustered = float(stdtrit(spread.freedom, (1 + LEVEL) / 2) * np.sqrt(spread.variance)) if spread.variance > 0 else 0.0
    independent = float(ndtri((1 + GUARD) / 2) * np.sqrt(spread.independent))
    if clustered >= independent and clustered > 0:
        return clustered, f"{CLUSTERS}, {spread.freedom:.1f} df"
    return independent, CELLS


def _limits(score: Score, half: float, cells: float) -> tuple[float, float]:
    value = score.value
    if score.difference:
        widest = np.inf if score.kind == LOSSES else 1.0  # shares differ by no more
        return max(value - half, -widest), min(value + half, widest)
    if score.kind == LOSSES:
        return value * float(np.exp(-half / value)), value * float(np.exp(half / value))
    return _wilson(value, half, cells)


def _wilson(share: float, half: float, cells: float) -> tuple[float, float]:
    """Limits of a share whose Wald interval would reach ``half`` to each side, on at most ``cells`` independent cells."""
    inside = float(np.clip(share, 0.5 / cells, 1 - 0.5 / cells))
    squared = max(half**2 / (inside * (1 - inside)), ndtri((1 + GUARD) / 2) ** 2 / cells)
    centre = (share + squared / 2) / (1 + squared)
    width = float(np.sqrt(squared * share * (1 - share) + squared**2 / 4)) / (1 + squared)
    return float(max(centre - width, 0.0)), float(min(centre + width, 1.0))
