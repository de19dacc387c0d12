"""What a cell becomes, from neighbours in pseudotime."""

import numpy as np
from scipy.spatial import cKDTree

from cellfate.base.errors import InputError
from cellfate.transition.targets.cells import numbers
from cellfate.transition.targets.observed import STATIC


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
    pseudotime = numbers(pseudotime, f"{where}.pseudotime")
    length = np.ptp(pseudotime)
    if length == 0:
        raise InputError(f"{where}.pseudotime: all cells have the same value; {STATIC}")
    near = cKDTree(embedding).query(embedding, k=min(neighbours + 1, len(embedding)))[1][:, 1:]
    behind = np.maximum(0, pseudotime[:, None] - pseudotime[near]) / length
    weights = 2 / (1 + np.exp(bias * behind))
    rows = np.zeros((len(embedding), n_phenotypes))
    np.add.at(rows, (np.arange(len(embedding))[:, None], labels[near]), weights)
    return rows / rows.sum(axis=1, keepdims=True)
