"""Columns and distances of cells that the targets are made from."""

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError


def numbers(values: np.ndarray, key: str) -> np.ndarray:
    numbers = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(float)
    if not np.isfinite(numbers).all():
        place = int((~np.isfinite(numbers)).argmax())
        raise InputError(f"{key}: row {place + 1} is {values[place]!r}, a number is needed for every cell")
    return numbers


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.maximum(0, (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T)
