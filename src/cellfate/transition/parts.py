"""Cells in parts: to train, to choose the weights by, and to look at; or dealt so that each is left out once."""

import itertools
from collections.abc import Sequence

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from cellfate.base.errors import InputError

SPLITS = ("train", "validation", "test")


def split_cells(
    codes: np.ndarray, fractions: Sequence[float], seed: int, groups: np.ndarray | None = None, *, names: Sequence[str]
) -> np.ndarray:
    """train, validation or test for each cell (N,), by ``fractions`` within each phenotype; ``groups`` (donors) stay whole where given.

    ``names`` are those of the phenotypes. Raises InputError when a phenotype has no cell in some part.
    """
    rng = np.random.default_rng(seed)
    parts = np.empty(len(codes), dtype=object)
    units = np.arange(len(codes)) if groups is None else np.unique(groups.astype(str), return_inverse=True)[1]
    strata = [codes == code for code in np.unique(codes)] if groups is None else [np.ones(len(codes), bool)]
    for stratum in strata:
        members = rng.permutation(np.unique(units[stratum]))
        ends = np.round(np.cumsum(fractions) * len(members)).astype(int)
        for name, chosen in zip(SPLITS, np.split(members, ends[:-1]), strict=True):
            parts[stratum & np.isin(units, chosen)] = name
    for name in SPLITS:
        absent = sorted(set(codes.tolist()) - set(codes[parts == name].tolist()))
        if absent:
            what = "cells" if groups is None else "groups (transition.group)"
            raise InputError(
                f"split of the cells: phenotype {names[absent[0]]!r} has no cell in the {name} part; more {what} with it are needed, "
                "another transition.fractions or another seed"
            )
    return parts


def deal(phenotype: np.ndarray, parts: int, groups: np.ndarray | None = None, *, seed: int, names: Sequence[str]) -> list[np.ndarray]:
    """Every cell in one of ``parts``, each phenotype spread evenly, ``groups`` (N,) whole where given: bool (N,) for each part.

    ``names`` are those of the phenotypes. Raises InputError when a phenotype has fewer cells (groups) than there are parts, or is in one
    part alone.
    """
    code, fewest = rarest(phenotype, groups)
    if not 2 <= parts <= fewest:
        what = ("cells" if groups is None else "groups")[: None if fewest > 1 else -1]
        allowed = f"0 or from 2 to {fewest}" if fewest > 1 else "0"
        least = f"the rarest phenotype, {names[code]!r}, has {fewest} {what}"
        raise InputError(f"transition.knockouts.refits is {parts}: it must be {allowed}; {least}")
    found = stratified(phenotype, parts, groups, seed)
    for code, held in itertools.product(np.unique(phenotype), found):
        if not (phenotype[~held] == code).any():
            raise InputError(f"transition.knockouts.refits is {parts}: all cells of phenotype {names[code]!r} would be left out at once")
    return found


def check_refits(phenotype: np.ndarray, refits: int, groups: np.ndarray | None, *, names: Sequence[str]) -> None:
    """What :func:`deal` would refuse, before anything is trained; nothing with 0 refits."""
    if refits:
        deal(phenotype, refits, groups, seed=0, names=names)


def rarest(phenotype: np.ndarray, groups: np.ndarray | None) -> tuple[int, int]:
    """The phenotype with the fewest cells (groups), and how many these are."""
    units = np.arange(len(phenotype)) if groups is None else groups
    sizes = {int(code): len(np.unique(units[phenotype == code])) for code in np.unique(phenotype)}
    code = min(sizes, key=sizes.get)
    return code, sizes[code]


def stratified(phenotype: np.ndarray, parts: int, groups: np.ndarray | None, seed: int) -> list[np.ndarray]:
    """:func:`deal` without its refusals."""
    split = (StratifiedKFold if groups is None else StratifiedGroupKFold)(parts, shuffle=True, random_state=seed)
    places = np.arange(len(phenotype))
    return [np.isin(places, held) for _, held in split.split(places, phenotype, groups)]
