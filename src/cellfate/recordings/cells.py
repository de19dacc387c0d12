"""The cells sheet of ready-made crops: one small movie per cell, with its outcome; and the recordings that follow from it.

Every cluster job parses this module again: it imports nothing heavier than pandas.
"""

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError, raise_first
from cellfate.base.names import RECORDING_NAME
from cellfate.base.tables import table_problems
from cellfate.recordings.places import place_of
from cellfate.recordings.sheet import (
    NAME_WANTED,
    NO_TREATMENT,
    channel_problems,
    images_folder,
    pattern_problems,
    problems_by_line,
    sheet_line,
    tidy_channels,
    without_blanks,
)
from cellfate.recordings.tables import MOVIES, RECORDINGS
from cellfate.tracks.tables import CENSORED, NO_EVENT

OF_RECORDING = ("treatment", "dose", "treatment_start_h", "frame_interval_min", "pixel_size_um", "channels", "group")
UNNAMED = "movies"  # the one recording of a sheet that names none
ON_THEIR_OWN = (
    "{sheet} names no recordings: its {n} movies count as independent (those of one lineage together). Movies of one dish look alike: "
    "where there are several, training and test share dishes, the scores are too good and their intervals too narrow. Name the dish, field "
    "or day of each movie in the column recording"
)


def read_cells(path: str | Path) -> pd.DataFrame:
    """Read the cells sheet (TSV, or CSV by its ending), one row per movie in the file's order.

    Where the column ``recording`` is empty throughout, all are in one recording, ``movies``. ``track_id`` is added: the cell's own
    number where all cells of its recording are called by whole numbers, else its place among their names. ``attrs["named"]`` says
    whether the sheet names recordings. Raises InputError with file, line and value for what :func:`cells_problems` finds.
    """
    return raise_first(cells_problems(path))


def cells_problems(path: str | Path) -> Generator[str, None, pd.DataFrame | None]:
    """Yield every problem of a cells sheet; return it, or None where it cannot be read or a column is missing.

    Problems: missing, unknown or mistyped columns, names that do not fit, a recording in some rows only, a cell or a movie twice, an
    event without an outcome, and rows of one recording that differ in what a recording has once.
    """
    return (yield from problems_by_line(path, MOVIES, _checked_rows, "cell"))


def is_cells_sheet(path: str | Path) -> bool:
    """Whether a sheet has the column that only one of cells has; False also for what cannot be read."""
    path = Path(path)
    separator = "," if path.suffix.lower() == ".csv" else "\t"
    try:
        with path.open(encoding="utf-8-sig") as lines:
            header = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    except (OSError, UnicodeDecodeError):
        return False
    return "movie" in [name.strip().strip('"') for name in header.split(separator)]


def _checked_rows(cells: pd.DataFrame, source: Path) -> Generator[str, None, pd.DataFrame | None]:
    cells = yield from table_problems(without_blanks(cells, MOVIES), MOVIES, source)
    if cells is None:
        return None
    cells["treatment"] = cells["treatment"].fillna(NO_TREATMENT)
    cells.attrs["named"] = bool(cells["recording"].notna().any())
    if not cells.attrs["named"]:
        cells["recording"] = UNNAMED
    for number, row in enumerate(cells.itertuples(index=False), start=2):
        yield from _row_problems(row, f"{source}: line {number}")
    for columns, what in ((["recording", "cell"], "cell"), (["file"], "movie")):
        keys = cells.assign(file=cells["movie"].map(place_of, na_action="ignore"))[columns]
        yield from _twice(cells, keys, what, source)
    yield from tidy_channels(cells, source)
    yield from _differing(cells, source)
    cells["track_id"] = 0
    for rows in cells.groupby("recording").indices.values():
        cells.iloc[rows, cells.columns.get_loc("track_id")] = _numbers(list(cells["cell"].iloc[rows]))
    return cells


def _row_problems(row, here: str) -> Iterator[str]:
    if row.recording is None:
        yield f"{here}: recording is empty, but other rows have one: it is needed in every row or in none"
    elif not RECORDING_NAME.fullmatch(row.recording):
        yield f"{here}: recording is {row.recording!r}, {NAME_WANTED}"
    if row.channels is not None:
        yield from channel_problems(row, here)
    yield from pattern_problems(row.movie, "movie", here)
    if not pd.isna(row.event_frame) and row.outcome in (None, NO_EVENT, CENSORED):
        said = "empty" if row.outcome is None else row.outcome
        yield f"{here}: event_frame of cell {row.cell} is {row.event_frame}, but its outcome is {said}"


def _twice(cells: pd.DataFrame, keys: pd.DataFrame, what: str, source: Path) -> Iterator[str]:
    for second in np.flatnonzero((keys.duplicated() & keys.notna().all(axis="columns")).to_numpy()):
        first = int((keys == keys.iloc[second]).all(axis="columns").to_numpy().argmax())
        why = f"of recording {cells['recording'].iloc[second]}, " if what == "cell" else ""
        also = "one row per cell is needed" if what == "cell" else "the same cell would count twice"
        yield f"{source}: line {second + 2}: {what} is {cells[what].iloc[second]!r}, {why}as in line {first + 2}; {also}"


def _differing(cells: pd.DataFrame, source: Path) -> Iterator[str]:
    """Where rows of one recording disagree about what belongs to the recording; the first row that does, of each column."""
    way_out = "one value is needed for each recording"
    if not cells.attrs["named"]:
        way_out += "; as the sheet names none, all movies are in one: fill in recording, if need be with the names of the cells"
    for unit, rows in cells.groupby("recording").indices.items():
        for column in [name for name in OF_RECORDING if name != "channels"]:
            values = cells[column].iloc[rows].astype(object)
            other = ~((values == values.iloc[0]) | (values.isna() & pd.isna(values.iloc[0])))
            if other.any():
                place = int(other.to_numpy().argmax())
                found, first = ("empty" if pd.isna(value) else repr(value) for value in (values.iloc[place], values.iloc[0]))
                yield (
                    f"{source}: line {rows[place] + 2}: {column} is {found}, line {rows[0] + 2} of the same recording, {unit}, "
                    f"has {first}; {way_out}"
                )


def _numbers(names: list) -> list[int]:
    """Numbers of tracks for cells of these names: the names themselves where all are plain whole numbers, else their places in order."""
    plain = all(isinstance(name, str) and name.isascii() and name.isdigit() and str(int(name)) == name for name in names)
    if plain and max(map(int, names)) < 2**63:
        return [int(name) for name in names]
    places = {name: place for place, name in enumerate(sorted(set(map(str, names))))}
    return [places[str(name)] for name in names]


def missing_movies(cells: pd.DataFrame, source: str | Path) -> Iterator[str]:
    """Each movie of the sheet that is not there."""
    for row, path in enumerate(cells["movie"]):
        if path is not None and not Path(images_folder(path)).exists():
            here = f"{source}: line {sheet_line(cells, row)}"
            yield f"{here}: movie is {path!r}, which does not exist (paths are relative to {Path.cwd()})"


def recordings_of(cells: pd.DataFrame, dataset: str, *, scaled: bool) -> pd.DataFrame:
    """The recordings sheet of a checked cells sheet, in the order of the cells; ``images`` is the recording's crop file.

    Where movies are ``scaled`` to the size of the crops, their pixel size is not that of the crops, and is left out. There are no
    tracks of other programs, so ``tracks`` is empty. The line of a recording is that of its first cell.
    """
    first = cells.drop_duplicates("recording")
    images = [f"results/{dataset}/crops/{unit}.h5" for unit in first["recording"]]
    sheet = first[["recording", *OF_RECORDING]].assign(images=images)
    sheet = sheet.reindex(columns=list(RECORDINGS.columns)).astype(object)
    for column in ("tracks", "tracks_format", "channel_labels", *["pixel_size_um"] * scaled):
        sheet[column] = None
    lines = [sheet_line(cells, row) for row in np.flatnonzero(~cells["recording"].duplicated().to_numpy())]
    sheet = sheet.reset_index(drop=True)
    sheet.attrs["lines"] = lines
    return sheet


def rows_of(cells: pd.DataFrame, recording: str) -> list[dict]:
    """The cells of a recording as plain values, without their lines, so that a row above changes nothing; None for empty."""
    columns = ["cell", "track_id", "movie", "channel_labels", "last_image", "outcome", "event_frame", "lineage"]
    own = cells.loc[cells["recording"] == recording, columns].astype(object)
    return own.where(own.notna(), None).to_dict("records")


def lines_by_cell(path: str | Path) -> dict[tuple[str, str], int]:
    """{(recording, cell): its line} of a sheet, for messages; empty where the sheet cannot be read any more."""
    try:
        cells = read_cells(path)
    except InputError:
        return {}
    return {key: sheet_line(cells, row) for row, key in enumerate(cells[["recording", "cell"]].itertuples(index=False, name=None))}


def where_is(cell: str, recording: str, sheet: str | Path, lines: Mapping[tuple[str, str], int]) -> str:
    """Sheet, line and cell, for a message; ``lines`` are those of :func:`lines_by_cell`."""
    line = lines.get((recording, cell))
    return f"{sheet}: " + ("" if line is None else f"line {line}: ") + f"cell {cell}"


def caveat(cells: pd.DataFrame, sheet: str | Path) -> str | None:
    """What a reader of the results must know where the sheet names no recordings."""
    return None if cells.attrs["named"] else ON_THEIR_OWN.format(sheet=sheet, n=len(cells))
