"""All movies of a cells sheet, opened and checked before a run, as a run does it; every problem is kept."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError
from cellfate.base.progress import progress
from cellfate.crops.movies import CENTRE, REFUSE, MovieSettings, SeenMovie, look_at_movie, notes_of, short_movies, unlike
from cellfate.recordings.cells import missing_movies, rows_of, where_is
from cellfate.recordings.sheet import images_folder, sheet_line
from cellfate.tracks.movies import tables_of_movies
from cellfate.tracks.outcomes import CheckedTracks

MOST_PROBLEMS = 20  # of single movies, of one data set: what is wrong with one is often wrong with all
Problems = Generator[str, None, list["SeenRecording"]]


@dataclass(frozen=True)
class SeenRecording:
    """The movies of one recording and the tables that they give; what to know of them is in ``warnings``."""

    name: str
    movies: tuple[SeenMovie, ...]
    tables: CheckedTracks
    warnings: tuple[str, ...]
    channels: tuple[str, ...]

    @property
    def facts(self) -> tuple[str, int, tuple[int, int], str, tuple[str, ...]]:
        """Name, frames of all movies, height and width of the largest, pixel type, channels."""
        cells = [movie.cell for movie in self.movies]
        height, width = (max(cell.shape[axis] for cell in cells) for axis in (0, 1))
        return self.name, sum(cell.n_frames for cell in cells), (height, width), str(self.movies[0].dtype), self.channels


def settings_of(config: Mapping | None, channels: str) -> MovieSettings:
    """How movies are read; without a configuration movies of any size will do, as the size of crops is not known."""
    if config is None:
        return MovieSettings(channels.split(","), 1, CENTRE, REFUSE)
    source = config["source"]
    return MovieSettings(channels.split(","), config["crops"]["size"], source["other_sizes"], source["constant_frames"])


def movies_problems(cells: pd.DataFrame, sheet: str | Path, config: Mapping | None, fates: Mapping, min_frames: int) -> Problems:
    """Yield the problems of all movies of a sheet without problems; return the recordings of which every movie is sound.

    ``fates`` is the section ``tracks`` of the settings. Of more than 20 movies with a problem the rest is counted.
    """
    yield from missing_movies(cells, sheet)
    settings = settings_of(config, cells["channels"].iloc[0])
    lines = {key: sheet_line(cells, row) for row, key in enumerate(cells[["recording", "cell"]].itertuples(index=False, name=None))}
    found, told, known = [], 0, {}
    for name in progress(list(dict.fromkeys(cells["recording"])), "check", unit="recording"):
        rows = [row for row in rows_of(cells, name) if Path(images_folder(row["movie"])).exists()]
        movies = []
        for row in rows:
            movie, problem = _looked_at(row, where_is(row["cell"], name, sheet, lines), name, settings, fates)
            problem = problem or unlike(movie, movies, known)
            told += problem is not None
            if problem is None:
                movies.append(movie)
            elif told <= MOST_PROBLEMS:
                yield problem
        if movies and len(movies) == int((cells["recording"] == name).sum()):
            found.append(_recording(name, movies, sheet, fates, settings.channels, min_frames))
    if told > MOST_PROBLEMS:
        yield f"{sheet}: {told - MOST_PROBLEMS} more of {len(cells)} movies have a problem"
    return found


def _looked_at(row: Mapping, where: str, name: str, settings: MovieSettings, fates: Mapping) -> tuple[SeenMovie | None, str | None]:
    """The movie, or the first thing that is wrong with it or with the event of its cell."""
    try:
        movie = look_at_movie(row, where, settings)
        _tables(name, [movie], where, fates)
    except InputError as error:
        return None, str(error)
    except Exception as error:  # one damaged file must not hide all others
        return None, in_words(error, where)
    return movie, None


def _tables(name: str, movies: list[SeenMovie], sheet: object, fates: Mapping) -> CheckedTracks:
    words = fates["outcomes_from"]["words"]
    return tables_of_movies(name, [movie.cell for movie in movies], str(sheet), event_gap=fates["event_gap"], words=words)


def _recording(name: str, movies: list[SeenMovie], sheet: str | Path, fates: Mapping, channels: Sequence[str], least: int) -> SeenRecording:
    tables = _tables(name, movies, sheet, fates)
    warnings = [*notes_of(movies), *short_movies(movies, least), *tables.in_table]
    return SeenRecording(name, tuple(movies), tables, tuple(warnings), tuple(channels))
