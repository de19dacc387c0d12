"""The file of corrections: one row for each track whose outcome, or which itself, is wrong."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.names import MARKUP
from cellfate.base.tables import read_table
from cellfate.tracks.tables import CORRECTIONS, WRONG_OUTCOME, WRONG_TRACK

SHOWN = 5


def correction_rows(path: str | Path | None, recordings: Mapping[str, bool]) -> dict[str, list[dict]]:
    """{recording: its rows of the table CORRECTIONS, each with its ``line``}; empty without a file.

    ``recordings`` are {recording of the sheet: whether it has tracks}. Raises InputError with line and value for a file that is no such
    table, a recording that the sheet lacks or that has no given tracks, and rows that say too little or too much.
    """
    found: dict[str, list[dict]] = {}
    if path is None:
        return found
    for place, row in enumerate(read_table(path, CORRECTIONS).to_dict("records")):
        plain = {name: None if pd.isna(value) else value for name, value in row.items()}
        here = f"{path}: line {place + 2}"
        _check(plain, here, recordings)
        numbers = {name: None if plain[name] is None else int(plain[name]) for name in ("track_id", "event_frame")}
        found.setdefault(plain["recording"], []).append({"line": place + 2} | plain | numbers)
    return found


def _check(row: Mapping, here: str, recordings: Mapping[str, bool]) -> None:
    for name in ("outcome", "was"):
        if row[name] is not None and MARKUP.search(row[name]):
            raise InputError(f"{here}: {name} is {row[name]!r}; text without </ and <!-- is needed")
    if row["recording"] not in recordings:
        shown = ", ".join(list(recordings)[:SHOWN])
        raise InputError(f"{here}: recording is {row['recording']!r}; the recordings of the sheet are {shown}")
    if not recordings[row["recording"]]:
        raise InputError(f"{here}: recording {row['recording']} has no given tracks, and those that are made here have no outcomes")
    if row["what"] == WRONG_OUTCOME and row["outcome"] is None:
        raise InputError(f"{here}: outcome is empty, the right one is needed; what: {WRONG_TRACK} sets the whole track aside")
    if row["what"] == WRONG_TRACK and (row["outcome"] is not None or row["event_frame"] is not None):
        raise InputError(f"{here}: what is {WRONG_TRACK}, which sets the whole track aside: outcome and event_frame must be empty")


def without_lines(rows: Sequence[Mapping]) -> list[dict]:
    """The rows as parameters of jobs: a line would make stale what a row of another recording above it has not changed."""
    return [{name: value for name, value in row.items() if name != "line"} for row in rows]


def all_rows(found: Mapping[str, Sequence[Mapping]]) -> list[dict]:
    """The rows of all recordings below one another, without their lines."""
    return without_lines([row for rows in found.values() for row in rows])
