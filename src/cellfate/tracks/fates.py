"""What tables say of how tracks ended: the table beside the tracks of a recording, and one table for all recordings."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.raw import RecordingFacts, as_text_table, likely_name, lines, numbers, outcomes_beside, read_text
from cellfate.tracks.times import UNITS, frame_of_number, frame_of_time

EVENTS = ("event_frame", *UNITS, "event_time")  # one of these says when
NEEDED = ("track_id", "outcome")
OPTIONAL = (*EVENTS, "start_time", "continues_as", "lineage", "recording")
EXCEL = (".xlsx", ".xlsm")
SHOWN = 5


def fates_beside(path: Path, facts: RecordingFacts, names: Mapping[str, str]) -> tuple[pd.DataFrame | None, Path]:
    """The fates in the table beside tracks, None where there is none, and where that table is or would be.

    ``names`` are {column here: its name in the table}. Returns the columns of :class:`cellfate.tracks.raw.RawTracks.fates`.
    """
    beside = outcomes_beside(path)
    if not beside.exists():
        return None, beside
    with _hint_at_columns():
        text = read_text(beside, facts.name, NEEDED, OPTIONAL, one_of=EVENTS, names=names)
    return _fates(text, beside, facts), beside


def fates_by_recording(path: str, names: Mapping[str, str]) -> dict[str, list[dict[str, str]]]:
    """The rows of one table of outcomes for all recordings: {recording: its rows as text, each with its ``line``}.

    A table is text (``.csv``) or the first sheet of an Excel file; further columns are passed over. Raises InputError for a missing
    column and for a row without a recording.
    """
    file = Path(path)
    needed, optional = (*NEEDED, "recording"), tuple(name for name in OPTIONAL if name != "recording")
    with _hint_at_columns():
        text = read_text(file, None, needed, optional, strict=False, one_of=EVENTS, names=dict(names), contents=_of_excel(file))
    _event_column(text, file)
    found: dict[str, list[dict[str, str]]] = {}
    for row, values in zip(text.index, text.to_dict("records"), strict=True):
        if not values["recording"]:
            raise InputError(f"{file}: line {row + 2}: recording is empty, the name of a recording of the sheet is needed")
        filled = {name: value for name, value in values.items() if value or name in NEEDED}
        found.setdefault(values["recording"], []).append({"line": row + 2} | filled)
    return found


@contextmanager
def _hint_at_columns() -> Iterator[None]:
    """An error about a column that is missing also says where other names of columns can be given."""
    try:
        yield
    except InputError as error:
        if " missing; needed are " not in str(error):
            raise
        raise InputError(f"{error}; tracks.outcomes_from.columns says under which names its columns stand") from None


def _of_excel(path: Path) -> pd.DataFrame | None:
    """The first sheet of an Excel file as text; None for another file."""
    if path.suffix.lower() not in EXCEL or not path.is_file():
        return None
    try:
        table = pd.read_excel(path, header=None, dtype=object)
    except Exception as error:  # zipfile, openpyxl and xml raise many kinds, all mean that this is no workbook
        raise InputError(f"{path}: not readable as an Excel workbook: {error}") from error
    return as_text_table(table.map(_cell), path)


def _cell(value: object) -> str:
    """A cell of a workbook as it would stand in a text table: 7.0 as 7, a date at midnight with its time."""
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def fates_of_rows(rows: Sequence[Mapping], path: Path, names: Mapping[str, str], facts: RecordingFacts) -> pd.DataFrame:
    """The fates in the rows of one recording that :func:`fates_by_recording` found in ``path`` with these ``names``.

    Rows without lines, as jobs have them, are named by recording and track; their lines are looked up for an error alone.
    """
    if "line" in rows[0]:
        return _fates_at(rows, [int(row["line"]) for row in rows], path, facts)
    try:
        found = _fates_at(rows, range(2, len(rows) + 2), path, facts)
    except InputError:
        return _fates_at(rows, _lines_of(rows, path, names, facts.name), path, facts)
    return found.assign(where=[f"recording {facts.name}, track_id {track}" for track in found["track_id"]])


def _fates_at(rows: Sequence[Mapping], lines_of_rows: Sequence[int], path: Path, facts: RecordingFacts) -> pd.DataFrame:
    text = pd.DataFrame(list(rows), index=[line - 2 for line in lines_of_rows], dtype=object).drop(columns="line", errors="ignore")
    return _fates(text.reindex(columns=[*NEEDED, *OPTIONAL]).fillna(""), path, facts)


def _lines_of(rows: Sequence[Mapping], path: Path, names: Mapping[str, str], recording: str) -> list[int]:
    """The lines of a recording's rows in the file as it is now; counted from the first where these are no longer its rows."""
    try:
        now = fates_by_recording(str(path), names).get(recording, [])
    except InputError:
        now = []
    same = [{name: value for name, value in row.items() if name != "line"} for row in now] == list(rows)
    return [int(row["line"]) for row in now] if same else list(range(2, len(rows) + 2))


def unmatched(found: Mapping[str, list], recordings: list[str], path: str) -> str | None:
    """A warning about recordings of a table of outcomes that the sheet lacks; an InputError where it has none of them."""
    others = [name for name in found if name not in recordings]
    if not others:
        return None
    shown = ", ".join(others[:SHOWN]) + (f" and {len(others) - SHOWN} more" if len(others) > SHOWN else "")
    if len(others) == len(found):
        meant = likely_name(recordings[0], others)
        raise InputError(
            f"{path}: recording is {shown}; the recordings of the sheet are {', '.join(recordings[:SHOWN])}: none agrees{meant}"
        )
    return f"{path}: recordings that the sheet does not have were passed over: {shown}"


def _fates(text: pd.DataFrame, path: Path, facts: RecordingFacts) -> pd.DataFrame:
    column = _event_column(text, path)
    return pd.DataFrame(
        {
            "track_id": numbers(text["track_id"], path, whole=True),
            "outcome": text["outcome"].where(text["outcome"] != "", None),
            "event_frame": _frames(text, column, path, facts),
            "continues_as": [_ids(value, line, path) for line, value in zip(lines(text), text["continues_as"], strict=True)],
            "lineage": text["lineage"].where(text["lineage"] != "", None),
            "where": lines(text),
            "note": None,
            "source": str(path),
        }
    )


def _event_column(text: pd.DataFrame, path: Path) -> str:
    """The column that says when events were; an InputError where two are filled."""
    there = [name for name in EVENTS if (text[name] != "").any()]
    if len(there) > 1:
        raise InputError(f"{path}: {' and '.join(there)} are both filled, one column must say when the events were")
    return there[0] if there else "event_frame"


def _frames(text: pd.DataFrame, column: str, path: Path, facts: RecordingFacts) -> pd.Series:
    if column == "event_frame":
        return numbers(text[column], path, whole=True, empty=True)
    interval = facts.frame_interval_min
    if interval is None:
        raise InputError(f"{path}: {column} is given, so the sheet must give frame_interval_min for recording {facts.name}")
    frames = []
    for row, value, start in zip(text.index, text[column], text["start_time"], strict=True):
        try:
            if value == "":
                frames.append(pd.NA)
            else:
                frames.append(frame_of_number(value, column, interval) if column in UNITS else frame_of_time(value, start, interval))
        except ValueError as error:
            raise InputError(f"{path}: line {row + 2}: {column} is {value!r}, {error}") from None
    return pd.Series(frames, index=text.index, name=column, dtype="Int64")


def _ids(value: str, line: str, path: Path) -> tuple[int, ...]:
    """The track ids of a ``continues_as`` cell, separated by semicolons."""
    parts = [part.strip() for part in value.split(";") if part.strip()]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise InputError(f"{path}: {line}: continues_as is {value!r}, track ids separated by ';' are needed")
    return tuple(int(part) for part in parts)
