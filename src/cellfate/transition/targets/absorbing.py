"""Phenotypes of which no cell has a next one: absorbing states, whose cells stay what they are."""

from collections.abc import Sequence

import numpy as np

from cellfate.base.errors import InputError


def with_absorbing(
    targets: np.ndarray, phenotype: np.ndarray, names: Sequence[str], min_cells: int, source: str, lost: np.ndarray | None = None
) -> tuple[np.ndarray, tuple[int, ...]]:
    """``targets`` (N, n) in which the cells of absorbing phenotypes stay what they are, and the codes of these phenotypes.

    A phenotype is absorbing where none of its cells has a target: none was observed, or all are of the last time point. Raises
    InputError where some cells of a phenotype have one, but fewer than ``min_cells``, and where none has one because all that follow it
    were left out: ``lost`` (N,) counts these for each cell.
    """
    known = ~np.isnan(targets).any(axis=1)
    found, absorbing = targets.copy(), []
    for code, name in enumerate(names):
        own = phenotype == code
        followed = int((own & known).sum())
        if not followed and lost is not None and (lost[own] > 0).any():
            raise InputError(
                f"{source}: phenotype {name!r} is followed, but only by cells that were left out (transition.leave_out), so it is not "
                "absorbing and nothing is known of what it becomes; rare in transition.leave_out leaves it out too"
            )
        if not followed:
            found[own] = np.eye(len(names))[code]
            absorbing.append(code)
        elif followed < min_cells:
            raise InputError(
                f"{source}: only {followed} of the {int(own.sum())} cells of phenotype {name!r} have a next phenotype, at least "
                f"{min_cells} are needed (transition.min_cells); without any it would be an absorbing phenotype. rare in "
                "transition.leave_out leaves such phenotypes out"
            )
    return found, tuple(absorbing)


def seldom_followed(targets: np.ndarray, phenotype: np.ndarray, least: int, ever: np.ndarray) -> np.ndarray:
    """Which phenotypes have fewer than ``least`` cells with a target, but not none, (n,) bool; ``targets`` (N, n), ``phenotype`` (N,).

    ``ever`` (n,) bool says of which ones some cell was followed. Such a one without any target is one of these, not absorbing: its next
    phenotypes were left out, and it does not stay what it is.
    """
    known = ~np.isnan(targets).any(axis=1)
    return ever & (np.bincount(phenotype[known], minlength=len(ever)) < least)


def held(q: np.ndarray, phenotype: np.ndarray, absorbing: Sequence[int]) -> np.ndarray:
    """``q`` (N, n) in which the cells of ``absorbing`` phenotypes stay what they are, with probability 1."""
    stays = np.isin(phenotype, list(absorbing))
    return np.where(stays[:, None], np.eye(q.shape[1])[phenotype], q) if stays.any() else q
