"""Crops.

Published: for each cell of a frame the whole frame is decoded, converted to float32 (a fraction of 65535), and cut. Ours: each frame is
decoded once, all its crops are cut and written, compressed. The bound decodes each frame once with the bare decoder and writes the finished
array of crops, compressed, in one go. The published way runs over every cell of one of the 64 frames and counts 64 times; both cut from
the same files. As in a run of the workflow, no file stands where one is written. What the bound leaves out and ours does: taking the
colours of interleaved pixels apart, the background level of each frame, the table of the crops.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import imagecodecs
import numpy as np
import pandas as pd
import tifffile

from benchmarks.speed.inputs import CHANNELS, CROP, SIZE, dense_recording, tracks
from benchmarks.speed.measure import Point, Row, Settings, Share, interleaved, peak_mb
from cellfate.crops.crop_file import CropFile
from cellfate.crops.extraction import COMPRESSION, extract_crops
from cellfate.frames.formats import open_frames

FRAMES = 64
TIFFS = {"uncompressed TIFF": None, "zlib TIFF": "zlib", "LZW TIFF": "lzw"}
KINDS = (*TIFFS, "PNG")
GOALS = {35: 25.0, 170: 80.0}  # on compressed frames
STEP = "crops"


def write_frames(folder: Path, kind: str, count: int) -> None:
    """A folder of ``count`` frames, interleaved colours, in one of the kinds of files; the simulated ones again and again."""
    folder.mkdir()
    images, _, _ = dense_recording()
    suffix = "png" if kind == "PNG" else "tif"
    for t in range(count):
        path = folder / f"t{t:03d}.{suffix}"
        if t >= len(images):
            shutil.copy(folder / f"t{t % len(images):03d}.{suffix}", path)
        elif kind == "PNG":
            path.write_bytes(imagecodecs.png_encode(images[t]))
        else:
            tifffile.imwrite(path, images[t], photometric="rgb", compression=TIFFS[kind])


def decoded(path: Path) -> np.ndarray:
    """The bare decoders: an image (H, W, C)."""
    return imagecodecs.png_decode(path.read_bytes()) if path.suffix == ".png" else tifffile.imread(path, maxworkers=1)


def published_crops(path: Path, places: pd.DataFrame) -> np.ndarray:
    """Crops (N, S, S, C) float32 of one frame, which is decoded for each."""
    crops = np.zeros((len(places), CROP, CROP, len(CHANNELS)), np.float32)
    for crop, y, x in zip(crops, places["y"], places["x"], strict=True):
        image = decoded(path).astype(np.float32) / 65535
        top, left = int(y - CROP / 2), int(x - CROP / 2)
        part = image[max(top, 0) : max(top + CROP, 0), max(left, 0) : max(left + CROP, 0)]
        from_top, from_left = max(-top, 0), max(-left, 0)
        crop[from_top : from_top + part.shape[0], from_left : from_left + part.shape[1]] = part
    return crops


def our_crops(folder: Path, path: Path, table: pd.DataFrame, outcomes: pd.DataFrame) -> None:
    """What the rule extract_crops does with the tables of tracks and outcomes."""
    opened = open_frames(folder, CHANNELS)
    extract_crops(
        opened, table, outcomes, path, recording="dense", size=CROP, which="all", outcomes_wanted=[], min_frames=0,
        frame_interval_min=30, pixel_size_um=None,
    )  # fmt: skip


def bound(folder: Path, path: Path, crops: np.ndarray, chunks: tuple[int, ...]) -> None:
    """Decode each frame once and write crops that are there already."""
    for file in sorted(folder.iterdir()):
        decoded(file)
    with h5py.File(path, "w") as file:
        stored = file.create_dataset("crops", crops.shape, crops.dtype, chunks=chunks, **COMPRESSION)
        for start in range(0, len(crops), chunks[0]):
            stored[start : start + chunks[0]] = crops[start : start + chunks[0]]


@dataclass(frozen=True)
class Compared:
    """Seconds of the published way, ours and the bound; the three ways, of which the first has one frame only; what clears up."""

    published: float
    ours: float
    bound: float
    ways: list[Callable[[], object]]
    remove: Callable[[], None]


def compared(folder: Path, cells: int, repeats: int = 1) -> Compared:
    """Measure all ways on the frames in ``folder``; checks that ours and the published crops are the same."""
    path, bare = folder.with_suffix(".h5"), folder.with_suffix(".bare.h5")
    files = sorted(folder.iterdir())
    table, outcomes = tracks(cells, len(files))
    places = table[table["frame"] == 0].sort_values("track_id")
    expected = published_crops(files[0], places)
    our_crops(folder, path, table, outcomes)
    with CropFile(path) as crops, h5py.File(path) as file:
        stored, chunks = file["crops"][:], file["crops"].chunks
        ours = stored[crops.index()["frame"] == 0] / np.float32(65535)
    assert np.array_equal(np.moveaxis(ours, 1, -1), expected)
    ways = [
        lambda: published_crops(files[0], places),
        lambda: our_crops(folder, path, table, outcomes),
        lambda: bound(folder, bare, stored, chunks),
    ]

    def remove() -> None:
        for written in (path, bare):
            written.unlink(missing_ok=True)

    (published,) = interleaved(ways[:1], 2)
    return Compared(len(files) * published, *interleaved(ways[1:], repeats, before=remove), ways, remove)


def rows(settings: Settings) -> Iterator[Row]:
    with TemporaryDirectory() as name:
        for kind in KINDS:
            folder = Path(name) / kind.replace(" ", "_")
            write_frames(folder, kind, FRAMES)
            for cells, goal in GOALS.items():
                found = compared(folder, cells, settings.repeats)
                memory = [peak_mb(way) for way in found.ways[:2]]
                yield Row(
                    STEP, f"{cells} cells a frame", f"{kind}, {FRAMES} frames {SIZE} x {SIZE} x 3, 16 bit",
                    found.published, found.ours, found.bound,
                    ratio_goal=goal if kind != "uncompressed TIFF" else float("nan"), bound_goal=1.5, equal="identical",
                    published_mb=memory[0], ours_mb=memory[1],
                )  # fmt: skip


def growth(settings: Settings) -> Iterator[Point]:
    with TemporaryDirectory() as name:
        for frames, cells in ((FRAMES, 10), (FRAMES, 35), (FRAMES, 85), (FRAMES, 170), (FRAMES // 2, 35), (FRAMES // 4, 35)):
            folder = Path(name) / f"{frames}-{cells}"
            write_frames(folder, "zlib TIFF", frames)
            found = compared(folder, cells)
            for way, seconds in (("published", found.published), ("ours", found.ours)):
                if cells == 35:
                    yield Point(STEP, "frames", frames, way, seconds)
                if frames == FRAMES:
                    yield Point(STEP, "cells", cells, way, seconds)
            if (frames, cells) == (FRAMES, 35):
                for recordings in (1, 2, 4):  # one after another
                    taken = [interleaved(found.ways[:2], 1, before=found.remove) for _ in range(recordings)]
                    published, ours = np.sum(taken, axis=0)
                    yield Point(STEP, "recordings", recordings, "published", FRAMES * published)
                    yield Point(STEP, "recordings", recordings, "ours", ours)


def full_run(settings: Settings) -> Iterator[Share]:
    with TemporaryDirectory() as name:
        folder = Path(name) / "frames"
        write_frames(folder, "zlib TIFF", FRAMES)
        found = compared(folder, 35, settings.repeats)
    yield Share(STEP, "frame with 35 cells", 274 * 186, found.ours / FRAMES, found.published / FRAMES, note="zlib TIFF")
