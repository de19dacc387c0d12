"""Which crops are cut where: squares around tracked cells, and the background of the frames they come from."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError

BACKGROUND_STRIDE = 4  # pixels


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


def inside(y: float, x: float, size: int, frame_shape: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of the crop of :func:`cut` that are within a frame of ``frame_shape`` (H, W); the others are zeros."""
    corner = (int(y - size / 2), int(x - size / 2))
    starts = [max(-first, 0) for first in corner]
    stops = [min(size, length - first) for first, length in zip(corner, frame_shape, strict=True)]
    rows, columns = (slice(start, max(start, stop)) for start, stop in zip(starts, stops, strict=True))
    return rows, columns


def larger_than_image(size: int, frame_shape: tuple[int, int]) -> str | None:
    """What is odd about crops of ``size`` from frames of ``frame_shape`` (H, W) that are smaller; None for others."""
    height, width = frame_shape
    if size <= min(height, width):
        return None
    return f"images of {height} x {width} pixels, crops.size is {size}: each crop is larger than the image and filled up with zeros"


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
