"""Frames hidden in the order of an attribution: what the prediction loses on the way, beside other orders of the same frames."""

import zlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cellfate.explanation.attributions.names import METHODS, RANDOM, RECENCY

if TYPE_CHECKING:  # it imports torch, two seconds that tables, figures and pages do not need
    from cellfate.explanation.attributions.cells import ExplainedCell

STEPS = 10  # of a curve: 0, 1/10 ... 9/10 of the frames hidden
REPEATS = 3  # of the random order
SIGNED, SIZE = "signed", "size"
ORDERS = (SIGNED, SIZE)  # most in favour of the predicted outcome first, and largest value of either sign first


def order_of(values: np.ndarray, toward: float, order: str) -> np.ndarray:
    """Places (T,) of the frames, those first that count most; ``toward`` is 1 where the positive outcome is predicted, else -1.

    Deleting by size alone takes frames that speak for and against together, whose changes cancel (Jang et al. 2025, arXiv 2506.05035).
    """
    return np.argsort(-toward * values if order == SIGNED else -np.abs(values), kind="stable")


def hidden_counts(n_frames: int) -> np.ndarray:
    """How many frames are hidden at each step, (STEPS,); one is always left."""
    return np.minimum(np.round(np.arange(STEPS) / STEPS * n_frames).astype(int), n_frames - 1)


def hidden_by(order: np.ndarray) -> np.ndarray:
    """(STEPS, T) masks: row k is True on the first frames of ``order``, as many as step k hides."""
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    return place < hidden_counts(len(order))[:, None]


def compared_values(trajectory: str, n_frames: int, toward: float, seed: int) -> Iterator[tuple[str, int, np.ndarray]]:
    """What attributions are compared with, as (name, repeat, values (T,)): the last frames first, and random orders of the cell's own."""
    yield RECENCY, 0, toward * np.arange(1, n_frames + 1)
    rng = np.random.default_rng([seed, zlib.crc32(trajectory.encode())])
    yield from ((RANDOM, repeat, toward * rng.permutation(np.arange(1, n_frames + 1))) for repeat in range(REPEATS))


def delete_frames(cell: "ExplainedCell", trajectory: str, of_frames: Mapping[str, np.ndarray], seed: int) -> pd.DataFrame:
    """Rows (method, order, repeat, step, n_hidden, most, least) of one cell, for ``of_frames`` {method: (T,)} and RECENCY and RANDOM.

    ``most`` are the log-odds of the positive outcome with the frames hidden that count most, ``least`` with those that count least.
    Values of a method without sign count for the predicted outcome, whichever it is.
    """
    n_frames = len(cell.frames)
    toward = 1.0 if cell.logits(np.zeros((1, n_frames), bool))[0] > 0 else -1.0
    own = [(name, 0, values if METHODS[name].signed else toward * values) for name, values in of_frames.items()]
    named = own + list(compared_values(trajectory, n_frames, toward, seed))
    keys = [(name, order, repeat) for name, repeat, _ in named for order in ORDERS]
    orders = [order_of(values, toward, order) for _, _, values in named for order in ORDERS]
    masks = np.concatenate([hidden_by(own) for order in orders for own in (order, order[::-1])])
    logits = cell.logits(masks).reshape(len(orders), 2, STEPS)
    rows = pd.DataFrame(np.repeat(np.array(keys, object), STEPS, axis=0), columns=["method", "order", "repeat"]).astype({"repeat": int})
    steps = {"step": np.tile(np.arange(STEPS), len(orders)), "n_hidden": np.tile(hidden_counts(n_frames), len(orders))}
    return rows.assign(**steps, most=logits[:, 0].ravel(), least=logits[:, 1].ravel())
