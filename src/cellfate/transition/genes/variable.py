"""Which genes are analysed: those that vary more than genes of their mean do, and those that a list or a set names."""

from collections.abc import Collection, Sequence

import numpy as np

SPAN = 0.3  # share of the genes that a local fit looks at
FEWEST = 10  # genes at least in a local fit
PLACES = 100  # means at which the fit is made; between them it is interpolated
SHOWN = 8  # absent genes that a message names
CONSTANT = 1e-12  # variance up to which a gene is constant


def choose_genes(linear: np.ndarray, n_genes: int, kept: Sequence[int]) -> np.ndarray:
    """Places of the ``n_genes`` genes with the largest adjusted variance, and of those ``kept``, in order; constant ones never.

    ``linear`` (N, m) are counts of the training cells scaled to one depth, no logarithms. ``kept`` ones come on top of ``n_genes``
    where they are not among them.
    """
    varies = np.flatnonzero(linear.var(axis=0) > CONSTANT)
    adjusted = adjusted_variance(linear[:, varies])
    most = varies[np.argsort(-adjusted, kind="stable")[:n_genes]]
    return np.union1d(most, np.intersect1d(np.asarray(kept, int), varies)).astype(int)


def adjusted_variance(linear: np.ndarray) -> np.ndarray:
    """The variance (m,) of each gene over what genes of its mean have; ``linear`` (N, m) has no constant gene.

    What a gene of a mean has is a local quadratic fit of log variance on log mean. Values further than sqrt(N) of its standard
    deviations from the mean count as that far, so that one cell makes no gene variable (Stuart et al., Cell 2019; ours but for the
    counts, which are scaled to one depth).
    """
    mean, variance = linear.mean(axis=0), linear.var(axis=0, ddof=1)
    expected = np.sqrt(10 ** local_fit(np.log10(mean), np.log10(variance)))
    furthest = np.sqrt(len(linear))
    scaled = np.clip((linear - mean) / expected, -furthest, furthest)
    return (scaled**2).sum(axis=0) / (len(linear) - 1)


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
