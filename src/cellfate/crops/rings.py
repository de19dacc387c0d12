"""Intensities in rings around the centre of each crop: size, brightness and roughness of the cell without its outline.

They do not change when the crop is turned.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.progress import progress
from cellfate.crops.crop_file import CropFile

STATISTICS = ("mean", "std", "high")


def ring_numbers(size: int, width: float) -> np.ndarray:
    """The ring of each pixel (S, S) of a crop of ``size`` pixels, from 0 at the centre outwards; -1 outside the last whole ring."""
    offset = np.arange(size) - (size - 1) / 2
    rings = np.floor(np.hypot(offset[:, None], offset[None, :]) / width).astype(int)
    return np.where(rings < int(size / 2 / width + 1e-9), rings, -1)


def ring_statistics(crops: np.ndarray, rings: np.ndarray, percentile: float) -> np.ndarray:
    """Mean, standard deviation and a percentile of crops (T, C, S, S) in each of R ``rings`` (S, S), (T, C, R, 3) float32."""
    flat = crops.reshape(*crops.shape[:2], -1)
    found = np.empty((*crops.shape[:2], rings.max() + 1, len(STATISTICS)), np.float32)
    for ring in range(found.shape[2]):
        values = flat[:, :, np.flatnonzero(rings == ring)]
        rank = round(percentile / 100 * (values.shape[-1] - 1))  # a value that is there: no interpolation
        found[:, :, ring, 2] = np.partition(values, rank, axis=-1)[:, :, rank]
        values = values.astype(np.float32)
        found[:, :, ring, 0] = values.mean(axis=-1)
        found[:, :, ring, 1] = values.std(axis=-1)
    return found


def ring_columns(channels: Sequence[str], n_rings: int) -> list[str]:
    """The names of the columns, in the order of the values of :func:`ring_statistics` without their first axis."""
    return [f"{channel}-ring{ring}-{name}" for channel in channels for ring in range(n_rings) for name in STATISTICS]


def measure_rings(path: str | Path, *, n_rings: int, percentile: float) -> pd.DataFrame:
    """The rings table of a crop file: ``n_rings`` rings of equal width from the centre to the edge of the crop.

    Mean and percentile are counts above the background of the frame, the standard deviation is in counts. The corners are in no ring.
    Raises InputError where a ring has no pixel.
    """
    with CropFile(path) as file:
        rings = ring_numbers(file.shape[-1], file.shape[-1] / 2 / n_rings)
        if len(np.setdiff1d(range(n_rings), rings)):
            raise InputError(f"rings.n_rings is {n_rings}: in crops of {file.shape[-1]} pixels some of the rings have no pixel")
        columns, background = ring_columns(file.channels, n_rings), file.background
        tables = []
        for track in progress(file.track_ids.tolist(), f"measure_rings {file.recording}", unit="track"):
            frames, crops = file.read(track)
            values = ring_statistics(crops, rings, percentile)
            values[..., [0, 2]] -= background[frames][:, :, None, None]
            rows = pd.DataFrame(values.reshape(len(frames), -1), columns=columns)
            tables.append(rows.assign(recording=file.recording, track_id=track, frame=frames.astype("int64")))
    if not tables:
        return pd.DataFrame(columns=["recording", "track_id", "frame", *columns])
    return pd.concat(tables, ignore_index=True)
