"""Which cells are on the page: all that were called wrongly, those in figures, then others as far as there is room, drawn at random."""

from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd


def choose_cells(cells: pd.DataFrame, shown: Collection[str], max_cells: int, seed: int) -> tuple[pd.DataFrame, list[str]]:
    """At most ``max_cells`` rows of the cells of :class:`Said`, in their order, and in words which were taken.

    Wrong calls come first, then those that figures have ``shown``, other right ones, and cells of which nothing says whether they are; of
    a group for which there is not room enough, cells are drawn at random.
    """
    generator = np.random.default_rng(seed)
    room, taken, words = max_cells, [], []
    for name, rows in _groups(cells, set(shown)):
        n = min(len(rows), room)
        drawn = rows if n == len(rows) else np.sort(generator.choice(rows, n, replace=False))
        taken.append(drawn)
        room -= n
        words.append(how_many(name, len(rows), n, seed))
    return cells.iloc[np.sort(np.concatenate(taken))] if taken else cells, words or ["There is no cell to show."]


def _groups(cells: pd.DataFrame, shown: Collection[str]) -> Iterator[tuple[str, np.ndarray]]:
    """The name of each group that has cells, and their rows; a cell is in the first that it belongs to."""
    right = cells["right"].astype("Float64")
    groups = {
        "called wrongly": right.eq(0),
        "that figures show": cells["trajectory"].isin(set(shown)),
        "called rightly": right.eq(1),
        "without a fate to compare with": right.isna(),
    }
    left = np.ones(len(cells), bool)
    for name, belongs in groups.items():
        own = left & belongs.fillna(False).to_numpy(bool)
        left &= ~own
        if own.any():
            yield name, np.flatnonzero(own)


def how_many(name: str, n_cells: int, n_taken: int, seed: int) -> str:
    """In words how many of the cells with that ``name`` were taken."""
    cells = f"{n_cells} cell{'s' * (n_cells != 1)}"
    if n_taken == n_cells:
        return f"All {cells} {name}." if n_cells > 1 else f"The one cell {name}."
    return f"Of {cells} {name} {n_taken or 'none'}, drawn at random (seed {seed})." if n_taken else f"None of {cells} {name}: no room."
