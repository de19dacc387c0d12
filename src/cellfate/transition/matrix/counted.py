"""P counted from observed next phenotypes alone, whatever the genes, with intervals that hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from cellfate.statistics.intervals import LEVEL, score_interval
from cellfate.statistics.scores import COUNTS, Score
from cellfate.transition.metrics import mean_by_phenotype

PRIOR = 0.5  # Jeffreys', of an entry against all others of its row
ABSORBING = "none: absorbing, by definition"
ESTIMATED = "none: the next phenotypes are estimated, not observed"
SHARES = "none: next phenotypes are shares, and no group (transition.group) says which cells are independent"
JEFFREYS = "Jeffreys, cells are independent"


@dataclass(frozen=True)
class Matrix:
    """P with its 95 % limits (n, n), NaN where there are none, and what each row's rest on or why there are none, (n,)."""

    P: np.ndarray
    low: np.ndarray
    high: np.ndarray
    intervals: list[str]


def without_interval(P: np.ndarray, reason: str, absorbing: Sequence[int]) -> Matrix:
    """``P`` (n, n) without any limits, for this reason."""
    none = np.full(P.shape, np.nan)
    return Matrix(P, none, none, [ABSORBING if i in absorbing else reason for i in range(len(P))])


def counted_matrix(
    targets: np.ndarray,
    phenotype: np.ndarray,
    absorbing: Sequence[int],
    groups: np.ndarray | None = None,
    named: str = "group",
    observed: bool = False,
) -> Matrix:
    """The share of each next phenotype among the cells of a phenotype, from ``targets`` (N, n), with limits for each entry.

    Cells are independent without ``groups`` (N,): Jeffreys' limits, a Beta distribution of an entry against all others of its row,
    which is the Dirichlet one of the row for two phenotypes and does not weigh more for more of them (Brown, Cai and DasGupta 2001; 0 at
    no count, 1 at all). With groups, such as donors or clones: :func:`cellfate.statistics.intervals.score_interval`, called as ``named``.
    Targets that are distributions have a mean and no limits, but for ``observed`` shares with groups; rows of ``absorbing`` phenotypes are
    exactly one-hot.
    """
    n = targets.shape[1]
    P = mean_by_phenotype(targets, phenotype, n)
    if not np.isin(targets, (0, 1)).all():
        if not observed:
            return without_interval(P, ESTIMATED, absorbing)
        if groups is None:
            return without_interval(P, SHARES, absorbing)
    found = without_interval(P, "none: no cell", absorbing)
    low, high, intervals = found.low.copy(), found.high.copy(), list(found.intervals)
    for i in np.setdiff1d(np.unique(phenotype), np.asarray(absorbing, int)):
        own = phenotype == i
        if groups is None:
            low[i], high[i] = jeffreys(targets[own].sum(axis=0), int(own.sum()))
            intervals[i] = JEFFREYS
        else:
            limits = [_by_group(targets[own, j], groups[own], named) for j in range(n)]
            low[i], high[i] = np.transpose([(one.low, one.high) for one in limits])
            reason = limits[0].reason
            intervals[i] = f"cluster-robust, by {named}" if reason is None else f"none: {reason}"
    return Matrix(P, low, high, intervals)


def jeffreys(counts: np.ndarray, total: int) -> tuple[np.ndarray, np.ndarray]:
    """Jeffreys' 95 % limits of shares ``counts`` / ``total``, (n,) each; 0 at no count and 1 at all."""
    counts = np.asarray(counts, float)
    a, b = counts + PRIOR, total - counts + PRIOR
    low, high = beta.ppf((1 - LEVEL) / 2, a, b), beta.ppf((1 + LEVEL) / 2, a, b)
    return np.where(counts == 0, 0.0, low), np.where(counts == total, 1.0, high)


def _by_group(hits: np.ndarray, groups: np.ndarray, group: str):
    ones = np.ones((1, len(hits)))
    return score_interval(Score(hits[None], ones, np.ones(1), np.zeros(len(hits), int), COUNTS), groups, names=("",), unit=group)
