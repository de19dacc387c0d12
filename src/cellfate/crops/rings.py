"""Intensities in rings around the centre of each crop: size, brightness and roughness of the cell without its outline.

They do not change when the crop is turned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.progress import progress
from cellfate.crops.crop_file import CropFile
from cellfate.crops.cutting import background_level, cut
from cellfate.crops.extraction import BACKGROUND_PERCENTILE
from cellfate.frames.reader import Frames

STATISTICS = ("mean", "std", "high")
BLOCK = 64  # crops at once


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
        found[:, :, ring, 2] = np.sort(values, axis=-1, kind="stable")[:, :, rank]  # by radix: of 16 bits faster than a partition
        values = values.astype(np.float32)
        found[:, :, ring, 0] = values.mean(axis=-1)
        found[:, :, ring, 1] = values.std(axis=-1)
    return found


def ring_columns(channels: Sequence[str], n_rings: int) -> list[str]:
    """The names of the columns, in the order of the values of :func:`ring_statistics` without their first axis."""
    return [f"{channel}-ring{ring}-{name}" for channel in channels for ring in range(n_rings) for name in STATISTICS]


@dataclass(frozen=True)
class RingMeter:
    """What is measured in crops of ``size`` pixels: ``n_rings`` rings of equal width from the centre to the edge, and which percentile.

    Raises InputError where a ring has no pixel.
    """

    size: int
    n_rings: int
    percentile: float

    def __post_init__(self) -> None:
        if len(np.setdiff1d(range(self.n_rings), self._rings)):
            raise InputError(f"rings.n_rings is {self.n_rings}: in crops of {self.size} pixels some of the rings have no pixel")

    @cached_property
    def _rings(self) -> np.ndarray:
        return ring_numbers(self.size, self.size / 2 / self.n_rings)

    def measure(self, crops: np.ndarray, background: np.ndarray) -> np.ndarray:
        """Values (T, columns of :func:`ring_columns`) of ``crops`` (T, C, S, S); ``background`` (T, C) float32 of the frame of each.

        Mean and percentile are counts above it, the standard deviation is in counts.
        """
        values = ring_statistics(crops, self._rings, self.percentile)
        values[..., [0, 2]] -= background[:, :, None, None]
        return values.reshape(len(crops), -1)


def measure_rings(path: str | Path, *, n_rings: int, percentile: float) -> pd.DataFrame:
    """The rings table of a crop file: ``n_rings`` rings of equal width from the centre to the edge of the crop.

    Mean and percentile are counts above the background of the frame, the standard deviation is in counts. The corners are in no ring.
    Raises InputError where a ring has no pixel.
    """
    with CropFile(path) as file:
        meter = RingMeter(file.shape[-1], n_rings, percentile)
        columns, background = ring_columns(file.channels, n_rings), file.background
        tables = []
        for track in progress(file.track_ids.tolist(), f"measure_rings {file.recording}", unit="track"):
            frames, crops = file.read(track)
            rows = pd.DataFrame(meter.measure(crops, background[frames]), columns=columns)
            tables.append(rows.assign(recording=file.recording, track_id=track, frame=frames.astype("int64")))
    if not tables:
        return pd.DataFrame(columns=["recording", "track_id", "frame", *columns])
    return pd.concat(tables, ignore_index=True)


def rings_of_frames(frames: Frames, tracks: pd.DataFrame, meter: RingMeter, order: Sequence[int], recording: str) -> pd.DataFrame:
    """The rings table of all rows of ``tracks`` (track_id, frame, y, x), straight from the frames: no crop is kept.

    The same numbers as of a crop file of these tracks. ``order`` are the places of the channels in the frames. Each frame is decoded once.
    """
    rows = tracks[["track_id", "frame", "y", "x"]].sort_values(["track_id", "frame"], ignore_index=True)
    columns = ring_columns([frames.channels[place] for place in order], meter.n_rings)
    values = np.empty((len(rows), len(columns)), np.float32)
    for frame, cells in progress(list(rows.groupby("frame", sort=True)), f"measure_rings {recording}", unit="frame"):
        image = frames.read(int(frame))[list(order)]
        background = background_level(image, BACKGROUND_PERCENTILE).astype(np.float32)
        for start in range(0, len(cells), BLOCK):
            block = cells.iloc[start : start + BLOCK]
            crops = np.stack([cut(image, y, x, meter.size) for y, x in zip(block["y"], block["x"], strict=True)])
            values[block.index] = meter.measure(crops, np.broadcast_to(background, (len(crops), len(background))))
    table = pd.DataFrame(values, columns=columns)
    return table.assign(recording=recording, track_id=rows["track_id"], frame=rows["frame"])
