"""The file that the crops of one recording are kept in, read by trajectory."""

import json
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  teaches HDF5 the compression of the crops
import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.hdf5 import open_hdf5, reading

WHAT = "a crop file"
DATASETS = ("crops", "frame", "y", "x", "track_id", "start", "stop", "event_frame", "background")


class CropFile:
    """The crops of one recording. Opened at the first use; a context manager, and picklable for worker processes.

    Raises InputError when ``path`` is not a crop file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._opened: h5py.File | None = None

    def __enter__(self) -> "CropFile":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __getstate__(self) -> dict:
        return {"path": self.path, "_opened": None}

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    @property
    def _file(self) -> h5py.File:
        if self._opened is None:
            self._opened = _open(self.path)
            with reading(self.path, WHAT):
                self._frame = self._opened["frame"][:]
                starts, stops = self._opened["start"][:], self._opened["stop"][:]
                self._rows = {int(t): (int(a), int(b)) for t, a, b in zip(self._opened["track_id"], starts, stops, strict=True)}
        return self._opened

    @property
    def attrs(self) -> dict:
        """The attributes of the file; ``channels`` as a list of names."""
        return {**self._file.attrs, "channels": self.channels}

    @property
    def recording(self) -> str:
        return self._file.attrs["recording"]

    @property
    def channels(self) -> list[str]:
        return json.loads(self._file.attrs["channels"])

    @property
    def content_digest(self) -> str | None:
        """What the recording shows, see :mod:`cellfate.crops.digests`; None in files of cellfate 0.1."""
        return self._file.attrs.get("content_digest")

    @property
    def background(self) -> np.ndarray:
        """Background level (n_frames of the recording, C) in counts, float32; NaN for frames that no crop comes from."""
        return self._all("background")

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, S, S) of all crops."""
        return self._file["crops"].shape

    @property
    def n_frames(self) -> int:
        """The number of frames of the recording; of ready-made crops, that of the longest movie."""
        return int(self._file.attrs["n_frames"])

    @property
    def ready_made(self) -> bool:
        """Whether the crops came as movies of single cells: then nothing is known of the frames around them."""
        return "frame_shapes" in self._file

    @property
    def dtype(self) -> np.dtype:
        return self._file["crops"].dtype

    @property
    def track_ids(self) -> np.ndarray:
        """The tracks in the file (M,) int64, ascending."""
        return self._all("track_id")

    @property
    def event_frames(self) -> np.ndarray:
        """The first frame that shows the event, for each of ``track_ids``; -1 for tracks without one."""
        return self._all("event_frame")

    def frame_shape(self, track_id: int) -> tuple[int, int]:
        """(H, W) in pixels of the frames that a track's crops were cut out of; pixels of a crop outside of them are zeros."""
        shapes = self._file.get("frame_shapes")  # of ready-made crops, whose movies may differ in size
        found = self._file.attrs["frame_shape"] if shapes is None else shapes[int(np.searchsorted(self.track_ids, track_id))]
        return int(found[0]), int(found[1])

    def read(self, track_id: int, first_frame: int | None = None, last_frame: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Frame numbers (T,) int32 and crops (T, C, S, S) of one track, from ``first_frame`` to ``last_frame``, both included.

        Where the track has a gap, its frames are not there. Raises InputError for an unknown track.
        """
        crops = self._file["crops"]
        if track_id not in self._rows:
            raise InputError(f"{self.path}: no crops of track {track_id}; the file has {len(self._rows)} tracks of {self.recording}")
        start, stop = self._rows[track_id]
        frame = self._frame[start:stop]
        first = 0 if first_frame is None else int(np.searchsorted(frame, first_frame, "left"))
        end = len(frame) if last_frame is None else max(first, int(np.searchsorted(frame, last_frame, "right")))
        with reading(self.path, WHAT):
            return frame[first:end].copy(), crops[start + first : start + end]

    def _all(self, name: str) -> np.ndarray:
        """A whole dataset of the file."""
        file = self._file
        with reading(self.path, WHAT):
            return file[name][:]

    def index(self) -> pd.DataFrame:
        """The rows of the file: track_id, frame, y, x (pixels of the whole frame)."""
        lengths = self._all("stop") - self._all("start")
        places = {name: self._all(name) for name in ("y", "x")}
        return pd.DataFrame({"track_id": np.repeat(self.track_ids, lengths), "frame": self._frame, **places})


def _open(path: Path) -> h5py.File:
    file = open_hdf5(path, WHAT)
    with reading(path, WHAT):
        missing = [name for name in DATASETS if name not in file]
        missing += [name for name in ("recording", "channels") if name not in file.attrs]
    if missing:
        file.close()
        raise InputError(f"{path}: not a crop file: {', '.join(missing)} not found in it")
    return file
