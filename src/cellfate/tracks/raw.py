"""What readers of tracks hand over, and text tables read with care."""

import csv
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError, no_file
from cellfate.tracks.numbers.whole import whole_number

TRACK_SUFFIXES = (".csv", ".tsv", ".txt", ".xml", ".h5", ".hdf5", ".geff", ".zarr")  # other endings belong to a folder's name


@dataclass(frozen=True)
class RecordingFacts:
    """What tracks are read and checked against: the recording's frames, ``frame_shape`` (H, W) in pixels, and what the sheet says of it.

    Pixel size and frame interval are needed for files in micrometres and minutes alone. ``event_columns`` are columns, properties or
    tags in which the files of this run name events.
    """

    name: str
    n_frames: int
    frame_shape: tuple[int, int]
    pixel_size_um: float | None = None
    frame_interval_min: float | None = None
    last_image: int | None = None  # where the sheet leaves out later ones
    event_columns: tuple[str, ...] = ()

    def leaves_out(self, frame: int) -> bool:
        """Whether the sheet leaves out a frame, as one after ``last_image``."""
        return self.last_image is not None and frame > self.last_image


class LeftOut(NamedTuple):
    """One thing in a file of tracks that was not used: a ``position``, an ``event`` or a ``mother``; ``track`` as the file names it."""

    what: str
    where: str
    track: str | None
    frame: int | None
    reason: str


FATES = ("track_id", "outcome", "event_frame", "continues_as", "lineage", "where", "note", "source")
EVENTS = ("track_id", "column", "word", "event_frame", "where")


@dataclass(frozen=True)
class RawTracks:
    """What a reader hands over.

    ``rows``: track_id (int64), parent_id (Int64), frame, y, x (pixels), where (how to find the row in the file).
    ``fates``: track_id, outcome (None: unknown), event_frame (NaN: unknown), continues_as (ids of tracks of the same cell),
    lineage (a label shared by relatives, or None), where, note (a text for the warning column, or None), source (the file that says
    so). Tracks may be absent. ``events_said``: track_id, column, word, event_frame, where: what the file says in its program's own
    words, of which those count that ``tracks.outcomes_from.words`` maps; NA for event_frame where the track cannot show the event
    (it was before, or nobody knows when), so that the track is censored. ``left_out``: what of the file is not in ``rows`` and
    ``fates`` though it should be. ``warnings``: lines for a person about the file as a whole. ``file_numbers``: {TRACK_ID in the file:
    the tracks here that it became}, for files whose own numbers are of whole lineages.
    """

    rows: pd.DataFrame
    fates: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=FATES))
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
    events_said: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=EVENTS))
    file_numbers: Mapping[int, Sequence[int]] = field(default_factory=dict)

    def until(self, last_image: int) -> "RawTracks":
        """Without the rows of later frames, the events in them, and the fates of tracks of which nothing is left; says how many.

        What a fate with such an event says of relatives stays: lineages must not be torn apart.
        """
        rows, said = self.rows[~(self.rows["frame"] > last_image)], self.warnings
        if len(rows) < len(self.rows):
            said = (*said, f"{len(self.rows) - len(rows)} of {len(self.rows)} positions are after last_image {last_image}, left out")
        known = self.fates[self.fates["track_id"].isin(rows["track_id"]) | ~self.fates["track_id"].isin(self.rows["track_id"])]
        late = known["event_frame"] > last_image if "event_frame" in known else pd.Series(False, index=known.index)
        if number := int(late.sum()):
            are = "is" if number == 1 else "are"
            said = (*said, f"{number} of {len(known)} outcomes {are} after last_image {last_image}, left out")
            related = known["lineage"].notna() | known["continues_as"].map(lambda own: isinstance(own, tuple) and len(own) > 0)
            known = known.assign(outcome=known["outcome"].mask(late, None), event_frame=known["event_frame"].mask(late, pd.NA))
            known = known[~late | related]
        return replace(self, rows=rows, fates=known, warnings=said)


def outcomes_beside(path: str | Path) -> Path:
    """Where the outcomes of a file or folder of tracks stand: ``<name without its ending>_outcomes.csv`` beside it."""
    path = Path(path)
    stem = path.stem if path.suffix.lower() in TRACK_SUFFIXES else path.name
    return path.with_name(f"{stem}_outcomes.csv")


def edges_beside(path: str | Path) -> Path:
    """Where the table of edges stands that belongs to a table of spots: the same name with ``spots`` exchanged for ``edges``.

    Beside ``<name>.csv`` without that word it is ``<name>_edges.csv``.
    """
    path = Path(path)
    name = re.sub("(?i)spots", "edges", path.name)
    return path.with_name(name if name != path.name else f"{path.stem}_edges{path.suffix}")


def refuse_depth(z: pd.Series, path: Path, where: list[str]) -> None:
    """Raise an InputError when the values of ``z`` differ: the recordings here are flat."""
    known = z.dropna()
    other = np.flatnonzero((known != known.iloc[0]).to_numpy()) if len(known) else []
    if len(other):
        row = z.index.get_loc(known.index[other[0]])
        raise InputError(f"{path}: {where[row]}: z is {known.iloc[other[0]]:g}, {known.iloc[0]:g} before: tracks in one plane are needed")


def read_text(
    path: Path,
    recording: str | None,
    needed: tuple[str, ...],
    optional: tuple[str, ...],
    sep: str = ",",
    strict: bool = True,
    keep: Callable[[str], bool] = lambda column: False,
    one_of: tuple[str, ...] = (),
    names: Mapping[str, str] = MappingProxyType({}),
    contents: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The recording's rows of a text table as stripped text; the index is the row's number below the header, from 0.

    Without ``recording`` all rows. Columns besides ``needed``, ``optional`` and those that ``keep`` names are an error when
    ``strict``, else left out; one of ``one_of`` must be there. ``names`` are {column here: its name in the table}. ``contents``
    are those of a file that is no text.
    """
    text = _renamed(_read_file(path, sep) if contents is None else contents, names, path)
    missing = [column for column in needed if column not in text]
    if one_of and not any(column in text for column in one_of):
        missing.append(" or ".join(one_of))
    kept = tuple(column for column in text if column not in needed + optional and keep(column))
    extra = [column for column in text if strict and column not in needed + optional + kept]
    if missing or extra:
        problem = f"column {missing[0]} missing" if missing else f"unknown column {extra[0]}"
        found = " ".join(", ".join(text.columns[:20]).split())
        raise InputError(f"{path}: {problem}; needed are {', '.join(needed)}, allowed besides {', '.join(optional)}; found {found}")
    text = text.fillna("").apply(lambda column: column.str.strip())
    text = text[(text != "").any(axis="columns")]
    if "recording" in text and recording is not None:
        text.attrs["recordings"] = text["recording"].unique().tolist()
        text = text[text["recording"] == recording]
    return text.reindex(columns=needed + optional + kept, fill_value="")


def _renamed(text: pd.DataFrame, names: Mapping[str, str], path: Path) -> pd.DataFrame:
    """The table with its columns named as here; where it has a column of our name as well, that is another one and goes."""
    for ours, theirs in names.items():
        if theirs not in text:
            raise InputError(f"{path}: column {theirs} missing, which should say the {ours}; found {', '.join(text.columns[:20])}")
        text = text if ours == theirs else text.drop(columns=ours, errors="ignore").rename(columns={theirs: ours})
    return text


def _read_file(path: Path, sep: str) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(no_file(path, "a text table"))
    try:
        return _text_table(path, sep)
    except (ValueError, pd.errors.ParserWarning, OverflowError) as error:  # pandas' own errors are ValueErrors
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not readable as a CSV table: {_in_words(error)}") from error


def refuse_none_of(recording: str, text: pd.DataFrame, path: Path) -> None:
    """Raise an InputError where a table of :func:`read_text` has rows of other recordings only; it names them and the likely cause."""
    others = text.attrs.get("recordings", [])
    if len(text) or not others:
        return
    shown = ", ".join(repr(name) for name in others[:10]) + (f" and {len(others) - 10} more" if len(others) > 10 else "")
    raise InputError(f"{path}: no row is of recording {recording!r}: the column recording has {shown}{likely_name(recording, others)}")


def likely_name(recording: str, others: list[str]) -> str:
    """What may have been meant by a name that is not there, as the end of a sentence."""
    alike: dict[str, Callable[[str], str]] = {
        "capital letters": str.casefold,
        "spaces, signs and capital letters": lambda name: re.sub(r"[\W_]", "", name).casefold(),
        "zeros": lambda name: re.sub(r"0*(\d+)", r"\1", re.sub(r"[\W_]", "", name).casefold()),
        "its ending": lambda name: name.rpartition("/")[2].partition(".")[0].casefold(),
    }
    for what, bare in alike.items():
        same = [name for name in others if bare(name) == bare(recording)]
        if same:
            return f"; {same[0]!r} differs in {what} alone: the sheet and the table must have the same name"
    close = get_close_matches(recording, others, n=1, cutoff=0.7)
    return f"; is {close[0]!r} meant? The sheet and the table must have the same name" if close else ""


def _in_words(error: Exception) -> str:
    """pandas' error about a text table for a person, in one line."""
    text = " ".join(str(error).split())
    fields = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", text)
    if fields:
        return f"line {fields[2]} has {fields[3]} values, the header has {fields[1]} columns"
    quote = re.search(r"EOF inside string starting at row (\d+)", text)
    if quote:
        return f"a quotation mark in line {int(quote[1]) + 1} is not closed"
    if isinstance(error, pd.errors.ParserWarning):
        return "a row has more values than the header has columns"
    if isinstance(error, pd.errors.EmptyDataError):
        return "it is empty"
    return f"is it a text file in UTF-8? ({text})" if isinstance(error, UnicodeDecodeError) else text


def _text_table(path: Path, sep: str) -> pd.DataFrame:
    """All columns as text, their names stripped; an InputError for another separator, a row that is too long and a name given twice."""
    with open(path, encoding="utf-8-sig") as file:
        header = file.readline()
    other = next((separator for separator in ";\t," if separator in header and sep not in header), None)
    if other:
        needed = "Commas" if sep == "," else "Spaces"
        raise InputError(f"{path}: line 1: separated by {other!r}? {needed} are needed between the columns, points in the numbers")
    options = {"sep": sep, "dtype": str, "keep_default_na": False, "skip_blank_lines": False, "index_col": False, "encoding": "utf-8-sig"}
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # a row longer than the header
        text = pd.read_csv(path, **options)
        names = pd.read_csv(path, header=None, nrows=1, **options).iloc[0].fillna("").str.strip().tolist()
    names[0] = names[0].lstrip("# ")  # as numpy writes it
    _refuse_twice(names, path)
    short = _short_lines(path, sep, max(place for place, name in enumerate(names, start=1) if name or place == 1))
    if short and len(short) == (text.fillna("") != "").any(axis="columns").sum():
        line, values = next(iter(short.items()))
        raise InputError(f"{path}: line {line} has {values} values, the header has {len(names)} columns, and no line has as many")
    text.columns = [name or f"column {place}" for place, name in enumerate(names, start=1)]
    text = _without_nameless(text, names, path)
    if short:
        first = next(iter(short))
        text.attrs["notes"] = [f"{path}: {len(short)} lines have fewer values than the header has columns, the first: line {first}"]
    return text


def _short_lines(path: Path, sep: str, width: int) -> dict[int, int]:
    """{line: number of values} of the lines below the header that have fewer than ``width`` values, blank ones left out."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, delimiter=sep)
        short: dict[int, int] = {}
        try:
            next(rows, None)
            for cells in rows:
                if len(cells) < width and any(cell.strip() for cell in cells):
                    short[rows.line_num] = len(cells)
        except csv.Error as error:
            raise InputError(f"{path}: line {rows.line_num}: not readable as a CSV table: {error}") from error
        return short


def _without_nameless(text: pd.DataFrame, names: list[str], path: Path) -> pd.DataFrame:
    """Without the columns that have no name, which may be empty or count the rows; others are an InputError."""
    for place in [place for place, name in enumerate(names, start=1) if not name]:
        values = text[f"column {place}"].fillna("").str.strip()
        if not ((values == "").all() or values.tolist() == [str(row) for row in range(len(values))]):
            raise InputError(f"{path}: line 1: column {place} has no name, but values such as {values[values != ''].iloc[0]!r}")
        text = text.drop(columns=f"column {place}")
    return text


def as_text_table(cells: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Cells as text, of which the first row are the names of the columns, as a table; columns without a name are left out."""
    if cells.empty:
        raise InputError(f"{path}: it is empty")
    names = cells.iloc[0].str.strip()
    _refuse_twice(names.tolist(), path)
    text = cells.iloc[1:].reset_index(drop=True).set_axis(names.tolist(), axis="columns")
    return text.loc[:, [name != "" for name in names]]


def _refuse_twice(names: list[str], path: Path) -> None:
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{path}: line 1: two columns are named {' '.join(twice.split())}, so it is not clear which one counts")


def lines(text: pd.DataFrame) -> list[str]:
    """How to find each row of a text table in its file."""
    return [f"line {row + 2}" for row in text.index]


def numbers(text: pd.Series, path: Path, whole: bool = False, empty: bool = False) -> pd.Series:
    """Text as numbers: float64, where NaN and infinity pass; for ``whole`` ones those of :func:`whole_numbers`."""
    if whole:
        return whole_numbers(text, path, empty)
    values = pd.to_numeric(text.where(text != "", np.nan), errors="coerce").astype("float64")
    bad = values.isna() & ~text.str.lower().isin(["nan"])
    if empty:
        bad &= text != ""
    if bad.any():
        row = text.index[bad][0]
        raise InputError(f"{path}: line {row + 2}: {text.name} is {text[row]!r}, a number is needed")
    return values


def whole_numbers(text: pd.Series, path: Path, empty: bool = False, low: int | None = 0) -> pd.Series:
    """Text as whole numbers, exact to the last digit: int64, or Int64 where a cell may be ``empty``; an InputError below ``low``."""
    kind = "Int64" if empty else "int64"
    if text.str.fullmatch("[0-9]{1,18}").all():
        return text.astype("int64").astype(kind)
    values = []
    for row, value in text.items():
        try:
            number = pd.NA if empty and value == "" else whole_number(value)
            if number is not pd.NA and low is not None and number < low:
                raise ValueError(f"a whole number from {low} is needed")
        except ValueError as error:
            raise InputError(f"{path}: line {row + 2}: {text.name} is {value!r}, {error}") from None
        values.append(number)
    return pd.Series(values, index=text.index, name=text.name, dtype=kind)


def joined_notes(*texts: str | None) -> str | None:
    """The notes that are there, in one; None where there is none."""
    return "; ".join(text for text in texts if text) or None
