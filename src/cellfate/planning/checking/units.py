"""The units of a sheet against what the files of a recording say: times and lengths scale with them, and nothing else would show a slip."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pandas as pd

from cellfate.frames.folders import CLOCK, FrameFiles, JoinedChannels
from cellfate.frames.reader import Frames
from cellfate.recordings.discovery.metadata import ImageMetadata, read_metadata, recording_metadata, take_trackmate
from cellfate.recordings.doubts import mix_up
from cellfate.recordings.sheet import sheet_line
from cellfate.recordings.tables import TOLERANCE

COLUMNS = {"frame_interval_min": "min", "pixel_size_um": "um"}
DEFAULT_PIXEL = 1.0  # micrometres: what programs write that know no size


def unit_doubts(row, frames: Frames, here: str) -> Iterator[str]:
    """Warnings where pixel size or frame interval of a row are not those of its files, and where the drug comes after the last frame.

    ``row`` has the columns of the sheet; files are the first of the images and a TrackMate file. What they do not say counts for nothing.
    """
    yield from _differing(row, *_of_images(frames), here)
    if row.tracks is not None and row.tracks_format == "trackmate" and row.tracks.lower().endswith(".xml"):
        of_tracks = ImageMetadata()
        take_trackmate(Path(row.tracks), of_tracks)
        of_tracks.pixel_size_um = None  # the reader of tracks refuses one that is not the sheet's
        yield from _differing(row, row.tracks, of_tracks, here)
    if pd.isna(row.treatment_start_h) or pd.isna(row.frame_interval_min):
        return
    end = (frames.n_frames - 1) * row.frame_interval_min / 60
    if row.treatment_start_h > end:
        yield (
            f"{here}: treatment_start_h is {row.treatment_start_h:g}, but the last of {frames.n_frames} frames is {end:.4g} h after the "
            "first: no frame is under treatment. Hours from the first frame are needed"
        )


def movie_doubts(cells: pd.DataFrame, source: str | Path) -> Iterator[str]:
    """The warnings of :func:`unit_doubts` about units, from the first movie of each recording of a checked cells sheet."""
    for place in (~cells["recording"].duplicated()).to_numpy().nonzero()[0]:
        row = cells.iloc[place]
        path = Path(row["movie"])
        if path.exists():
            yield from _differing(row, path, read_metadata(path), f"{source}: line {sheet_line(cells, int(place))}")


def _of_images(frames: Frames) -> tuple[Path, ImageMetadata]:
    """The first file of a recording, and what it and the times in the names of files say."""
    while isinstance(frames, JoinedChannels):
        frames = frames.parts[0]
    if not isinstance(frames, FrameFiles):
        return Path(frames.path), recording_metadata(Path(frames.path), None)
    return frames.files[0], recording_metadata(frames.files[0], _clock_step(frames))


def _clock_step(frames: FrameFiles) -> float | None:
    """Minutes from frame to frame where names tell days, hours and minutes and all steps are alike; None otherwise."""
    times = list(frames.timed)
    steps = {later - time for time, later in pairwise(times)}
    clock = all(CLOCK.fullmatch(file.text) for file in frames.timed.values())
    return float(steps.pop()) if clock and len(steps) == 1 else None


def _differing(row, file: str | Path, said: ImageMetadata, here: str) -> Iterator[str]:
    for column, unit in COLUMNS.items():
        ours, theirs = getattr(row, column), getattr(said, column)
        if pd.isna(ours) or theirs is None or (column == "pixel_size_um" and theirs == DEFAULT_PIXEL):
            continue
        if abs(ours / theirs - 1) > TOLERANCE:
            yield f"{here}: {column} is {ours:g}, but {file} says {theirs:g} {unit}{mix_up(column, ours / theirs)}"
