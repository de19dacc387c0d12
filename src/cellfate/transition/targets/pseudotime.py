"""What a cell becomes, from neighbours in pseudotime."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from cellfate.base.errors import InputError
from cellfate.transition.targets.cells import numbers
from cellfate.transition.targets.observed import STATIC

NU = 0.5  # of CellRank's soft scheme


@dataclass(frozen=True)
class Directed:
    """A graph of neighbours held down behind. ``graph`` (N, N) is row-stochastic, ``rows`` (N, n) its targets by phenotype.

    ``forward`` and ``backward`` are the shares of its steps ahead and back in pseudotime; ``net_undirected`` is forward less backward
    without any bias, on the same neighbours.
    """

    graph: csr_array
    rows: np.ndarray
    forward: float
    backward: float
    net_undirected: float

    @property
    def net(self) -> float:
        """Forward less backward: 1 for a chain that only goes ahead, 0 for one without direction."""
        return self.forward - self.backward


def soft_weights(behind: np.ndarray, bias: float) -> np.ndarray:
    """The weight of a neighbour that lies ``behind`` by this share of the whole pseudotime; 1 for one that does not (0 or less).

    2 / (1 + exp(bias d))^(1 / nu) with nu = 0.5: CellRank's soft scheme (Lange et al., Nature Methods 2022), which falls to a half at
    once; 0.36 at 0.03 back with a bias of 10.
    """
    return np.where(behind > 0, 2 / (1 + np.exp(bias * np.maximum(0, behind))) ** (1 / NU), 1.0)


def pseudotime_graph(
    embedding: np.ndarray,
    labels: np.ndarray,
    pseudotime: np.ndarray,
    n_phenotypes: int,
    *,
    neighbours: int,
    bias: float,
    where: str = "transition.targets",
) -> Directed:
    """Each cell's nearest neighbours in ``embedding`` (N, d), those behind it held down by :func:`soft_weights`.

    One step is one step of this graph, not a unit of time. Raises InputError for pseudotimes that are no numbers or are all the same.
    """
    pseudotime = numbers(pseudotime, f"{where}.pseudotime")
    length = np.ptp(pseudotime)
    if length == 0:
        raise InputError(f"{where}.pseudotime: all cells have the same value; {STATIC}")
    near = cKDTree(embedding).query(embedding, k=min(neighbours + 1, len(embedding)))[1][:, 1:]
    behind = (pseudotime[:, None] - pseudotime[near]) / length
    weights = soft_weights(behind, bias)
    weights /= weights.sum(axis=1, keepdims=True)
    starts = np.arange(0, near.size + 1, near.shape[1])
    graph = csr_array((weights.ravel(), near.ravel(), starts), shape=(len(embedding), len(embedding)))
    ahead, back = (float((weights * side).sum(axis=1).mean()) for side in (behind < 0, behind > 0))
    return Directed(graph, graph @ np.eye(n_phenotypes)[labels], ahead, back, float((behind < 0).mean() - (behind > 0).mean()))
