"""What a cell becomes, where it was observed, or where only the present is known."""

from collections.abc import Sequence

import numpy as np

from cellfate.base.errors import InputError
from cellfate.transition.expression import missing_text

KINDS = ("observed", "distribution", "clones", "optimal_transport", "pseudotime", "static")
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


def static_targets(n_cells: int, n_phenotypes: int) -> np.ndarray:
    """No target at all, (N, n) of NaN: the networks then learn the present phenotype alone."""
    return np.full((n_cells, n_phenotypes), np.nan)


def check_transitions(targets: np.ndarray) -> np.ndarray:
    """``targets`` when some cell has one; an InputError says that static labels are no transitions."""
    if np.isnan(targets).any(axis=1).all():
        raise InputError(f"transition matrix: {STATIC}")
    return targets
