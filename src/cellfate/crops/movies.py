"""Ready-made crops: the movies of a recording's cells, opened and checked before anything is computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.crops.tables import CELLS_OF_RECORDING
from cellfate.frames.formats import open_frames
from cellfate.frames.pixels import PixelNotes, constant_channels, end_problem
from cellfate.frames.reader import Frames
from cellfate.tracks.movies import CellMovie

REFUSE, CENTRE, RESIZE = "refuse", "centre", "resize"  # source.other_sizes
LEAVE_OUT = "leave_out"  # source.constant_frames: it, or refuse


@dataclass(frozen=True)
class MovieSettings:
    """``size`` of the crops in pixels, names of the ``channels``, and what is done with movies of other sizes and with empty frames."""

    channels: Sequence[str]
    size: int
    other_sizes: str
    constant_frames: str


@dataclass(frozen=True)
class SeenMovie:
    """What a movie holds: its cell, pixel type, a digest of its pixels, and lines for a person; ``odd`` are those about pixels, by kind."""

    cell: CellMovie
    dtype: np.dtype
    digest: str
    notes: tuple[str, ...]
    odd: Mapping[str, str]


def open_movie(row: Mapping, channels: Sequence[str]) -> Frames:
    """The frames of a row of the cells sheet."""
    labels = row["channel_labels"] and row["channel_labels"].split(",")
    return open_frames(row["movie"], channels, labels, row["last_image"])


def look_at_movie(row: Mapping, where: str, settings: MovieSettings) -> SeenMovie:
    """Decode a movie to its end and say what is in it; ``row`` has the columns of the cells sheet and ``track_id``.

    Raises InputError with ``where``, the sheet and line, for a movie that cannot be read, is of a size that the settings refuse, or
    has empty frames at an end: two or more with one value everywhere. With ``constant_frames: leave_out`` frames that are so in every
    channel are not among the frames of the cell; what is left must still be a movie.
    """
    try:
        frames = open_movie(row, settings.channels)
        frames.check()
        _check_size(frames, settings)
        empty, pixels, digest = _decoded(frames)
        kept = _kept(frames, empty, settings)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    facts = (row["outcome"], row["event_frame"], row["lineage"], len(empty), frames.shape, kept)
    notes = [*frames.notes, *(pixels.constant_lines() if settings.constant_frames == REFUSE else ())]
    cell = CellMovie(str(row["cell"]), row["track_id"], where, *facts)
    return SeenMovie(cell, frames.dtype, digest, tuple(f"{where}: {note}" for note in notes), pixels.odd_lines())


def _decoded(frames: Frames) -> tuple[np.ndarray, PixelNotes, str]:
    """Which frames have one value everywhere in every channel (T,), what is wrong with the pixels, and a digest of the pixels."""
    pixels, digest, empty = PixelNotes(frames), blake2b(digest_size=16), np.zeros(frames.n_frames, bool)
    for t in range(frames.n_frames):
        image = frames.read(t)
        pixels.note(t, image)
        empty[t] = len(constant_channels(image)) == len(image)
        digest.update(np.ascontiguousarray(image))
    return empty, pixels, digest.hexdigest()


def _kept(frames: Frames, empty: np.ndarray, settings: MovieSettings) -> np.ndarray:
    """The numbers of the frames that are used; ``frames`` end with the last of them."""
    leave_out = settings.constant_frames == LEAVE_OUT
    if empty.all():
        raise InputError(f"{frames.path}: every frame has one value everywhere in every channel: nothing was written, or shows nothing")
    start = int(empty.argmin())
    if start > 1 and not leave_out:
        raise InputError(
            f"{frames.path}: one value everywhere in every channel in the first {start} frames: a movie filled up to the length of others? "
            "source.constant_frames: leave_out leaves them out"
        )
    kept = np.flatnonzero(~empty) if leave_out else np.arange(len(empty))
    frames.leave_out_after(int(kept[-1]))
    if problem := end_problem(frames):
        raise InputError(problem + ("" if leave_out else ", or set source.constant_frames: leave_out, where all channels are like that"))
    return kept


def _check_size(frames: Frames, settings: MovieSettings) -> None:
    height, width = frames.shape
    found = f"{frames.path}: images of {height} x {width} pixels"
    if settings.other_sizes == REFUSE and (height, width) != (settings.size, settings.size):
        raise InputError(
            f"{found}, crops.size is {settings.size}: give the size of the movies there; where they differ, source.other_sizes: centre "
            "cuts or fills them up around their centre, resize scales them, after which sizes of cells no longer compare"
        )
    if settings.other_sizes == RESIZE and height != width:
        raise InputError(f"{found}, which are not square: source.other_sizes: resize would change the shape of the cell; centre keeps it")


def check_alike(movies: Sequence[SeenMovie]) -> None:
    """Raise an InputError where movies of one recording differ in pixel type, or two have the same images."""
    known: dict[str, SeenMovie] = {}
    for movie in movies:
        if problem := unlike(movie, movies, known):
            raise InputError(problem)


def unlike(movie: SeenMovie, recording: Sequence[SeenMovie], known: dict[str, SeenMovie]) -> str | None:
    """What is wrong with a movie beside others: its ``recording``'s first, and those ``known`` by digest, to which it is added."""
    if recording and movie.dtype != recording[0].dtype:
        found = f"pixels of type {movie.dtype}, those of cell {recording[0].cell.cell} of the same recording are {recording[0].dtype}"
        return f"{movie.cell.where}: {found}: counts of one scale are needed"
    other = known.setdefault(movie.digest, movie)
    if other is not movie:
        return f"{movie.cell.where}: its movie has the same images as that of {other.cell.where}: the same cell would count twice"
    return None


def movies_table(recording: str, rows: Sequence[Mapping], movies: Sequence[SeenMovie]) -> pd.DataFrame:
    """The declared table of the cells of a recording: number, name, movie, its frames and those that are used, its size in pixels."""
    cells = [movie.cell for movie in movies]
    found = [
        (recording, one.track_id, one.cell, row["movie"], one.n_frames, len(one.frames), *one.shape)
        for row, one in zip(rows, cells, strict=True)
    ]
    return pd.DataFrame(found, columns=list(CELLS_OF_RECORDING.columns)).sort_values("track_id", ignore_index=True)


def notes_of(movies: Sequence[SeenMovie]) -> list[str]:
    """The notes of all movies, and of each thing that is wrong with pixels the first movie with it and how many more there are."""
    lines = [note for movie in movies for note in movie.notes]
    for kind in dict.fromkeys(kind for movie in movies for kind in movie.odd):
        those = [movie for movie in movies if kind in movie.odd]
        more = f" (as in {len(those) - 1} more of {len(movies)} movies)" if len(those) > 1 else ""
        lines.append(f"{those[0].cell.where}: {those[0].odd[kind]}{more}")
    return lines


def short_movies(movies: Sequence[SeenMovie], min_frames: int) -> list[str]:
    """A line about the movies that have no more than ``min_frames`` frames, which are set aside as short tracks are."""
    short = [movie.cell for movie in movies if len(movie.cell.frames) <= min_frames]
    if not short:
        return []
    first = f"{short[0].where}: {len(short[0].frames)} frames"
    return [f"{len(short)} of {len(movies)} movies are not longer than {min_frames} frames and are not used, the first: {first}"]
