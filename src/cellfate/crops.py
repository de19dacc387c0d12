"""Square crops around tracked cells: cut from the frames of one recording, kept in one HDF5 file, read by trajectory."""

import json
from collections.abc import Sequence
from pathlib import Path

import h5py
import hdf5plugin
import imagecodecs
import numpy as np
import pandas as pd

from cellfate.errors import InputError
from cellfate.files import replacing
from cellfate.frame_reader import Frames
from cellfate.progress import progress
from cellfate.software import SOFTWARE

CHUNK_BYTES = 600_000  # of pixels; 8 frames of 3 x 112 x 112 x 16 bit
BUFFER_BYTES = 512 * 2**20
BACKGROUND_STRIDE = 4  # pixels
BACKGROUND_PERCENTILE = 5  # of the pixels of a frame, per channel: its background
# LZ4 on shuffled bits: simulated 16-bit crops shrink 1.88 fold at 1630 MB/s in and 3800 MB/s out on one core, where zstd level 1
# shrinks them 2.01 fold at 710 and 920 MB/s. HDF5 knows each file's codec: files of both kinds are read.
CODEC = {"level": 5, "compressor": "lz4", "shuffle": "bitshuffle"}
COMPRESSION = hdf5plugin.Blosc(cname=CODEC["compressor"], clevel=CODEC["level"], shuffle=hdf5plugin.Blosc.BITSHUFFLE)
DATASETS = ("crops", "frame", "y", "x", "track_id", "start", "stop", "event_frame", "background")


def cut(image: np.ndarray, y: float, x: float, size: int, out: np.ndarray | None = None) -> np.ndarray:
    """The ``size`` x ``size`` crop of ``image`` (C, H, W) around (``y``, ``x``) in pixels, zeros outside the image.

    The upper left corner is int(y - size / 2), int(x - size / 2): rounded towards zero also where it is negative, which
    is the convention of the published crops. The crop is written to ``out`` (C, size, size) where one is given.
    """
    crop = np.empty((len(image), size, size), image.dtype) if out is None else out
    top, left = int(y - size / 2), int(x - size / 2)
    y0, y1 = max(top, 0), min(top + size, image.shape[1])
    x0, x1 = max(left, 0), min(left + size, image.shape[2])
    if y1 - y0 < size or x1 - x0 < size:
        crop[:] = 0
    if y0 < y1 and x0 < x1:
        part = image[:, y0:y1, x0:x1]
        if part.strides[2] > part.itemsize:  # interleaved channels: they are taken apart faster from a compact copy
            part = part.copy(order="K")
        crop[:, y0 - top : y1 - top, x0 - left : x1 - left] = part
    return crop


def validate_positions(tracks: pd.DataFrame, n_frames: int, frame_shape: tuple[int, int], recording: str) -> None:
    """Raise an InputError for a position that is not a finite number inside the frame or for a frame that does not exist."""
    for column, high in (("frame", n_frames - 1), ("y", frame_shape[0]), ("x", frame_shape[1])):
        values = tracks[column].to_numpy(float)
        bad = np.flatnonzero(~((values >= 0) & (values <= high)))
        if bad.size:
            track, frame, value = (tracks[name].iloc[bad[0]] for name in ("track_id", "frame", column))
            raise InputError(
                f"recording {recording}, track {track}, frame {frame}: {column} is {value}, a number from 0 to {high} is needed"
            )
    twice = tracks.duplicated(["track_id", "frame"]).to_numpy()
    if twice.any():
        track, frame = (tracks[name].iloc[int(twice.argmax())] for name in ("track_id", "frame"))
        raise InputError(f"recording {recording}, track {track}: frame {frame} is there for the second time")


def wanted_tracks(
    tracks: pd.DataFrame, outcomes: pd.DataFrame, which: str, outcomes_wanted: Sequence[str], min_frames: int
) -> pd.DataFrame:
    """The rows of ``tracks`` to cut, sorted by track and frame: tracks with more than ``min_frames`` frames.

    ``which`` is ``fated`` (tracks whose outcome is one of ``outcomes_wanted``) or ``all``.
    """
    if which not in ("fated", "all"):
        raise InputError(f"crops.tracks is {which!r}, fated or all is needed")
    lengths = tracks["track_id"].value_counts()
    ids = lengths.index[lengths > min_frames]
    if which == "fated":
        ids = ids.intersection(outcomes.loc[outcomes["outcome"].isin(list(outcomes_wanted)), "track_id"])
    return tracks[tracks["track_id"].isin(ids)].sort_values(["track_id", "frame"], ignore_index=True)


def background_level(image: np.ndarray, percentile: float) -> np.ndarray:
    """The ``percentile`` of each channel of ``image`` (C, H, W), from every fourth pixel in both directions."""
    pixels = image[:, ::BACKGROUND_STRIDE, ::BACKGROUND_STRIDE].reshape(len(image), -1)
    place = (pixels.shape[1] - 1) * percentile / 100
    low = int(place)
    pixels = np.partition(pixels, low, axis=1)  # numpy's percentile asks for both neighbours at once, which takes 20 times as long
    below = pixels[:, low].astype(float)
    above = pixels[:, low + 1 :].min(axis=1).astype(float) if place > low else below
    return below + (above - below) * (place - low)


def extract_crops(
    frames: Frames,
    tracks: pd.DataFrame,
    outcomes: pd.DataFrame,
    path: str | Path,
    *,
    recording: str,
    size: int,
    which: str,
    outcomes_wanted: Sequence[str],
    min_frames: int,
    frame_interval_min: float,
    pixel_size_um: float | None,
) -> None:
    """Cut all frames of the wanted tracks of one recording and write them to the HDF5 file ``path``.

    ``tracks`` and ``outcomes`` are the declared tables, positions in pixels. Which tracks: :func:`wanted_tracks`. All
    frames of a track are kept, also those at and after its event; ``event_frame`` (-1: none) is in the file, so that readers
    cut where they want. Each needed frame is decoded once. Memory: one frame and at most 512 MiB of crops that wait for the
    rest of their chunk. Where no track is wanted the file has no rows. Raises InputError for positions outside the frames.
    """
    validate_positions(tracks, frames.n_frames, frames.shape, recording)
    index = wanted_tracks(tracks, outcomes, which, outcomes_wanted, min_frames)
    events = _event_frames(index, outcomes, recording)
    shape = (len(index), len(frames.channels), size, size)
    background = np.full((frames.n_frames, len(frames.channels)), np.nan, np.float32)
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        writer = _RowWriter(_create_crops(file, shape, frames.dtype))
        y, x = index["y"].to_numpy(float), index["x"].to_numpy(float)
        by_frame = sorted(index.groupby("frame").indices.items())
        for frame, rows in progress(by_frame, f"extract_crops {recording}", unit="frame"):
            image = frames.read(int(frame))
            background[frame] = background_level(image, BACKGROUND_PERCENTILE)
            if len(rows) * size**2 > image[0].size:  # so many crops are cut faster from channels that lie apart
                image = np.ascontiguousarray(image)
            for row in rows.tolist():
                writer.add(row, image, y[row], x[row])
        writer.flush()
        _write_index(file, index, events)
        file["background"] = background
        file.attrs.update(
            recording=recording,
            channels=json.dumps(list(frames.channels)),
            crop_size=size,
            frame_interval_min=float(frame_interval_min),
            pixel_size_um=float("nan") if pixel_size_um is None else float(pixel_size_um),
            source=str(frames.path),
            software=SOFTWARE,
            n_frames=frames.n_frames,
            frame_shape=frames.shape,
            max_value=writer.max_value,
            background_percentile=float(BACKGROUND_PERCENTILE),
        )


def _create_crops(file: h5py.File, shape: tuple[int, ...], dtype: np.dtype) -> h5py.Dataset:
    if shape[0] == 0:
        return file.create_dataset("crops", shape, dtype)
    rows = max(1, min(shape[0], CHUNK_BYTES // (int(np.prod(shape[1:])) * dtype.itemsize)))
    return file.create_dataset("crops", shape, dtype, chunks=(rows, *shape[1:]), **COMPRESSION)


def _event_frames(index: pd.DataFrame, outcomes: pd.DataFrame, recording: str) -> np.ndarray:
    """The event frame of each track of ``index``, tracks in ascending order; -1 where there is none."""
    track_ids = np.unique(index["track_id"].to_numpy(np.int64))
    unknown = np.setdiff1d(track_ids, outcomes["track_id"])
    if unknown.size:
        raise InputError(f"recording {recording}, track {unknown[0]}: the track has positions but is not in the table of outcomes")
    events = outcomes.set_index("track_id")["event_frame"].astype("Int64").fillna(-1)
    return events.loc[track_ids].to_numpy(np.int64)


def _write_index(file: h5py.File, index: pd.DataFrame, events: np.ndarray) -> None:
    file["frame"] = index["frame"].to_numpy(np.int32)
    file["y"], file["x"] = index["y"].to_numpy(float), index["x"].to_numpy(float)
    track_ids, start, counts = np.unique(index["track_id"].to_numpy(np.int64), return_index=True, return_counts=True)
    file["track_id"], file["start"], file["stop"] = track_ids, start.astype(np.int64), (start + counts).astype(np.int64)
    file["event_frame"] = events


class _RowWriter:
    """Cuts the crops of single rows that come in any order, and compresses each chunk of the dataset once.

    A row is cut into its chunk, which waits in memory until all its rows are there. When ``limit`` bytes of rows wait, all
    chunks are written; those that were not complete are then compressed again when their other rows come.
    """

    def __init__(self, dataset: h5py.Dataset, limit: int = BUFFER_BYTES) -> None:
        self.dataset = dataset
        self.limit = limit
        self.max_value = 0
        self._n_rows = len(dataset)
        self._shape = dataset.chunks or (1, *dataset.shape[1:])
        self._row_bytes = int(np.prod(self._shape[1:])) * dataset.dtype.itemsize
        self._pixels: dict[int, np.ndarray] = {}  # by chunk
        self._waiting: dict[int, list[int]] = {}  # rows, by chunk
        self._n_waiting = 0
        self._missing: dict[int, int] = {}
        self._spare: list[np.ndarray] = []  # chunks to use again, which spares the system to clear new memory

    def add(self, row: int, image: np.ndarray, y: float, x: float) -> None:
        """Cut row ``row`` from ``image`` (C, H, W) around (``y``, ``x``)."""
        chunk, place = divmod(row, self._shape[0])
        if chunk not in self._pixels:
            self._pixels[chunk] = self._spare.pop() if self._spare else np.empty(self._shape, self.dataset.dtype)
            self._waiting[chunk] = []
        cut(image, y, x, self._shape[-1], out=self._pixels[chunk][place])
        self._waiting[chunk].append(row)
        self._n_waiting += 1
        first = chunk * self._shape[0]
        self._missing[chunk] = self._missing.get(chunk, min(self._shape[0], self._n_rows - first)) - 1
        if self._missing[chunk] == 0:
            self._write(chunk)
        elif self._n_waiting * self._row_bytes > self.limit:
            self.flush()

    def flush(self) -> None:
        for chunk in sorted(self._waiting):
            self._write(chunk)

    def _write(self, chunk: int) -> None:
        pixels, rows = self._pixels.pop(chunk), np.sort(self._waiting.pop(chunk))
        self._n_waiting -= len(rows)
        first = chunk * self._shape[0]
        if len(rows) == min(self._shape[0], self._n_rows - first):  # complete: around HDF5's copies
            pixels[len(rows) :] = 0
            self.max_value = max(self.max_value, int(pixels.max()))
            packed = imagecodecs.blosc_encode(pixels, typesize=pixels.itemsize, numthreads=1, **CODEC)
            self.dataset.id.write_direct_chunk((first, *[0] * (pixels.ndim - 1)), packed)
        else:
            for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
                crops = pixels[run[0] - first : run[-1] + 1 - first]
                self.max_value = max(self.max_value, int(crops.max()))
                self.dataset[run[0] : run[-1] + 1] = crops
        self._spare.append(pixels)


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
    def background(self) -> np.ndarray:
        """Background level (n_frames of the recording, C) in counts, float32; NaN for frames that no crop comes from."""
        return self._file["background"][:]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, S, S) of all crops."""
        return self._file["crops"].shape

    @property
    def dtype(self) -> np.dtype:
        return self._file["crops"].dtype

    @property
    def track_ids(self) -> np.ndarray:
        """The tracks in the file (M,) int64, ascending."""
        return self._file["track_id"][:]

    @property
    def event_frames(self) -> np.ndarray:
        """The first frame that shows the event, for each of ``track_ids``; -1 for tracks without one."""
        return self._file["event_frame"][:]

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
        return frame[first:end].copy(), crops[start + first : start + end]

    def index(self) -> pd.DataFrame:
        """The rows of the file: track_id, frame, y, x (pixels of the whole frame)."""
        file = self._file
        lengths = file["stop"][:] - file["start"][:]
        columns = {"track_id": np.repeat(file["track_id"][:], lengths), "frame": self._frame, "y": file["y"][:], "x": file["x"][:]}
        return pd.DataFrame(columns)


def _open(path: Path) -> h5py.File:
    if not path.exists():
        raise InputError(f"{path}: no such crop file")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path}: not a crop file, or damaged: {error}") from error
    missing = [name for name in DATASETS if name not in file] + [name for name in ("recording", "channels") if name not in file.attrs]
    if missing:
        file.close()
        raise InputError(f"{path}: not a crop file: {', '.join(missing)} not found in it")
    return file
