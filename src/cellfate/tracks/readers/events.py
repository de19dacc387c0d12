"""Events that a file of tracks names in its program's own words: the first frame of each word in each track."""

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.raw import EVENTS, RecordingFacts
from cellfate.tracks.readers.parents import NONE_WORDS

SHOWN = 20  # columns in a message
_TRUTH = {"true": "1", "false": "0"}
_WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")


def word_of(value: Any) -> str:
    """A value of any type as a word; empty for none, NaN and a word for none.

    True and 1.0 are ``1``, false and 0.0 are ``0``, so that one word says the same of all files. Several values are joined by ';'.
    """
    if isinstance(value, np.ndarray | list | tuple):
        return ";".join(word for one in np.ravel(np.asarray(value, dtype=object)).tolist() if (word := word_of(one)))
    text = "" if value is None else (value.decode(errors="replace") if isinstance(value, bytes) else str(value)).strip()
    if text.lower() in NONE_WORDS:
        return ""
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else _TRUTH.get(text.lower(), text)


def words_in(text: pd.Series) -> pd.Series:
    """A column of text as words."""
    return text.map({one: word_of(one) for one in text.unique()})


def first_words(rows: pd.DataFrame, columns: Mapping[str, Iterable[Any]]) -> pd.DataFrame:
    """The events of ``columns``, {name: a value for each of ``rows``}, which have ``track_id``, ``frame`` and ``where``."""
    places = rows[["track_id", "frame", "where"]].rename(columns={"frame": "event_frame"})
    found = [places.assign(column=name, word=_words(values)) for name, values in columns.items()]
    return _first(pd.concat(found, ignore_index=True)) if found else pd.DataFrame(columns=EVENTS)


def _words(values: Iterable[Any]) -> list[str]:
    return words_in(values).tolist() if isinstance(values, pd.Series) else [word_of(one) for one in values]


def _first(events: pd.DataFrame) -> pd.DataFrame:
    events = events[events["word"] != ""].sort_values(["track_id", "event_frame"], kind="stable")
    return events.drop_duplicates(["track_id", "column", "word"])[list(EVENTS)]


def said_in(text: pd.DataFrame, rows: pd.DataFrame, facts: RecordingFacts, path: Path) -> tuple[pd.DataFrame, list[str]]:
    """The events in those columns of a text table that the settings name, and a warning about those that it lacks.

    ``text`` has all columns of the file; those without any value are not counted as its own where they are not named.
    """
    columns = {name: text[name] for name in facts.event_columns if name in text}
    there = [name for name in text if name in columns or (text[name] != "").any()]
    return first_words(rows, columns), lacking(facts.event_columns, columns, there, path)


def lacking(wanted: Iterable[str], found: Collection[str], there: Iterable[str], path: Path) -> list[str]:
    """One warning about columns, properties or tags that the settings name and the file lacks; none where it has all."""
    absent, there = [name for name in wanted if name not in found], list(there)
    if not absent:
        return []
    more = f" and {len(there) - SHOWN} more" if len(there) > SHOWN else ""
    shown = " ".join(", ".join(there[:SHOWN]).split()) + more
    return [f"{path}: it has no {', '.join(absent)}, which tracks.outcomes_from.events names; there are {shown or 'no columns'}"]


def of_position(text: pd.DataFrame, column: str, names: Iterable[pd.Series], facts: RecordingFacts, path: Path) -> pd.DataFrame:
    """The rows of a table with the cells of several positions that are of this recording; all rows where it has one position.

    ``column`` tells the positions apart; a row is of the recording that has one of its ``names``.
    """
    positions = text[column].unique() if column in text else ()
    if len(positions) <= 1:
        return text
    mine = pd.Series(False, index=text.index)
    for one in names:
        mine |= one == facts.name
    if not mine.any():
        shown = ", ".join(positions[:SHOWN])
        raise InputError(
            f"{path}: it has the cells of several positions ({column} is {shown}); none is called {facts.name}, as the recording is"
        )
    return text[mine]
