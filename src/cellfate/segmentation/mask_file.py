"""Masks of segmented crops: the HDF5 file, and the 8-bit scale of the published way. Imports nothing heavy."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.hdf5 import open_hdf5, reading, writing_hdf5
from cellfate.crops.published_scaling import reference_input

WHAT = "a file of masks"
NO_REGION = -1  # value of ``attempt`` for a crop in which no try found a region


class MaskFile:
    """Reader of a mask file: label images of segmented crops, one trajectory in contiguous rows.

    ``recording``, ``attrs`` (recording, model, model_sha256), ``settings`` (how the masks were made) and ``track_ids``.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._file = open_hdf5(self.path, WHAT)
        with reading(self.path, WHAT):
            self.attrs = dict(self._file.attrs)
            self.recording: str = self.attrs["recording"]
            self.settings: dict = json.loads(self.attrs["settings"])
            self._track, self._frame = self._file["track_id"][:], self._file["frame"][:]
        self.track_ids: list[int] = [int(track) for track in dict.fromkeys(self._track.tolist())]

    def __enter__(self) -> "MaskFile":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._track)

    def index(self) -> pd.DataFrame:
        """The rows of the file: track_id, frame."""
        return pd.DataFrame({"track_id": self._track, "frame": self._frame})

    def read(self, track_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Frames (T,) int32 and label images (T, S, S) uint16 of one track. An unknown track is an InputError."""
        rows = self._rows(track_id)
        with reading(self.path, WHAT):
            return self._frame[rows], self._file["masks"][rows]

    def attempts(self, track_id: int) -> np.ndarray:
        """Index (T,) int8 of the try that found a region in each crop, -1 where none did."""
        rows = self._rows(track_id)
        with reading(self.path, WHAT):
            return self._file["attempt"][rows]

    def _rows(self, track_id: int) -> slice:
        found = np.flatnonzero(self._track == track_id)
        if not len(found):
            raise InputError(f"{self.path}: track {track_id} has no masks; there are {len(self.track_ids)} tracks in the file")
        return slice(int(found[0]), int(found[-1]) + 1)


class MaskWriter:
    """Fills a mask file track by track; see :func:`writing_masks`."""

    def __init__(self, file: h5py.File, n_masks: int, crop_size: int):
        shape, chunks = (n_masks, crop_size, crop_size), (min(16, n_masks), crop_size, crop_size)
        stored = {"chunks": chunks, "compression": hdf5plugin.Zstd()} if n_masks else {}
        self._masks = file.create_dataset("masks", shape, np.uint16, **stored)
        self._columns = {
            name: file.create_dataset(name, (n_masks,), dtype) for name, dtype in {"track_id": "i8", "frame": "i4", "attempt": "i1"}.items()
        }
        self._next = 0

    def add(self, track_id: int, frames: np.ndarray, masks: np.ndarray, attempt: np.ndarray) -> None:
        """Append one track: frames (T,), label images (T, S, S), attempt (T,)."""
        rows = slice(self._next, self._next + len(frames))
        self._masks[rows] = masks
        for name, values in {"track_id": track_id, "frame": frames, "attempt": attempt}.items():
            self._columns[name][rows] = values
        self._next = rows.stop


@contextmanager
def writing_masks(path: str | Path, n_masks: int, crop_size: int, attrs: dict, settings: dict) -> Iterator[MaskWriter]:
    """A writer for ``n_masks`` label images of ``crop_size`` pixels; the file gets its name when the block succeeds."""
    with writing_hdf5(path) as file:
        file.attrs.update({**attrs, "settings": json.dumps(settings)})
        yield MaskWriter(file, n_masks, crop_size)


def scale_to_uint8(crops: np.ndarray) -> np.ndarray:
    """A crop sequence (T, 3, S, S) in counts on the published scale of 0-255, rounded down.

    What is scaled, by the minimum and maximum over all frames and channels, is the sequence as the published network sees it
    (:func:`cellfate.crops.published_scaling.reference_input`), so that counts of different channels are not on one scale. A
    constant sequence becomes zeros.
    """
    seen = reference_input(crops)
    low, high = seen.min(), seen.max()
    if high == low:
        return np.zeros(crops.shape, np.uint8)
    return ((seen - low) / (high - low) * 255).astype(np.uint8)
