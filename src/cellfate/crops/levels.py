"""The level of a recording's own intensities, from its first frames: the background, and how bright its cells are above it."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.crops.crop_file import CropFile

CENTRE = 0.2  # radius of the disc around the cell's centre, as a share of half the crop's side


@dataclass(frozen=True)
class Levels:
    """Counts of each channel: the background, and what cells are above it.

    ``digest`` names the recording (:func:`cellfate.crops.digests.recording_digest`), where it is known.
    """

    background: tuple[float, ...]
    signal: tuple[float, ...]
    digest: str | None = None

    def __post_init__(self) -> None:
        for name in ("background", "signal"):
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))


def first_frames(frames: np.ndarray, n_frames: int) -> np.ndarray:
    """The first ``n_frames`` different numbers among ``frames``: those in which there are cells."""
    return np.unique(frames)[:n_frames]


def centre_disc(size: int) -> np.ndarray:
    """Which pixels (S, S) of a crop are in the disc around its centre; at least those next to it."""
    offset = np.arange(size) - (size - 1) / 2
    return np.hypot(offset[:, None], offset[None, :]) <= max(CENTRE * size / 2, 1.0)


def levels_of(centres: np.ndarray, background: np.ndarray, recording: str, channels: list[str]) -> Levels:
    """Levels from the mean counts in the disc (N, C) of N crops and the ``background`` (N, C) of the frames that they are from: medians.

    Raises InputError for a channel in which cells are not brighter than the background, by which nothing can be divided.
    """
    signal = np.median(centres - background, axis=0)
    for channel, value in zip(channels, signal, strict=True):
        if not value > 0:
            raise InputError(
                f"scaling: recording divides by the brightness of cells, but in recording {recording}, channel {channel}, cells are "
                f"{value:.3g} counts above the background in the first frames: scaling: corrected needs no signal"
            )
    return Levels(tuple(np.median(background, axis=0)), tuple(signal))


def crop_levels(file: CropFile, n_frames: int) -> Levels:
    """The levels of a crop file, from the crops of the first ``n_frames`` frames in which there are any.

    Raises InputError for a file without crops, and as :func:`levels_of`.
    """
    index = file.index()
    if index.empty:
        raise InputError(f"{file.path}: no crops to take the level of recording {file.recording} from")
    rows = index[index["frame"].isin(first_frames(index["frame"].to_numpy(), n_frames))]
    disc, background = centre_disc(file.shape[-1]), file.background
    centres, levels = [], []
    for track, own in rows.groupby("track_id", sort=True):
        frames, crops = file.read(int(track), int(own["frame"].min()), int(own["frame"].max()))
        centres.append(crops[:, :, disc].mean(axis=2, dtype=np.float64))
        levels.append(background[frames])
    found = levels_of(np.concatenate(centres), np.concatenate(levels), file.recording, file.channels)
    return replace(found, digest=file.content_digest)


def is_first(tracks: pd.DataFrame, n_frames: int) -> pd.DataFrame:
    """The rows of tracks in the first ``n_frames`` frames that have cells."""
    return tracks[tracks["frame"].isin(first_frames(tracks["frame"].to_numpy(), n_frames))]
