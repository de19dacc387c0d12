"""Crop file.

Published: the crops of a trajectory as float32 in a pickle of its own. Ours: the camera's 16 bit in one HDF5 file a recording, bits
shuffled, LZ4. The bound decompresses the chunks of the trajectory, already in memory, with the same codec. In memory (the page cache)
loading a pickle is a copy, which nothing that decompresses can beat five times. The slower a disk or a network is, the more the smaller
file gains, up to the ratio of the sizes. Reads from the disk are wall time, the files dropped from memory before (Linux).
"""

import os
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import imagecodecs
import numpy as np

from benchmarks.speed.crops import our_crops, write_frames
from benchmarks.speed.inputs import tracks as input_tracks
from benchmarks.speed.measure import Point, Row, Settings, interleaved, peak_mb
from cellfate.crops.crop_file import CropFile

CELLS, FRAMES = 20, 60
STEP = "crop_file"


def write_pickles(crops: CropFile, frames: int = FRAMES) -> list[Path]:
    """Beside the crop file a pickle for each trajectory, of its first ``frames`` frames: crops (T, C, S, S) float32, fractions of 65535."""
    paths = []
    for track in crops.track_ids:
        paths.append(crops.path.with_name(f"{track}.pkl"))
        with open(paths[-1], "wb") as stream:
            pickle.dump(crops.read(track, 0, frames - 1)[1].astype(np.float32) / 65535, stream, protocol=pickle.HIGHEST_PROTOCOL)
    return paths


def load(path: Path) -> np.ndarray:
    with open(path, "rb") as stream:
        return pickle.load(stream)


def packed_chunks(path: Path, place: int) -> tuple[list[bytes], tuple[int, ...], np.dtype]:
    """The compressed chunks that hold the trajectory at ``place``, and the shape and type of a chunk."""
    with h5py.File(path) as file:
        stored = file["crops"]
        rows, start, stop = stored.chunks[0], file["start"][place], file["stop"][place]
        first = range(start // rows * rows, stop, rows)
        return [stored.id.read_direct_chunk((int(row), 0, 0, 0))[1] for row in first], stored.chunks, stored.dtype


def unpack(chunks: list[bytes], shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    out = np.empty((len(chunks), *shape), dtype)
    for chunk, place in zip(chunks, out, strict=True):
        imagecodecs.blosc_decode(chunk, numthreads=1, out=place.reshape(-1).view(np.uint8))
    return out


def drop(paths: list[Path]) -> None:
    """Take files out of the page cache, so that the next read is from the disk."""
    for path in paths:
        file = os.open(path, os.O_RDONLY)
        os.fsync(file)  # what is not written yet stays
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


@contextmanager
def written() -> Iterator[CropFile]:
    """The crop file of all trajectories, in a folder of its own."""
    with TemporaryDirectory() as name, redirect_stderr(StringIO()):
        folder, path = Path(name) / "frames", Path(name) / "crops.h5"
        write_frames(folder, "uncompressed TIFF", FRAMES)
        our_crops(folder, path, *input_tracks(CELLS, FRAMES))
        with CropFile(path) as crops:
            yield crops


def rows(settings: Settings) -> Iterator[Row]:
    with written() as crops:
        pickles = write_pickles(crops)
        tracks = list(crops.track_ids)
        for track, file in zip(tracks, pickles, strict=True):
            assert np.array_equal(crops.read(track)[1] / np.float32(65535), load(file))
        order = np.random.default_rng(0).permutation(len(tracks))
        chunks = [packed_chunks(crops.path, place) for place in order]
        ways = [
            lambda: [load(pickles[place]) for place in order],
            lambda: [crops.read(tracks[place]) for place in order],
            lambda: [unpack(*packed) for packed in chunks],
        ]
        published, ours, bound = (seconds / len(order) for seconds in interleaved(ways, 5 * settings.repeats))
        cold = interleaved(ways[:2], settings.repeats, time.perf_counter, before=lambda: drop([crops.path, *pickles]))
        memory = [peak_mb(lambda: load(pickles[0])), peak_mb(lambda: crops.read(tracks[0]))]
        sizes = sum(file.stat().st_size for file in pickles) / 1e6, crops.path.stat().st_size / 1e6
    what = f"{CELLS} trajectories of {FRAMES} frames, 3 x 112 x 112"
    yield Row(STEP, "size on disk", what, *sizes, unit="MB", ratio_goal=3, equal="identical")
    yield Row(
        STEP, "random read of one trajectory, in memory", what, published, ours, bound,
        ratio_goal=5, bound_goal=2, equal="identical", published_mb=memory[0], ours_mb=memory[1],
    )  # fmt: skip
    note = f"from a disk that gives {sizes[0] / cold[0]:,.0f} MB/s of pickles"
    yield Row(STEP, "random read of one trajectory, from this disk", what, *(s / len(order) for s in cold), equal="identical", note=note)


def growth(settings: Settings) -> Iterator[Point]:
    with written() as crops:
        for frames, cells in ((15, CELLS), (30, CELLS), (FRAMES, CELLS), (FRAMES, 5), (FRAMES, 10)):
            pickles = write_pickles(crops, frames)[:cells]
            ways = [
                lambda pickles=pickles: [load(file) for file in pickles],
                lambda frames=frames, cells=cells: [crops.read(track, 0, frames - 1) for track in crops.track_ids[:cells]],
            ]
            for way, seconds in zip(("published", "ours"), interleaved(ways, settings.repeats), strict=True):
                if cells == CELLS:
                    yield Point(STEP, "frames", frames, way, seconds)
                if frames == FRAMES:
                    yield Point(STEP, "cells", cells, way, seconds)
