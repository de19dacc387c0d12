"""What cells become where more than one next phenotype of a cell is known: lists, shares, and the later cells of its clone."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.transition.expression import missing_text
from cellfate.transition.targets.cells import numbers
from cellfate.transition.targets.observed import STATIC


def listed_targets(
    following: np.ndarray, separator: str, names: Sequence[str], left_out: Collection[str], where: str
) -> tuple[np.ndarray, np.ndarray]:
    """Shares (N, n) of the phenotypes that a cell's text lists (``A;A;B``: two of three are A), NaN where it is empty.

    Those that were ``left_out`` are taken from the list; how many were of each cell, (N,), is returned too. Raises InputError for any
    other name that is no phenotype, and when no cell has one.
    """
    places = {name: place for place, name in enumerate(names)}
    counts, lost = np.zeros((len(following), len(names))), np.zeros(len(following), int)
    for row, (text, gone) in enumerate(zip(following, missing_text(following), strict=True)):
        for name in [] if gone else [part.strip() for part in str(text).split(separator) if part.strip()]:
            if name in left_out:
                lost[row] += 1
            elif name in places:
                counts[row, places[name]] += 1
            else:
                raise InputError(f"{where}: row {row + 1}: next phenotype {name!r} is none of the phenotypes {', '.join(names)}")
    return _shares(counts, where), lost


def distributed_targets(
    column: Callable[[str], np.ndarray],
    prefix: str,
    names: Sequence[str],
    known: Collection[str],
    left_out: Collection[str],
    where: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Shares (N, n) from a column of numbers for each phenotype, called ``prefix`` and its name; all 0 or all empty: unknown.

    Numbers may be shares or counts of descendants. ``column`` gives the values of one, ``known`` are the names of all columns; a phenotype
    without a column is never next. Those that were ``left_out`` are taken away; whether each cell had one, (N,) of 0 and 1, is returned
    too. Raises InputError where there is no such column, for numbers below 0, and where a cell has one of no phenotype.
    """
    named = [name for name in names if f"{prefix}{name}" in known]
    if not named:
        raise InputError(f"{where}: no column is called {prefix}<phenotype>, such as {prefix}{names[0]}")
    others = [name.removeprefix(prefix) for name in known if name.startswith(prefix) and name.removeprefix(prefix) not in names]
    counts = np.zeros((len(column(f"{prefix}{named[0]}")), len(names)))
    lost = np.zeros(len(counts), int)
    for name in [*named, *others]:
        values = column(f"{prefix}{name}")
        own = numbers(np.where(missing_text(values), 0, values), f"{where}: {prefix}{name}")
        if name in names:
            counts[:, list(names).index(name)] = own
        elif name in left_out:
            lost |= own > 0
        elif (own > 0).any():
            row = int((own > 0).argmax())
            known_as = f"{name!r} is none of the phenotypes {', '.join(names)}"
            raise InputError(f"{where}: row {row + 1}: {prefix}{name} is {own[row]:g}, but {known_as}")
    if (counts < 0).any():
        row = int((counts < 0).any(axis=1).argmax())
        raise InputError(f"{where}: row {row + 1} has {counts[row].min():g} in a column {prefix}<phenotype>, 0 or more is needed")
    return _shares(counts, where), lost


def clone_targets(
    clones: np.ndarray, times: np.ndarray, labels: np.ndarray, names: Sequence[str], where: str
) -> tuple[np.ndarray, np.ndarray]:
    """Shares (N, n) of the phenotypes of the cells of the same clone at the next of the ``times`` (N,), NaN where it has none then.

    Cells without a clone have none. Which cell of a clone became which is not seen: each earlier one has the same shares. ``labels`` are
    codes, -1 of cells that were left out: they are no one's next phenotype; how many of them each cell's clone has at the next time,
    (N,), is returned too. Raises InputError with one time, and when no clone is there at two times that follow each other.
    """
    order = np.unique(times)
    if len(order) < 2:
        raise InputError(f"{where}: all cells are of one time; clones say what cells become between two")
    there = ~missing_text(clones)
    table = pd.DataFrame({"clone": clones[there].astype(str), "time": np.searchsorted(order, times[there]), "label": labels[there]})
    counts = np.zeros((len(clones), len(names) + 1))
    later = table.groupby(["clone", "time", "label"]).size().unstack(fill_value=0).reindex(columns=[*range(len(names)), -1], fill_value=0)
    wanted = pd.MultiIndex.from_arrays([table["clone"], table["time"] + 1])
    counts[there] = later.reindex(wanted, fill_value=0).to_numpy(float)
    return _shares(counts[:, :-1], where), counts[:, -1].astype(int)


def _shares(counts: np.ndarray, where: str) -> np.ndarray:
    """Rows that add up to 1; NaN where nothing was counted."""
    total = counts.sum(axis=1, keepdims=True)
    if not (total > 0).any():
        raise InputError(f"{where}: no cell has a next phenotype; {STATIC}")
    return np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
