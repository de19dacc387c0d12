"""Simulated cells whose next phenotype depends on planted genes, with the exact effect of every knockout.

Four kinds of genes. *Regulators* belong to a pathway each; a pathway raises the odds of one edge (its phenotype to the next one).
*Followers* go with a regulator and do nothing. *Markers* tell the phenotype and do nothing. The others are noise. Present and next
phenotype, counts and times are written as an ordinary h5ad file; the truth goes into a file of its own.

The next phenotype of a cell of phenotype i is drawn from softmax_j(a_ij + sum_g W_gij (f_g - mu_g) / sd_g), where f_g = log1p of
the gene's true rate. A knockout sets f_g to 0 and nothing else, so its effect on the transition matrix is known exactly.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import softmax

from cellfate.base.errors import InputError
from cellfate.base.hdf5 import writing_hdf5
from cellfate.transition.h5ad import write_h5ad

PHENOTYPES = ("A", "B", "C", "D")
PATHWAY_EDGES = ((0, 1), (1, 2), (2, 3))  # the edge that each pathway drives
REGULATORS_PER_PATHWAY = 5
FOLLOWERS_PER_REGULATOR = 1
MARKERS_PER_PHENOTYPE = 4
RATE = 12.0  # mean counts of a gene in a cell of average depth
SPREAD = 0.8  # standard deviation of the log rate between cells
FOLLOWING = 0.75  # correlation of a follower's log rate with its regulator's
MARKER_SHIFT = 1.1  # of the log rate in a marker's own phenotype
DEPTH_SPREAD = 0.25  # standard deviation of the log depth
STAYING, FORWARD, ELSEWHERE = 0.6, 0.0, -2.0  # logits a_ij
EFFECT = 0.8  # W of a regulator on its edge, per standard deviation
INHERITED = 0.6  # correlation of a descendant's log rates with its mother's


@dataclass(frozen=True)
class SimulatedCells:
    """``counts`` (N, m) and the columns of each cell; the truth is in the last four fields."""

    counts: np.ndarray
    genes: list[str]
    phenotype: np.ndarray  # (N,) codes
    following: np.ndarray  # (N,) codes, -1 where no descendant was seen
    time: np.ndarray  # (N,) 0 or 1
    pseudotime: np.ndarray  # (N,)
    pathways: dict[str, list[str]]
    probabilities: np.ndarray  # (N, n) of the next phenotype
    knockouts: np.ndarray  # (m, N, n) the same with one gene at 0
    pathway_knockouts: np.ndarray  # (pathways, N, n) the same with a whole pathway at 0
    roles: np.ndarray  # (m,) regulator, follower, marker, other


def simulate_cells(*, n_cells: int, n_later: int, n_genes: int, seed: int) -> SimulatedCells:
    """``n_cells`` whose next phenotype is known, at time 0, and ``n_later`` descendants of other cells alike, at time 1.

    Raises InputError when ``n_genes`` is less than the planted genes need.
    """
    rng = np.random.default_rng(seed)
    roles = _roles(n_genes)
    names = _names(roles)
    order = rng.permutation(n_genes)  # planted genes stand anywhere in the file
    weights = _weights(roles)
    typical = RATE * np.exp(rng.normal(0, 0.3, n_genes))

    def scaled(log_rates: np.ndarray) -> np.ndarray:
        rates = np.log1p(typical * np.exp(SPREAD * log_rates))
        return (rates - middle) / width

    reference = np.log1p(typical * np.exp(SPREAD * rng.standard_normal((4000, n_genes))))
    middle, width = reference.mean(axis=0), reference.std(axis=0)
    phenotype = rng.integers(len(PHENOTYPES), size=n_cells + n_later)
    state = _log_rates(phenotype, roles, rng)
    probabilities = _next(scaled(state), weights, phenotype)
    following = _draw(probabilities, rng)
    later = np.arange(n_cells + n_later) >= n_cells
    seen = np.where(later, following, phenotype)
    observed = state.copy()
    observed[later] = _log_rates(following[later], roles, rng, mother=state[later])
    counts = _counts(observed, typical, rng)
    pseudotime = seen + rng.random(len(seen))
    level = scaled(state)[~later]
    zero = -middle / width  # what f_g = 0 is on the scale of W
    knockouts = np.stack([_next(_with(level, [g], zero), weights, phenotype[~later]) for g in order])
    groups = [np.flatnonzero(weights.any(axis=2)[:, i]) for i, _ in PATHWAY_EDGES]
    pathways = {
        f"pathway_{PHENOTYPES[i]}{PHENOTYPES[j]}": [names[g] for g in group] for (i, j), group in zip(PATHWAY_EDGES, groups, strict=True)
    }
    whole = np.stack([_next(_with(level, group, zero), weights, phenotype[~later]) for group in groups])
    return SimulatedCells(
        counts[:, order],
        [names[g] for g in order],
        seen,
        np.where(later, -1, following),
        later.astype(float),
        pseudotime,
        pathways,
        probabilities[~later],
        knockouts,
        whole,
        roles[order],
    )


def _roles(n_genes: int) -> np.ndarray:
    regulators = REGULATORS_PER_PATHWAY * len(PATHWAY_EDGES)
    planted = ["regulator"] * regulators + ["follower"] * (regulators * FOLLOWERS_PER_REGULATOR)
    planted += ["marker"] * (MARKERS_PER_PHENOTYPE * len(PHENOTYPES))
    if n_genes < len(planted):
        raise InputError(f"simulation: {n_genes} genes, at least {len(planted)} are planted")
    return np.array(planted + ["other"] * (n_genes - len(planted)))


def _names(roles: np.ndarray) -> list[str]:
    seen: dict[str, int] = {}
    names = []
    for role in roles:
        seen[role] = seen.get(role, 0) + 1
        names.append(f"{role.upper()}{seen[role]:02d}")
    return names


def _weights(roles: np.ndarray) -> np.ndarray:
    """W (m, n, n): each regulator acts on the edge of its pathway alone."""
    weights = np.zeros((len(roles), len(PHENOTYPES), len(PHENOTYPES)))
    for g in np.flatnonzero(roles == "regulator"):
        i, j = PATHWAY_EDGES[g // REGULATORS_PER_PATHWAY]
        weights[g, i, j] = EFFECT
    return weights


def _log_rates(phenotype: np.ndarray, roles: np.ndarray, rng: np.random.Generator, mother: np.ndarray | None = None) -> np.ndarray:
    """Standardised log rates (N, m) of cells; a descendant keeps part of its mother's, but for the markers."""
    values = rng.standard_normal((len(phenotype), len(roles)))
    if mother is not None:
        values = INHERITED * mother + np.sqrt(1 - INHERITED**2) * values
    followers, regulators = np.flatnonzero(roles == "follower"), np.flatnonzero(roles == "regulator")
    for index, g in enumerate(followers):
        values[:, g] = FOLLOWING * values[:, regulators[index // FOLLOWERS_PER_REGULATOR]] + np.sqrt(1 - FOLLOWING**2) * values[:, g]
    markers = np.flatnonzero(roles == "marker")
    values[:, markers] = rng.standard_normal((len(phenotype), len(markers)))
    for index, g in enumerate(markers):
        values[:, g] += MARKER_SHIFT / SPREAD * (phenotype == index // MARKERS_PER_PHENOTYPE)
    return values


def _next(level: np.ndarray, weights: np.ndarray, phenotype: np.ndarray) -> np.ndarray:
    """Probabilities (N, n) of the next phenotype of cells with scaled expression ``level`` (N, m)."""
    n = len(PHENOTYPES)
    base = np.full((n, n), ELSEWHERE) + np.diag(np.full(n, STAYING - ELSEWHERE))
    for i, j in PATHWAY_EDGES:
        base[i, j] = FORWARD
    return softmax(base[phenotype] + np.einsum("cg,cgj->cj", level, weights[:, phenotype].transpose(1, 0, 2)), axis=1)


def _with(level: np.ndarray, genes: list[int] | np.ndarray, values: np.ndarray) -> np.ndarray:
    changed = level.copy()
    changed[:, genes] = values[genes]
    return changed


def _draw(probabilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    below = rng.random((len(probabilities), 1)) > probabilities.cumsum(axis=1)[:, :-1]
    return below.sum(axis=1)


def _counts(log_rates: np.ndarray, typical: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    depth = np.exp(rng.normal(0, DEPTH_SPREAD, (len(log_rates), 1)))
    return rng.poisson(depth * typical * np.exp(SPREAD * log_rates))


def write_cells(cells: SimulatedCells, path: str | Path) -> None:
    """What a real h5ad file could hold: counts, and phenotype, next_phenotype, time and pseudotime of each cell."""
    named = np.array([*PHENOTYPES, ""], dtype=object)  # the last one for cells without a descendant
    columns = {"phenotype": named[cells.phenotype], "next_phenotype": named[cells.following], "time": cells.time}
    names = [cell_name(index) for index in range(len(cells.counts))]
    write_h5ad(path, cells.counts.astype(np.int32), names, cells.genes, columns | {"pseudotime": cells.pseudotime})


def write_truth(cells: SimulatedCells, path: str | Path) -> None:
    """The truth of :func:`simulate_cells` as HDF5; only the scoring against the truth reads it."""
    with writing_hdf5(path) as file:
        for name in ("probabilities", "knockouts", "pathway_knockouts"):
            file.create_dataset(name, data=getattr(cells, name).astype(np.float32), compression="gzip")
        file["genes"], file["roles"] = cells.genes, cells.roles.astype("S")
        file["cells"] = [cell_name(index) for index in np.flatnonzero(cells.time == 0)]
        file["phenotype"] = cells.phenotype[cells.time == 0]
        file["phenotypes"], file["pathways"] = list(PHENOTYPES), list(cells.pathways)
        file["pathway_edges"] = np.array(PATHWAY_EDGES)


def cell_name(index: int) -> str:
    return f"cell{index:05d}"
