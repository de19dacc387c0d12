"""Which genes are analysed: those that vary more than genes of their mean do, and those that a list or a set names."""

from collections.abc import Collection, Sequence

import numpy as np
from scipy import sparse

SPAN = 0.3  # share of the genes that a local fit looks at
FEWEST = 10  # genes at least in a local fit
PLACES = 100  # means at which the fit is made; between them it is interpolated
SHOWN = 8  # absent genes that a message names
CONSTANT = 1e-12  # variance up to which a gene is constant


def choose_genes(linear: np.ndarray | sparse.csr_array, n_genes: int, kept: Sequence[int]) -> np.ndarray:
    """Places of the ``n_genes`` genes with the largest adjusted variance, and of those ``kept``, in order; constant ones never.

    ``linear`` (N, m) are counts of the training cells scaled to one depth, no logarithms. ``kept`` ones come on top of ``n_genes``
    where they are not among them.
    """
    varies = varying(linear)
    adjusted = adjusted_variance(linear[:, varies])
    most = varies[np.argsort(-adjusted, kind="stable")[:n_genes]]
    return np.union1d(most, np.intersect1d(np.asarray(kept, int), varies)).astype(int)


def varying(values: np.ndarray | sparse.csr_array) -> np.ndarray:
    """Places of the genes of ``values`` (N, m) that are not constant."""
    return np.flatnonzero(moments(values)[1] > CONSTANT)


def moments(linear: np.ndarray | sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance (m,) of each gene."""
    if not sparse.issparse(linear):
        return linear.mean(axis=0), linear.var(axis=0)
    mean = np.asarray(linear.mean(axis=0, dtype=np.float64)).ravel()
    squares = np.bincount(linear.indices, (linear.data.astype(np.float64) - mean[linear.indices]) ** 2, minlength=linear.shape[1])
    return mean, (squares + _zeros(linear) * mean**2) / linear.shape[0]


def _zeros(linear: sparse.csr_array) -> np.ndarray:
    """How many cells have no value stored of each gene, (m,)."""
    return linear.shape[0] - np.bincount(linear.indices, minlength=linear.shape[1])


def adjusted_variance(linear: np.ndarray | sparse.csr_array) -> np.ndarray:
    """The variance (m,) of each gene over what genes of its mean have; ``linear`` (N, m) has no constant gene.

    What a gene of a mean has is a local quadratic fit of log variance on log mean. Values further than sqrt(N) of its standard
    deviations from the mean count as that far, so that one cell makes no gene variable (Stuart et al., Cell 2019; ours but for the
    counts, which are scaled to one depth).
    """
    n = linear.shape[0]
    mean, variance = moments(linear)
    expected = np.sqrt(10 ** local_fit(np.log10(mean), np.log10(variance * n / (n - 1))))
    furthest = np.sqrt(n)
    if not sparse.issparse(linear):
        return (np.clip((linear - mean) / expected, -furthest, furthest) ** 2).sum(axis=0) / (n - 1)
    scaled = np.clip((linear.data - mean[linear.indices]) / expected[linear.indices], -furthest, furthest)
    squares = np.bincount(linear.indices, scaled**2, minlength=linear.shape[1])
    return (squares + _zeros(linear) * np.clip(-mean / expected, -furthest, furthest) ** 2) / (n - 1)


def local_fit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Local quadratic regression of ``y`` on ``x`` (m,) with tricube weights over the nearest genes; the mean of y for fewer than ten."""
    if len(x) < FEWEST or np.ptp(x) == 0:
        return np.full(len(x), y.mean())
    near = max(FEWEST, round(SPAN * len(x)))
    places = np.quantile(x, np.linspace(0, 1, min(PLACES, len(x))))
    return np.interp(x, places, [_fitted(x, y, place, near) for place in places])


def _fitted(x: np.ndarray, y: np.ndarray, place: float, near: int) -> float:
    away = np.abs(x - place)
    width = max(np.partition(away, near - 1)[near - 1], 1e-9)
    weights = np.sqrt(np.clip(1 - (away / width) ** 3, 0, None) ** 3)
    some = weights > 0
    powers = np.vander((x[some] - place) / width, 3, increasing=True)
    return float(np.linalg.lstsq(powers * weights[some, None], y[some] * weights[some], rcond=None)[0][0])


def named_genes(genes: Sequence[str] | np.ndarray, names: Collection[str]) -> tuple[list[int], list[str]]:
    """Places of the ``names`` among ``genes``, and those that are not there, each once."""
    places = {str(gene): place for place, gene in enumerate(genes)}
    unique = dict.fromkeys(names)
    return [places[name] for name in unique if name in places], [name for name in unique if name not in places]
