"""The crops of one recording: each frame decoded once, each chunk of the file compressed once."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import h5py
import hdf5plugin
import imagecodecs
import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.hdf5 import writing_hdf5
from cellfate.base.progress import progress
from cellfate.crops.cutting import background_level, cut, larger_than_image, validate_positions, wanted_tracks
from cellfate.crops.digests import recording_digest
from cellfate.crops.row_index import write_row_index
from cellfate.frames.pixels import PixelNotes, warn_of_notes
from cellfate.frames.reader import Frames
from cellfate.tracks.oddities import crowding_warning

CHUNK_BYTES = 600_000  # of pixels; 8 frames of 3 x 112 x 112 x 16 bit
BUFFER_BYTES = 512 * 2**20
BACKGROUND_PERCENTILE = 5  # of the pixels of a frame, per channel: its background
# LZ4 on shuffled bits: simulated 16-bit crops shrink 1.88 fold at 1630 MB/s in and 3800 MB/s out on one core, where zstd level 1
# shrinks them 2.01 fold at 710 and 920 MB/s. HDF5 knows each file's codec: files of both kinds are read.
CODEC = {"level": 5, "compressor": "lz4", "shuffle": "bitshuffle"}
COMPRESSION = hdf5plugin.Blosc(cname=CODEC["compressor"], clevel=CODEC["level"], shuffle=hdf5plugin.Blosc.BITSHUFFLE)


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
    cut where they want, and so is ``content_digest``, what the recording shows, where any is wanted. Each needed frame is decoded once.
    Memory: two frames and at most 512 MiB of crops that wait for the rest of their chunk. Where no track is wanted the file has no rows. A
    frame that has one value everywhere in a channel is named on standard error, with the number of tracks in it; frames without a track
    are decoded to see whether they are such. What else is odd about pixels is said there too (:mod:`cellfate.frames.pixels`), and whether
    crops hold many other cells.
    Raises InputError for positions outside the frames.
    """
    validate_positions(tracks, frames.n_frames, frames.shape, recording)
    index = wanted_tracks(tracks, outcomes, which, outcomes_wanted, min_frames)
    events = events_of(index, outcomes, recording)
    shape = (len(index), len(frames.channels), size, size)
    pixels = PixelNotes(frames)
    background = np.full((frames.n_frames, len(frames.channels)), np.nan, np.float32)
    digest: dict[str, str] = {}
    with writing_hdf5(path) as file:
        writer = RowWriter(create_crops(file, shape, frames.dtype))
        y, x = index["y"].to_numpy(float), index["x"].to_numpy(float)
        by_frame = sorted(index.groupby("frame").indices.items())
        for frame, rows in progress(by_frame, f"extract_crops {recording}", unit="frame"):
            image = frames.read(int(frame))
            pixels.note(int(frame), image)
            digest = digest or {"content_digest": recording_digest(frames, None if frame else image)}
            background[frame] = background_level(image, BACKGROUND_PERCENTILE)
            if len(rows) * size**2 > image[0].size:  # so many crops are cut faster from channels that lie apart
                image = np.ascontiguousarray(image)
            for row in rows.tolist():
                writer.add(row, image, y[row], x[row])
        writer.flush()
        write_index(file, index, events)
        file["background"] = background
        described = describe(recording, frames.channels, size, frame_interval_min, pixel_size_um)
        found = {"n_frames": frames.n_frames, "frame_shape": frames.shape, "max_value": writer.max_value}
        file.attrs.update(**described, source=str(frames.path), **found, **digest)
    if len(index):
        pixels.note_without(tracks)
    warn_of_notes(frames)
    pixels.warn(tracks)
    if len(index) and (larger := larger_than_image(size, frames.shape)):
        print(f"WARNING: {frames.path}: {larger}", file=sys.stderr, flush=True)
    if crowded := crowding_warning(tracks, size):
        print(f"WARNING: recording {recording}: {crowded}", file=sys.stderr, flush=True)


def describe(recording: str, channels: Sequence[str], size: int, frame_interval_min: float, pixel_size_um: float | None) -> dict:
    """Attributes of a crop file that do not depend on what is in the images."""
    return {
        "recording": recording,
        "channels": json.dumps(list(channels)),
        "crop_size": size,
        "frame_interval_min": float(frame_interval_min),
        "pixel_size_um": float("nan") if pixel_size_um is None else float(pixel_size_um),
        "background_percentile": float(BACKGROUND_PERCENTILE),
    }


def create_crops(file: h5py.File, shape: tuple[int, ...], dtype: np.dtype) -> h5py.Dataset:
    """The dataset of crops (N, C, S, S) of a new file, in chunks of whole crops, compressed."""
    if shape[0] == 0:
        return file.create_dataset("crops", shape, dtype)
    rows = max(1, min(shape[0], CHUNK_BYTES // (int(np.prod(shape[1:])) * dtype.itemsize)))
    return file.create_dataset("crops", shape, dtype, chunks=(rows, *shape[1:]), **COMPRESSION)


def events_of(index: pd.DataFrame, outcomes: pd.DataFrame, recording: str) -> np.ndarray:
    """The event frame of each track of ``index``, tracks in ascending order; -1 where there is none."""
    track_ids = np.unique(index["track_id"].to_numpy(np.int64))
    unknown = np.setdiff1d(track_ids, outcomes["track_id"])
    if unknown.size:
        raise InputError(f"recording {recording}, track {unknown[0]}: the track has positions but is not in the table of outcomes")
    events = outcomes.set_index("track_id")["event_frame"].astype("Int64").fillna(-1)
    return events.loc[track_ids].to_numpy(np.int64)


def write_index(file: h5py.File, index: pd.DataFrame, events: np.ndarray) -> None:
    """Write which track, frame and position each crop is of, and the event frame of each track, -1 for none."""
    track_ids, counts = np.unique(index["track_id"].to_numpy(np.int64), return_counts=True)
    write_row_index(file, index["frame"].to_numpy(), counts)
    file["y"], file["x"] = index["y"].to_numpy(float), index["x"].to_numpy(float)
    file["track_id"], file["event_frame"] = track_ids, events


class RowWriter:
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
