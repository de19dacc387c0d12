"""Label images of whole frames: one HDF5 file per recording, written and read frame by frame, and the cells measured in it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pandas as pd

from cellfate.base.hdf5 import open_hdf5, reading, writing_hdf5

WHAT = "masks of a recording"


class FrameMasks:
    """Reader of a file of frame masks: ``n_frames``, ``shape`` (H, W) in pixels, ``settings`` (how the masks were made)."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._file = open_hdf5(self.path, WHAT)
        with reading(self.path, WHAT):
            self.n_frames, *shape = self._file["masks"].shape
            self.shape: tuple[int, int] = tuple(shape)
            self.settings: dict = json.loads(self._file.attrs.get("settings", "{}"))

    def __enter__(self) -> "FrameMasks":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def read(self, t: int) -> np.ndarray:
        """The label image (H, W) uint16 of frame ``t``."""
        with reading(self.path, WHAT):
            return self._file["masks"][t]


class FrameMaskWriter:
    """Fills a file of frame masks in the order of the frames; see :func:`writing_frame_masks`."""

    def __init__(self, dataset: h5py.Dataset):
        self._dataset, self._next = dataset, 0

    def add(self, labels: np.ndarray) -> None:
        """Append the label image (H, W) of the next frame."""
        self._dataset[self._next] = labels
        self._next += 1


@contextmanager
def writing_frame_masks(path: str | Path, n_frames: int, shape: tuple[int, int], settings: dict) -> Iterator[FrameMaskWriter]:
    """A writer for ``n_frames`` label images of ``shape`` (H, W); the file gets its name when the block succeeds.

    One compressed chunk per frame, so that memory stays at one frame whatever the recording's length.
    """
    with writing_hdf5(path) as file:
        file.attrs["settings"] = json.dumps(settings)
        yield FrameMaskWriter(
            file.create_dataset("masks", (n_frames, *shape), np.uint16, chunks=(1, *shape), compression=hdf5plugin.Zstd())
        )


def keep_large(labels: np.ndarray, min_area: int) -> np.ndarray:
    """A label image (H, W) without the labels below ``min_area`` pixels, numbered anew from 1."""
    areas = np.bincount(labels.ravel())
    kept = areas >= max(min_area, 1)
    kept[0] = False
    names = np.zeros(len(areas), np.uint16)
    names[kept] = np.arange(1, kept.sum() + 1)
    return names[labels]


def measure_cells(path: str | Path) -> pd.DataFrame:
    """Every cell of every frame: frame, label, y, x (centroid in pixels), area (pixels); sorted by frame and label."""
    from skimage.measure import regionprops_table

    tables = []
    with FrameMasks(path) as masks:
        for t in range(masks.n_frames):
            cells = pd.DataFrame(regionprops_table(masks.read(t), properties=("label", "centroid", "area")))
            tables.append(cells.assign(frame=t))
    table = pd.concat(tables, ignore_index=True).rename(columns={"centroid-0": "y", "centroid-1": "x"})
    return table[["frame", "label", "y", "x", "area"]].astype({"frame": "int64", "label": "int64", "area": "float64"})
