"""Which cells are on the page: all that were called wrongly, those in figures, then others as far as there is room, drawn at random."""

from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pandas as pd

IN_FIGURES = "that figures show"
LATER = ("called rightly", "without a fate to compare with")  # taken after those


def choose_cells(cells: pd.DataFrame, shown: Collection[str], max_cells: int, seed: int) -> tuple[pd.DataFrame, list[str]]:
    """At most ``max_cells`` rows of the cells of :class:`Said`, in their order, and in words which were taken.

    Wrong calls come first, then those that figures have ``shown``, other right ones, and cells of which nothing says whether they are; of
    a group for which there is not room enough, cells are drawn at random.
    """
    generator = np.random.default_rng(seed)
    room, taken = max_cells, []
    every = _members(cells, set(shown))
    for rows in _groups(every):
        n = min(len(rows), room)
        drawn = rows if n == len(rows) else np.sort(generator.choice(rows, n, replace=False))
        taken.append(drawn)
        room -= n
    if not taken:
        return cells, ["There is no cell to show."]
    places = np.sort(np.concatenate(taken))
    words = []
    for name, own in every.items():
        if own.any():
            in_figures = name in LATER and (own & every[IN_FIGURES]).any()
            first = "those in figures first, others " if in_figures else ""
            words.append(how_many(name, int(own.sum()), int(own[places].sum()), seed, first))
    return cells.iloc[places], words


def _members(cells: pd.DataFrame, shown: Collection[str]) -> dict[str, np.ndarray]:
    """The name of each group, in the order in which they are taken, and which cells belong to it (N,); a cell may belong to two."""
    right = cells["right"].astype("Float64")
    groups = {
        "called wrongly": right.eq(0),
        IN_FIGURES: cells["trajectory"].isin(set(shown)),
        LATER[0]: right.eq(1),
        LATER[1]: right.isna(),
    }
    return {name: belongs.fillna(False).to_numpy(bool) for name, belongs in groups.items()}


def _groups(members: Mapping[str, np.ndarray]) -> Iterator[np.ndarray]:
    """The rows of each group that has cells; a cell is in the first that it belongs to."""
    left = np.ones(len(next(iter(members.values()))), bool)
    for belongs in members.values():
        own = left & belongs
        left &= ~own
        if own.any():
            yield np.flatnonzero(own)


def how_many(name: str, n_cells: int, n_taken: int, seed: int, first: str = "") -> str:
    """In words how many of the cells with that ``name`` were taken, ``first`` before those that were drawn."""
    cells = f"{n_cells} cell{'s' * (n_cells != 1)}"
    if n_taken == n_cells:
        return f"All {cells} {name}." if n_cells > 1 else f"The one cell {name}."
    return f"Of {cells} {name} {n_taken}, {first}drawn at random (seed {seed})." if n_taken else f"None of {cells} {name}: no room."
