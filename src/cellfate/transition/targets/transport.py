"""What a cell becomes, from time points, by optimal transport in which cells may grow.

The entropic plan is that of POT (Flamary et al., JMLR 2021), as in Waddington-OT (Schiebinger et al., Cell 2019): every later cell
comes from somewhere, an earlier cell has as many descendants as its growth gives, exactly or up to a relaxation.
"""

import itertools
import warnings
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from scipy.special import logsumexp, softmax

from cellfate.base.errors import InputError
from cellfate.transition.targets.cells import numbers, squared_distances
from cellfate.transition.targets.growth import HOURS, Growth
from cellfate.transition.targets.observed import STATIC

ITERATIONS = 5000  # of Sinkhorn at most
TOLERANCE = 1e-6  # of the scalings
MISSED = 0.05  # share of the marginals that a plan may miss
BATCH = 1024  # earlier cells whose rows are computed at once


@dataclass(frozen=True)
class Pair:
    """Transport from the cells ``first`` of time ``early`` to the cells ``second`` of time ``late``, places in the table.

    ``rows`` (A, n) is where the descendants of each early cell are, by phenotype; ``mass`` (A,) its share of all descendants. ``planned``
    cells of either time are in the plan.
    """

    early: float
    late: float
    days: float
    first: np.ndarray
    second: np.ndarray
    rows: np.ndarray
    mass: np.ndarray
    planned: tuple[int, int]

    def in_words(self) -> str:
        """How many cells are in the plan, empty where all are."""
        cells = len(self.first), len(self.second)
        if self.planned == cells:
            return ""
        (few, fewer), (many, more) = self.planned, cells
        return (
            f"transport {self.early:g} to {self.late:g}: the plan is of {few} of {many} and {fewer} of {more} cells "
            "(transition.targets.plan_cells); where the others' descendants are follows from it"
        )


@dataclass(frozen=True)
class Potentials:
    """An entropic plan by what it gives each later cell: enough for the row of any earlier cell, in the plan or not."""

    of_later: np.ndarray  # log v less the cell's own lowest cost over epsilon, (B,)
    epsilon: float
    relaxation: float | None

    def rows(self, cost: np.ndarray) -> np.ndarray:
        """Where the descendants of earlier cells are, of ``cost`` (A, B) to the later ones of the plan: (A, B), each adds up to 1."""
        return softmax(self.of_later - cost / self.epsilon, axis=1)

    def mass(self, cost: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Descendants of earlier cells (A,) up to a factor: as many as their ``weights`` say, or as far as the relaxation lets them."""
        if self.relaxation is None:
            return weights
        firmness = self.relaxation / (self.relaxation + self.epsilon)
        return weights * np.exp((1 - firmness) * logsumexp(self.of_later - cost / self.epsilon, axis=1))


def transport_pairs(
    embedding: np.ndarray, labels: np.ndarray, times: np.ndarray, n_phenotypes: int, *, growth: Growth, **plan: object
) -> list[Pair]:
    """Transport between each pair of neighbouring ``times`` (N,) in ``embedding`` (N, d); ``plan`` goes to :func:`transport_pair`."""
    points = np.unique(times)
    moved = (embedding, labels, times, n_phenotypes)
    return [transport_pair(*moved, pair, growth=growth, **plan) for pair in itertools.pairwise(points)]


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
    plan_cells: int,
) -> Pair:
    """Transport between two time points, next to each other or not; ``times`` in ``time_unit``.

    At most ``plan_cells`` cells of either time are in the plan, drawn at random; the rows of the other earlier cells follow from it.
    """
    first, second = (np.flatnonzero(times == time) for time in pair)
    days = float(pair[1] - pair[0]) * HOURS[time_unit] / 24
    weights = growth.take(first).weights(days) * np.ones(len(first))
    early, late = (_drawn(len(cells), plan_cells) for cells in (first, second))
    cost = squared_distances(embedding[first[early]], embedding[second[late]])
    scale = float(np.median(cost))
    how = {"epsilon": epsilon, "relaxation": growth.relaxation}
    if len(early) == len(first):
        rows, mass = transport(cost / scale, weights, labels[second[late]], n_phenotypes, **how)
    else:
        potentials, _ = plan_of(cost / scale, weights[early], **how)
        rows, mass = np.empty((len(first), n_phenotypes)), np.empty(len(first))
        for start in range(0, len(first), BATCH):
            part = slice(start, start + BATCH)
            cost = squared_distances(embedding[first[part]], embedding[second[late]]) / scale
            rows[part] = potentials.rows(cost) @ np.eye(n_phenotypes)[labels[second[late]]]
            mass[part] = potentials.mass(cost, weights[part])
        mass /= mass.sum()
    return Pair(float(pair[0]), float(pair[1]), days, first, second, rows, mass, (len(early), len(late)))


def _drawn(cells: int, most: int) -> np.ndarray:
    """Places of at most ``most`` of the cells, drawn at random, in order."""
    return np.arange(cells) if cells <= most else np.sort(np.random.default_rng(0).choice(cells, most, replace=False))


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
    potentials, plan = plan_of(cost, weights, epsilon=epsilon, relaxation=relaxation)
    mass = plan.sum(axis=1)
    return potentials.rows(cost) @ np.eye(n_phenotypes)[later], mass / mass.sum()


def plan_of(cost: np.ndarray, weights: np.ndarray, *, epsilon: float, relaxation: float | None) -> tuple[Potentials, np.ndarray]:
    """The plan (A, B) of :func:`transport`, and its potentials, which give rows also where their mass is nearly 0."""
    source = weights / weights.sum()
    target = np.full(cost.shape[1], 1 / cost.shape[1])
    lowest = cost.min(axis=0)  # of a later cell: its own potential; nothing underflows for one that is far from all
    limits = (np.inf if relaxation is None else relaxation, np.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what did not converge is told from the marginals below
        plan, log = _pot().unbalanced.sinkhorn_unbalanced(
            source,
            target,
            cost - lowest,
            epsilon,
            limits,
            method="sinkhorn_translation_invariant",
            numItermax=ITERATIONS,
            stopThr=TOLERANCE,
            log=True,
        )
    missed = np.abs(plan.sum(axis=0) - target).sum()
    missed += 0 if relaxation is not None else np.abs(plan.sum(axis=1) - source).sum()
    if not missed < MISSED:  # NaN too
        raise InputError(
            f"transition.targets.epsilon is {epsilon:g}: the transport plan misses its marginals by {missed:.1%}; a larger one is needed"
        )
    return Potentials(log["logv"] + lowest / epsilon, epsilon, relaxation), plan


def _pot() -> ModuleType:
    try:
        import ot
    except ImportError as error:
        raise InputError(f"transition.targets.kind optimal_transport needs the package POT: .venv/bin/pip install POT ({error})") from error
    return ot
