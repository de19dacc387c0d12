"""Where the rows of each trajectory stand in a file of crops or embeddings, which are kept one trajectory after another."""

from collections.abc import Sequence

import h5py
import numpy as np


def write_row_index(file: h5py.File, frames: np.ndarray, counts: Sequence[int] | np.ndarray) -> None:
    """Write ``frame`` (N,) int32 of each row, and ``start`` and ``stop`` (M,) int64 of each of M trajectories of ``counts`` rows."""
    stop = np.cumsum(counts, dtype=np.int64)
    file["frame"] = np.asarray(frames, np.int32)
    file["start"], file["stop"] = stop - np.asarray(counts, np.int64), stop
