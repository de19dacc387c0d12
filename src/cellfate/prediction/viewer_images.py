"""The frames of a recording as the arrays that viewers open beside a GEFF: one for each channel, and one with the outlines of its cells.

The plugin napari-geff opens an array of zarr for each related object, and lays the scale of the graph's axes (t, y, x) over it, so each
array has these three axes, whatever the frames' own files are.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.files import replacing
from cellfate.base.software import SOFTWARE
from cellfate.frames.reader import Frames
from cellfate.segmentation.detections import FrameMasks, measure_cells

LABELS = "labels"
SAMPLED = 8  # frames, for black and white of each channel
SAMPLED_PIXELS = 2**18  # of a frame and channel, about
BLACK, WHITE = 0.1, 99.8  # percentiles
CHUNK_PIXELS = 2**20  # at most, of the frames in one file


def write_viewer_images(
    path: str | Path,
    frames: Frames,
    tracks: pd.DataFrame | None,
    masks: str | Path | None,
    *,
    frame_interval_min: float,
    pixel_size_um: float | None,
) -> None:
    """Write a folder of zarr (format 2) with an array (T, H, W) for each channel, and ``labels`` where there are ``masks``.

    Channels are uint8, black and white the percentiles ``BLACK`` and ``WHITE`` of some frames (in the attribute ``limits``): they are
    to look at, not to measure in. ``masks`` is a file of frame masks; labels are uint32, a cell's is the number of its track, and 0
    where no track is. Raises InputError for masks of other frames.
    """
    import zarr

    with replacing(path) as temporary:
        names = array_names(frames.channels)
        group = zarr.create_group(temporary, zarr_format=2, attributes={"software": SOFTWARE, "images": names})
        scale = {"axes": ["t", "y", "x"], "scale": [frame_interval_min, pixel_size_um, pixel_size_um], "units": ["minute", "micrometer"]}
        limits = _limits(frames)
        arrays = [
            _array(group, name, frames, np.uint8, {**scale, "channel": channel, "limits": list(limit)})
            for name, channel, limit in zip(names, frames.channels, limits.tolist(), strict=True)
        ]
        for block in _blocks(frames):
            read = np.stack([_as_bytes(frames.read(t), limits) for t in block], axis=1)
            for array, values in zip(arrays, read, strict=True):
                array[block.start : block.stop] = values
        if masks is not None:
            _write_labels(group, frames, tracks, masks, scale)


def array_names(channels: Sequence[str]) -> list[str]:
    """The names of the channels' arrays: letters that every disk can hold, each once, none that of the labels."""
    names: list[str] = []
    for channel in channels:
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", channel).strip("_") or "channel"
        taken = {LABELS, *map(str.lower, names)}
        names.append(next(one for one in (name, *(f"{name}_{k}" for k in range(2, 99))) if one.lower() not in taken))
    return names


def related_objects(images: str | Path, geff: str | Path) -> list[dict[str, str]]:
    """The arrays in the folder of :func:`write_viewer_images` as related objects of a GEFF: paths as seen from its own folder."""
    import zarr

    folder = os.path.relpath(images, geff)
    group = zarr.open_group(images, mode="r")
    found = [{"type": "image", "path": f"{folder}/{name}"} for name in group.attrs["images"]]
    return found + [{"type": "labels", "path": f"{folder}/{LABELS}", "node_prop": "track_id"}] * (LABELS in group)


def _array(group, name: str, frames: Frames, dtype: type, attributes: dict):
    n = _frames_of_a_chunk(frames)
    shape = (frames.n_frames, *frames.shape)
    array = group.create_array(name, shape=shape, dtype=dtype, chunks=(n, *frames.shape), fill_value=0)
    array.attrs.update(attributes)
    return array


def _frames_of_a_chunk(frames: Frames) -> int:
    return max(1, min(frames.n_frames, CHUNK_PIXELS // (frames.shape[0] * frames.shape[1])))


def _blocks(frames: Frames) -> Iterator[range]:
    n = _frames_of_a_chunk(frames)
    yield from (range(start, min(start + n, frames.n_frames)) for start in range(0, frames.n_frames, n))


def _limits(frames: Frames) -> np.ndarray:
    """Black and white (C, 2) of each channel; white is above black."""
    numbers = np.unique(np.linspace(0, frames.n_frames - 1, min(SAMPLED, frames.n_frames)).astype(int))
    stride = max(1, round((frames.shape[0] * frames.shape[1] / SAMPLED_PIXELS) ** 0.5))
    sampled = np.stack([frames.read(t)[:, ::stride, ::stride] for t in numbers.tolist()], axis=1)
    found = np.percentile(sampled.reshape(len(sampled), -1), [BLACK, WHITE], axis=1).T
    return np.column_stack([found[:, 0], np.maximum(found[:, 1], found[:, 0] + 1)])


def _as_bytes(image: np.ndarray, limits: np.ndarray) -> np.ndarray:
    black, white = (limits[:, place, None, None].astype(np.float32) for place in (0, 1))
    return np.rint(np.clip((image.astype(np.float32) - black) / (white - black), 0, 1) * 255).astype(np.uint8)


def _write_labels(group, frames: Frames, tracks: pd.DataFrame, masks: str | Path, scale: dict) -> None:
    cells = measure_cells(masks).merge(tracks[["track_id", "frame", "y", "x"]], on=["frame", "y", "x"], how="inner")
    by_frame = {int(frame): rows for frame, rows in cells.groupby("frame")}
    array = _array(group, LABELS, frames, np.uint32, scale)
    with FrameMasks(masks) as file:
        if (file.n_frames, file.shape) != (frames.n_frames, frames.shape):
            raise InputError(f"{masks}: {file.n_frames} frames of {file.shape}, the recording has {frames.n_frames} of {frames.shape}")
        for block in _blocks(frames):
            array[block.start : block.stop] = np.stack([_numbered(file.read(t), by_frame.get(t)) for t in block])


def _numbered(labels: np.ndarray, cells: pd.DataFrame | None) -> np.ndarray:
    """A label image with the tracks' numbers in place of the labels."""
    names = np.zeros(int(labels.max()) + 1, np.uint32)
    if cells is not None:
        names[cells["label"]] = cells["track_id"]
    return names[labels]
