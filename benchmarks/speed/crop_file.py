"""Crop file.

Published: the crops of a trajectory as float32 in a pickle of its own. Ours: the camera's 16 bit in one HDF5 file a recording, bits
shuffled, LZ4. The bound decompresses the chunks of the trajectory, already in memory, with the same codec. All files are in the page cache,
so that loading a pickle is a copy of memory; from a disk or a network the smaller file is faster (the note says below which speed).
"""

import pickle
from collections.abc import Iterator
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import imagecodecs
import numpy as np

from benchmarks.speed.crops import our_crops, write_frames
from benchmarks.speed.inputs import tracks as input_tracks
from benchmarks.speed.measure import Row, Settings, interleaved, peak_mb
from cellfate.crops import CropFile

CELLS, FRAMES = 20, 60
STEP = "crop_file"


def write_pickles(crops: CropFile, folder: Path) -> list[Path]:
    """One pickle for each trajectory: crops (T, C, S, S) float32, fractions of 65535."""
    paths = []
    for track in crops.track_ids:
        paths.append(folder / f"{track}.pkl")
        with open(paths[-1], "wb") as stream:
            pickle.dump(crops.read(track)[1].astype(np.float32) / 65535, stream, protocol=pickle.HIGHEST_PROTOCOL)
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


def rows(settings: Settings) -> Iterator[Row]:
    with TemporaryDirectory() as name, redirect_stderr(StringIO()):
        folder, path = Path(name) / "frames", Path(name) / "crops.h5"
        write_frames(folder, "uncompressed TIFF", FRAMES)
        our_crops(folder, path, *input_tracks(CELLS, FRAMES))
        with CropFile(path) as crops:
            pickles = write_pickles(crops, Path(name))
            tracks = list(crops.track_ids)
            for track, file in zip(tracks, pickles, strict=True):
                assert np.array_equal(crops.read(track)[1] / np.float32(65535), load(file))
            order = np.random.default_rng(0).permutation(len(tracks))
            chunks = [packed_chunks(path, place) for place in order]
            ways = [
                lambda: [load(pickles[place]) for place in order],
                lambda: [crops.read(tracks[place]) for place in order],
                lambda: [unpack(*packed) for packed in chunks],
            ]
            published, ours, bound = (seconds / len(order) for seconds in interleaved(ways, 5 * settings.repeats))
            memory = [peak_mb(lambda: load(pickles[0])), peak_mb(lambda: crops.read(tracks[0]))]
        sizes = sum(file.stat().st_size for file in pickles) / 1e6, path.stat().st_size / 1e6
    what = f"{CELLS} trajectories of {FRAMES} frames, 3 x 112 x 112"
    yield Row(STEP, "size on disk", what, *sizes, unit="MB", ratio_goal=3, equal="identical")
    note = ""
    if ours > published:
        speed = (sizes[0] - sizes[1]) / len(order) / (ours - published)
        note = f"ours is faster from storage that gives less than {speed:,.0f} MB/s, and at most {sizes[0] / sizes[1]:.1f} times"
    yield Row(
        STEP, "random read of one trajectory", what, published, ours, bound,
        ratio_goal=5, bound_goal=2, equal="identical", published_mb=memory[0], ours_mb=memory[1], note=note,
    )  # fmt: skip
