"""What a cell becomes: a distribution over next phenotypes for each cell, from descendants, time points or pseudotime.

Static labels say what a cell is, never what it becomes, so no transition can be learned from them: they are refused here. An
undirected neighbour graph of a snapshot is no target either: as an estimate of transitions it is worse than knowing nothing.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.special import logsumexp

from cellfate.errors import InputError
from cellfate.transition_expression import missing_text

KINDS = ("observed", "optimal_transport", "pseudotime", "static")
ITERATIONS = 300  # of Sinkhorn at most
TOLERANCE = 1e-4  # of the marginals
STATIC = (
    "the labels are static: they say what a cell is, not what it becomes, and are refused as transitions. Give a column of observed "
    "next phenotypes, of times or of pseudotimes (transition.targets), or say kind: static for a classification with its confusion matrix"
)


def observed_targets(following: np.ndarray, labels: np.ndarray, names: Sequence[str], where: str = "transition.targets") -> np.ndarray:
    """One-hot rows (N, n) of the phenotype of each cell's observed descendant, from its name in ``following``; NaN where it is empty.

    Raises InputError for a name that is no phenotype, when none is known, and when every one equals the cell's own label: then the
    column holds static labels.
    """
    missing = missing_text(following)
    if missing.all():
        raise InputError(f"{where}: no cell has a next phenotype; {STATIC}")
    places = {name: place for place, name in enumerate(names)}
    unknown = sorted({str(value) for value in following[~missing]} - set(places))
    if unknown:
        raise InputError(f"{where}: next phenotype {unknown[0]!r} is none of the phenotypes {', '.join(names)}")
    codes = np.array([places[str(value)] if not gone else -1 for value, gone in zip(following, missing, strict=True)])
    if (codes == labels)[~missing].all():
        raise InputError(f"{where}: every next phenotype equals the cell's own label; {STATIC}")
    targets = np.full((len(codes), len(names)), np.nan)
    targets[~missing] = np.eye(len(names))[codes[~missing]]
    return targets


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
    times = _numbers(times, f"{where}.time")
    points = np.unique(times)
    if len(points) < 2:
        raise InputError(f"{where}.time: all cells have time {points[0]:g}; {STATIC}")
    targets = np.full((len(times), n_phenotypes), np.nan)
    for early, late in itertools.pairwise(points):
        first, second = np.flatnonzero(times == early), np.flatnonzero(times == late)
        cost = _squared_distances(embedding[first], embedding[second])
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


def pseudotime_targets(
    embedding: np.ndarray,
    labels: np.ndarray,
    pseudotime: np.ndarray,
    n_phenotypes: int,
    *,
    neighbours: int,
    bias: float,
    where: str = "transition.targets",
) -> np.ndarray:
    """Distributions (N, n) over the phenotypes of each cell's nearest neighbours, those behind it in pseudotime held down.

    A neighbour ahead weighs 1, one behind 2 / (1 + exp(bias d)), d the share of the whole range that it lies behind (the soft
    scheme of CellRank, Lange et al., Nature Methods 2022). One step is one step of this graph, not a unit of time. Raises
    InputError for pseudotimes that are no numbers or are all the same.
    """
    pseudotime = _numbers(pseudotime, f"{where}.pseudotime")
    length = np.ptp(pseudotime)
    if length == 0:
        raise InputError(f"{where}.pseudotime: all cells have the same value; {STATIC}")
    near = cKDTree(embedding).query(embedding, k=min(neighbours + 1, len(embedding)))[1][:, 1:]
    behind = np.maximum(0, pseudotime[:, None] - pseudotime[near]) / length
    weights = 2 / (1 + np.exp(bias * behind))
    rows = np.zeros((len(embedding), n_phenotypes))
    np.add.at(rows, (np.arange(len(embedding))[:, None], labels[near]), weights)
    return rows / rows.sum(axis=1, keepdims=True)


def static_targets(n_cells: int, n_phenotypes: int) -> np.ndarray:
    """No target at all, (N, n) of NaN: the networks then learn the present phenotype alone."""
    return np.full((n_cells, n_phenotypes), np.nan)


def check_transitions(targets: np.ndarray) -> np.ndarray:
    """``targets`` when some cell has one; an InputError says that static labels are no transitions."""
    if np.isnan(targets).any(axis=1).all():
        raise InputError(f"transition matrix: {STATIC}")
    return targets


def _numbers(values: np.ndarray, key: str) -> np.ndarray:
    numbers = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(float)
    if not np.isfinite(numbers).all():
        place = int((~np.isfinite(numbers)).argmax())
        raise InputError(f"{key}: row {place + 1} is {values[place]!r}, a number is needed for every cell")
    return numbers


def _squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.maximum(0, (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T)
