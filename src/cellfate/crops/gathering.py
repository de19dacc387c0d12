"""The crop file of a recording whose crops come ready-made, one small movie per cell."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from skimage.transform import resize

from cellfate.base.errors import InputError
from cellfate.base.hdf5 import writing_hdf5
from cellfate.base.progress import progress
from cellfate.crops.cutting import background_level, wanted_tracks
from cellfate.crops.digests import recording_digest
from cellfate.crops.extraction import BACKGROUND_PERCENTILE, RowWriter, create_crops, describe, events_of, write_index
from cellfate.crops.movies import RESIZE, MovieSettings, open_movie


def gather_crops(
    rows: Sequence[Mapping],
    tracks: pd.DataFrame,
    outcomes: pd.DataFrame,
    path: str | Path,
    settings: MovieSettings,
    *,
    recording: str,
    which: str,
    outcomes_wanted: Sequence[str],
    min_frames: int,
    frame_interval_min: float,
    pixel_size_um: float | None,
) -> None:
    """Write the movies of the wanted tracks of one recording to the HDF5 file ``path``, the same as that of ``extract_crops``.

    ``rows`` are those of the cells sheet with ``track_id``; ``tracks`` and ``outcomes`` the declared tables that were made of them.
    Movies of another size than the crops are cut or filled up with zeros around their centre, or scaled; scaled ones have no pixel
    size. ``content_digest`` is that of the first movie. No frame of the dish is there, so the background of frame t is the median,
    over the movies of the recording, of the 5th percentile of their frame t. Raises InputError for tracks and movies that do not belong
    together.
    """
    index = wanted_tracks(tracks, outcomes, which, outcomes_wanted, min_frames)
    events, scaled = events_of(index, outcomes, recording), settings.other_sizes == RESIZE
    by_track = {row["track_id"]: row for row in rows}
    first = open_movie(by_track[min(by_track)], settings.channels)
    shapes, levels, n_frames = [], [], 1
    with writing_hdf5(path) as file:
        shape = (len(index), len(settings.channels), settings.size, settings.size)
        writer = RowWriter(create_crops(file, shape, first.dtype))
        for track, places in progress(list(index.groupby("track_id").indices.items()), f"gather_crops {recording}", unit="cell"):
            movie = open_movie(by_track[track], settings.channels)
            frames = index["frame"].to_numpy()[places]
            if frames[-1] >= movie.n_frames:
                raise InputError(f"{movie.path}: {movie.n_frames} frames found, {frames[-1] + 1} when it was checked: was it changed?")
            for place, frame in zip(places.tolist(), frames.tolist(), strict=True):
                image = movie.read(frame)
                levels.append((frame, *background_level(image, BACKGROUND_PERCENTILE)))
                image = scale_to(image, settings.size) if scaled else image
                writer.add(place, image, image.shape[1] / 2, image.shape[2] / 2)
            shapes.append((settings.size, settings.size) if scaled else movie.shape)
            n_frames = max(n_frames, movie.n_frames)
        writer.flush()
        centre = {"y": settings.size / 2, "x": settings.size / 2} if scaled else {}
        write_index(file, index.assign(**centre), events)
        file["frame_shapes"] = np.array(shapes, np.int64).reshape(-1, 2)
        file["background"] = _median_by_frame(levels, n_frames, len(settings.channels))
        described = describe(recording, settings.channels, settings.size, frame_interval_min, None if scaled else pixel_size_um)
        found = {"n_frames": n_frames, "frame_shape": (settings.size, settings.size), "max_value": writer.max_value}
        file.attrs.update(**described, source=f"{len(rows)} movies", **found, content_digest=recording_digest(first))


def _median_by_frame(levels: Sequence[tuple], n_frames: int, n_channels: int) -> np.ndarray:
    """The median (n_frames, C) of the levels (frame, level of each channel) of each frame; NaN where there is none."""
    found = np.full((n_frames, n_channels), np.nan, np.float32)
    for frame, own in pd.DataFrame(levels, columns=["frame", *range(n_channels)]).groupby("frame"):
        found[int(frame)] = own[list(range(n_channels))].median()
    return found


def scale_to(image: np.ndarray, size: int) -> np.ndarray:
    """An image (C, S, S) at ``size`` pixels, interpolated linearly, smoothed before where it shrinks; its pixel type stays."""
    if image.shape[1] == size:
        return image
    scaled = resize(image.astype(np.float64), (len(image), size, size), order=1, anti_aliasing=image.shape[1] > size, preserve_range=True)
    return np.clip(np.rint(scaled), 0, np.iinfo(image.dtype).max).astype(image.dtype)
