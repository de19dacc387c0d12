"""The order in which cells come to be labelled."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.tables import COUNT, FLOAT, STR, UNIT_NULL, Table, read_tables

RANDOM, RECORDING, UNSURE = "random", "recording", "unsure"
# of the tables of fates over time, of held-out tracks and of new recordings, what is needed here
PREDICTED = Table(
    "fates over time",
    {"recording": STR, "track_id": COUNT, "frame": COUNT, "horizon_hours": FLOAT, "positive_given_event": UNIT_NULL},
    open=True,
)


def in_order(cells: pd.DataFrame, order: str, predictions: Sequence[str | Path], seed: int) -> tuple[pd.DataFrame, str]:
    """The ``cells`` (recording, track_id) in their order, and in words which it is.

    ``random``: drawn by ``seed``. ``recording``: one of each recording in turn, each recording's at random. ``unsure``: by how near the
    probability of the positive outcome, given that either comes, is to one half, at the last frame and the longest horizon of the
    ``predictions`` (several of one track: their mean); cells of which nothing is predicted come last, at random. Raises InputError where
    nothing is predicted of any.
    """
    drawn = cells.iloc[np.random.default_rng(seed).permutation(len(cells))]
    if order == RECORDING:
        turn = drawn.groupby("recording").cumcount()
        return drawn.iloc[np.argsort(turn.to_numpy(), kind="stable")], f"One of each recording in turn, drawn at random (seed {seed})."
    if order == RANDOM:
        return drawn, f"In random order (seed {seed})."
    sure = _sureness(drawn, predictions)
    if sure.isna().all():
        raise InputError(
            f"explorer.label.order is {UNSURE}, but nothing is predicted of any of these {len(cells)} cells in "
            f"{', '.join(map(str, predictions)) or 'this data set'}; {RANDOM} and {RECORDING} need no predictions"
        )
    words = f"What the model is least sure of comes first; {int(sure.isna().sum())} of {len(cells)} cells have no prediction and come last."
    return drawn.iloc[np.argsort(sure.fillna(np.inf).to_numpy(), kind="stable")], words


def _sureness(cells: pd.DataFrame, paths: Sequence[str | Path]) -> pd.Series:
    """How far from one half what is predicted of each cell is, in the order of ``cells``; NaN where nothing is."""
    if not paths:
        return pd.Series(np.nan, index=cells.index)
    key = ["recording", "track_id"]
    rows = read_tables(paths, PREDICTED).dropna(subset="positive_given_event")
    rows = rows[rows["horizon_hours"] == rows.groupby(key)["horizon_hours"].transform("max")]
    rows = rows[rows["frame"] == rows.groupby(key)["frame"].transform("max")]
    mean = rows.groupby(key)["positive_given_event"].mean()
    found = mean.reindex(pd.MultiIndex.from_frame(cells[key])).to_numpy(float)
    return pd.Series(np.abs(found - 0.5), index=cells.index)
