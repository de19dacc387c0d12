"""How much a score differs between recordings, and how much of that is chance."""

from dataclasses import dataclass

import numpy as np

FEWEST = 3  # units with both classes


@dataclass(frozen=True)
class Spread:
    """Standard deviation of the units' balanced accuracies: found, by chance, and beyond chance; NaN where there are too few units.

    ``p_value``: the share of exchanges that spread the units at least as much.
    """

    n_units: int
    lowest: float
    highest: float
    found: float
    by_chance: float
    beyond: float
    p_value: float


def unit_spread(hits: np.ndarray, labels: np.ndarray, units: np.ndarray, *, draws: int, seed: int) -> Spread:
    """The spread of balanced accuracy between ``units`` (N,) of cells with ``labels`` (N,) that were called right or not, ``hits`` (N,).

    Units without both classes have no balanced accuracy and are left out. By chance: hits are exchanged between the units within each
    class ``draws`` times, which keeps every unit's number of cells and the score of all; the mean variance of these is taken off.
    """
    names, codes = np.unique(units, return_inverse=True)
    both = [u for u in range(len(names)) if len(np.unique(labels[codes == u])) == 2]
    if len(both) < FEWEST:
        return Spread(len(both), *(np.nan,) * 6)
    kept = np.isin(codes, both)
    hits, labels, codes = np.asarray(hits, float)[kept], labels[kept], np.searchsorted(both, codes[kept])
    values = _by_unit(hits[None], labels, codes)[0]
    rng = np.random.default_rng(seed)
    exchanged = np.tile(hits, (draws, 1))
    for label in (0, 1):
        own = np.flatnonzero(labels == label)
        exchanged[:, own] = rng.permuted(exchanged[:, own], axis=1)
    variance, variances = values.var(ddof=1), _by_unit(exchanged, labels, codes).var(axis=1, ddof=1)
    chance = float(variances.mean())
    return Spread(
        n_units=len(both),
        lowest=float(values.min()),
        highest=float(values.max()),
        found=float(np.sqrt(variance)),
        by_chance=float(np.sqrt(chance)),
        beyond=float(np.sqrt(max(variance - chance, 0.0))),
        p_value=float((1 + (variances >= variance - 1e-12).sum()) / (draws + 1)),
    )


def _by_unit(hits: np.ndarray, labels: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Balanced accuracy of each unit, (draws, U), of hits (draws, N)."""
    members = np.stack([[(codes == u) & (labels == label) for u in range(codes.max() + 1)] for label in (0, 1)]).astype(float)
    recalls = np.einsum("dn,lun->dlu", hits, members, optimize=True) / members.sum(axis=2)
    return recalls.mean(axis=1)
