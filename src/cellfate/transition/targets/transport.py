"""What a cell becomes, from time points, by optimal transport."""

import itertools

import numpy as np
from scipy.special import logsumexp

from cellfate.base.errors import InputError
from cellfate.transition.targets.cells import numbers, squared_distances
from cellfate.transition.targets.observed import STATIC

ITERATIONS = 300  # of Sinkhorn at most
TOLERANCE = 1e-4  # of the marginals


def transport_targets(
    embedding: np.ndarray,
    labels: np.ndarray,
    times: np.ndarray,
    n_phenotypes: int,
    *,
    epsilon: float,
    where: str = "transition.targets",
) -> np.ndarray:
    """Distributions (N, n) over phenotypes at the next time point by entropic optimal transport in ``embedding`` (N, d).

    Each pair of neighbouring times has its own plan (uniform marginals, squared distances over their median, ``epsilon`` of that);
    a cell's row is the plan's mass by the phenotype of the later cells (Schiebinger et al., Cell 2019, without growth). The cells
    of the last time have NaN. Raises InputError for times that are no numbers or are all the same.
    """
    times = numbers(times, f"{where}.time")
    points = np.unique(times)
    if len(points) < 2:
        raise InputError(f"{where}.time: all cells have time {points[0]:g}; {STATIC}")
    targets = np.full((len(times), n_phenotypes), np.nan)
    for early, late in itertools.pairwise(points):
        first, second = np.flatnonzero(times == early), np.flatnonzero(times == late)
        cost = squared_distances(embedding[first], embedding[second])
        plan = sinkhorn(cost / np.median(cost), epsilon)
        targets[first] = plan @ np.eye(n_phenotypes)[labels[second]] / plan.sum(axis=1, keepdims=True)
    return targets


def sinkhorn(cost: np.ndarray, epsilon: float) -> np.ndarray:
    """The entropic transport plan (A, B) between uniform marginals, by Sinkhorn's iterations on logarithms.

    Raises InputError when the marginals are not met within the iterations: a larger ``epsilon`` is then needed.
    """
    scaled = -np.asarray(cost, float) / epsilon
    a, b = -np.log(cost.shape[0]), -np.log(cost.shape[1])
    f, g = np.zeros(cost.shape[0]), np.zeros(cost.shape[1])
    for _ in range(ITERATIONS):
        f = a - logsumexp(scaled + g[None], axis=1)
        g = b - logsumexp(scaled + f[:, None], axis=0)
        rows = logsumexp(scaled + f[:, None] + g[None], axis=1)
        if np.abs(np.exp(rows - a) - 1).mean() < TOLERANCE:
            return np.exp(scaled + f[:, None] + g[None])
    plan = np.exp(scaled + f[:, None] + g[None])
    error = float(np.abs(plan.sum(axis=1) * len(plan) - 1).mean())
    if error > 0.05:
        raise InputError(
            f"transition.targets.epsilon is {epsilon:g}: the transport plan misses its marginals by {error:.1%}; a larger one is needed"
        )
    return plan
