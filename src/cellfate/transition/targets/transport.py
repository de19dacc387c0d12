"""What a cell becomes, from time points, by optimal transport in which cells may grow.

The entropic plan is that of POT (Flamary et al., JMLR 2021), as in Waddington-OT (Schiebinger et al., Cell 2019): every later cell
comes from somewhere, an earlier cell has as many descendants as its growth gives, exactly or up to a relaxation.
"""

import itertools
import warnings
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from scipy.special import softmax

from cellfate.base.errors import InputError
from cellfate.transition.targets.cells import numbers, squared_distances
from cellfate.transition.targets.growth import HOURS, Growth
from cellfate.transition.targets.observed import STATIC

ITERATIONS = 5000  # of Sinkhorn at most
TOLERANCE = 1e-6  # of the scalings
MISSED = 0.05  # share of the marginals that a plan may miss


@dataclass(frozen=True)
class Pair:
    """Transport from the cells ``first`` of time ``early`` to the cells ``second`` of time ``late``, places in the table.

    ``rows`` (A, n) is where the descendants of each early cell are, by phenotype; ``mass`` (A,) its share of all descendants.
    """

    early: float
    late: float
    days: float
    first: np.ndarray
    second: np.ndarray
    rows: np.ndarray
    mass: np.ndarray


def transport_pairs(
    embedding: np.ndarray, labels: np.ndarray, times: np.ndarray, n_phenotypes: int, *, epsilon: float, growth: Growth, time_unit: str
) -> list[Pair]:
    """Transport between each pair of neighbouring ``times`` (N,) in ``embedding`` (N, d), ``times`` in ``time_unit``."""
    points = np.unique(times)
    moved = (embedding, labels, times, n_phenotypes)
    return [transport_pair(*moved, pair, epsilon=epsilon, growth=growth, time_unit=time_unit) for pair in itertools.pairwise(points)]


def transport_pair(
    embedding: np.ndarray,
    labels: np.ndarray,
    times: np.ndarray,
    n_phenotypes: int,
    pair: tuple[float, float],
    *,
    epsilon: float,
    growth: Growth,
    time_unit: str,
) -> Pair:
    """Transport between two time points, next to each other or not."""
    first, second = (np.flatnonzero(times == time) for time in pair)
    days = float(pair[1] - pair[0]) * HOURS[time_unit] / 24
    cost = squared_distances(embedding[first], embedding[second])
    weights = growth.take(first).weights(days) * np.ones(len(first))
    rows, mass = transport(cost / np.median(cost), weights, labels[second], n_phenotypes, epsilon=epsilon, relaxation=growth.relaxation)
    return Pair(float(pair[0]), float(pair[1]), days, first, second, rows, mass)


def time_points(values: np.ndarray, where: str) -> np.ndarray:
    """The times of the cells as numbers (N,). Raises InputError for what is none, and when all are the same."""
    times = numbers(values, f"{where}.time")
    if len(np.unique(times)) < 2:
        raise InputError(f"{where}.time: all cells have time {times[0]:g}; {STATIC}")
    return times


def targets_of(pairs: list[Pair], n_cells: int, n_phenotypes: int) -> np.ndarray:
    """The rows of all pairs as targets (N, n); NaN for the cells of the last time."""
    targets = np.full((n_cells, n_phenotypes), np.nan)
    for pair in pairs:
        targets[pair.first] = pair.rows
    return targets


def transport(
    cost: np.ndarray, weights: np.ndarray, later: np.ndarray, n_phenotypes: int, *, epsilon: float, relaxation: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Where the descendants of each early cell are, (A, n) by the phenotypes ``later`` (B,), and its share of all descendants, (A,).

    ``cost`` (A, B) and ``epsilon`` are in the same units. ``weights`` (A,) are the expected numbers of descendants up to a factor, held
    to exactly, or with ``relaxation`` times their Kullback-Leibler divergence. Raises InputError when the plan misses its marginals.
    """
    source = weights / weights.sum()
    target = np.full(cost.shape[1], 1 / cost.shape[1])
    cost = cost - cost.min(axis=0)  # a later cell's own potential; nothing underflows for one that is far from all
    limits = (np.inf if relaxation is None else relaxation, np.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what did not converge is told from the marginals below
        plan, log = _pot().unbalanced.sinkhorn_unbalanced(
            source,
            target,
            cost,
            epsilon,
            limits,
            method="sinkhorn_translation_invariant",
            numItermax=ITERATIONS,
            stopThr=TOLERANCE,
            log=True,
        )
    mass = plan.sum(axis=1)
    missed = np.abs(plan.sum(axis=0) - target).sum()
    missed += 0 if relaxation is not None else np.abs(mass - source).sum()
    if not missed < MISSED:  # NaN too
        raise InputError(
            f"transition.targets.epsilon is {epsilon:g}: the transport plan misses its marginals by {missed:.1%}; a larger one is needed"
        )
    own = softmax(np.log(target) + log["logv"] - cost / epsilon, axis=1)  # the plan's rows, also where their mass is nearly 0
    return own @ np.eye(n_phenotypes)[later], mass / mass.sum()


def _pot() -> ModuleType:
    try:
        import ot
    except ImportError as error:
        raise InputError(f"transition.targets.kind optimal_transport needs the package POT: .venv/bin/pip install POT ({error})") from error
    return ot
