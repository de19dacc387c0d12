"""Which column of a file says who a track's mother is, and which of its values say that there is none.

Every program has its own name for it. What looks like lineage and is not used is named, so that nothing is dropped without a word.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.numbers.whole import whole_number
from cellfate.tracks.raw import whole_numbers

# without signs and capitals, in this order: where a program writes two, the first is the mother's track, the other a detection
PARENT_NAMES = ("parenttrackid", "parenttrack", "mothertrackid", "mothertrack", "parentcellid", "parentid", "parent", "motherid", "mother")
DETECTION_NAMES = ("id", "nodeid", "spotid", "detectionid")
NONE_WORDS = ("", "-", "none", "nan", "na", "n/a", "null", "<na>")
_LINEAGE = re.compile("parent|mother|daughter|ancest|lineage|sister|sibling|progenitor|root|founder|generation")


def plain_name(column: str) -> str:
    """A column's name without capitals and signs: ``ParentTrackID`` and ``parent_track_id`` are the same."""
    return re.sub("[^a-z0-9]", "", column.lower())


def is_parent_name(column: str) -> bool:
    """Whether a column of this name may hold mothers, or the numbers of detections that tell them."""
    return plain_name(column) in PARENT_NAMES + DETECTION_NAMES


def is_lineage_name(column: str) -> bool:
    """Whether a column of this name looks like lineage, whether or not it can be used, or holds the numbers of detections."""
    return is_parent_name(column) or bool(_LINEAGE.search(column.lower()))


def parent_names(columns: Iterable[str]) -> list[str]:
    """Those of the columns that may hold mothers, the likeliest first."""
    return sorted((one for one in columns if plain_name(one) in PARENT_NAMES), key=lambda one: PARENT_NAMES.index(plain_name(one)))


def unused_lineage(columns: Iterable[str], used: Sequence[str], source: str | None, path: Path) -> list[str]:
    """One warning that names the columns that look like lineage and are not ``used``; none where there is none.

    ``source`` says where mothers are read from instead; None where the file has nothing that could be used.
    """
    unused = [one for one in columns if one not in used and plain_name(one) not in DETECTION_NAMES and is_lineage_name(one)]
    if not unused:
        return []
    what = f"columns {', '.join(unused)} look like lineage and are" if len(unused) > 1 else f"column {unused[0]} looks like lineage and is"
    read = f"mothers are read from {source}" if source else "no cell has a mother (a column parent_id or parent_track_id would say who)"
    return [f"{path}: {what} not used; {read}"]


def parent_number(value: object) -> int | None:
    """The mother's number; None for what programs write for none: nothing, a word for it, or a negative number.

    0 is left as it is: whether it is a track is known when all tracks are. A ValueError says what is needed instead.
    """
    if value is None or str(value).strip().lower() in NONE_WORDS:
        return None
    number = whole_number(value)
    return None if number < 0 else number


def read_parents(text: pd.DataFrame, path: Path, frame: str, silent: Sequence[str] = ()) -> tuple[pd.Series, list[str]]:
    """The mothers (Int64) of the rows of a text table with ``track_id`` and ``frame``, and warnings.

    The first of :data:`PARENT_NAMES` that has any value counts. Where its values change within a track they are detections
    (the column ``id``): then the mother is the track of the detection before the first. ``silent`` columns are not warned of.
    """
    names = parent_names(text.columns)
    filled = [name for name in names if not text[name].str.lower().isin(NONE_WORDS).all()]
    told = [name for name in text.columns if not text[name].str.lower().isin(NONE_WORDS).all()]
    if not filled:
        return pd.Series(pd.NA, index=text.index, dtype="Int64"), unused_lineage(told, silent, None, path)
    values = _numbers(text[filled[0]], path)
    detections = next((one for one in text.columns if plain_name(one) in DETECTION_NAMES), None)
    if detections is not None and _are_detections(values, text, detections, frame, path):
        values = _mothers_of_detections(values, text, detections, frame, path)
    used = [filled[0], *silent]
    if detections is not None:
        used += [name for name in filled[1:] if _are_detections(_numbers(text[name], path), text, detections, frame, path)]
    used += [name for name in filled[1:] if (text[name] == text[filled[0]]).all()]
    return values, [*_absent_mothers(values, text, filled[0], path), *unused_lineage(told, used, filled[0], path)]


def _absent_mothers(values: pd.Series, text: pd.DataFrame, name: str, path: Path) -> list[str]:
    """A warning where mothers are no track of the table; 0 is none there."""
    tracks = whole_numbers(text["track_id"], path)
    absent = values[values.notna() & (values != 0) & ~values.isin(tracks)]
    if absent.empty:
        return []
    first = f"line {absent.index[0] + 2}: {name} of track {text.at[absent.index[0], 'track_id']} is {absent.iloc[0]}"
    count = tracks[absent.index].nunique()
    return [f"{path}: the mothers of {count} of {tracks.nunique()} tracks are no tracks of this table, the first: {first}"]


def _numbers(text: pd.Series, path: Path) -> pd.Series:
    numbers: dict[str, object] = {}
    for row, value in text.items():
        if value not in numbers:
            try:
                number = parent_number(value)
            except ValueError as error:
                raise InputError(f"{path}: line {row + 2}: {text.name} is {value!r}, {error}; empty, 0 or -1 is no mother") from None
            numbers[value] = pd.NA if number is None else number
    return pd.Series([numbers[value] for value in text], index=text.index, dtype="Int64", name=text.name)


def _change_within(values: pd.Series, tracks: pd.Series) -> bool:
    """Whether a track has several values, as one that names detections has."""
    return bool((values.groupby(tracks).nunique(dropna=True) > 1).any())


def _are_detections(values: pd.Series, text: pd.DataFrame, detections: str, frame: str, path: Path) -> bool:
    """Whether values name detections, the one before each: they change within a track, or are detections of the same track."""
    if _change_within(values, text["track_id"]):
        return True
    order = pd.to_numeric(text[frame], errors="coerce").sort_values(kind="stable").index
    later = text.loc[order, "track_id"].duplicated().reindex(text.index) & values.notna()
    track_of = dict(zip(whole_numbers(text[detections], path), text["track_id"], strict=True))
    return bool(later.any()) and all(track_of.get(values[row]) == text.at[row, "track_id"] for row in text.index[later])


def _mothers_of_detections(values: pd.Series, text: pd.DataFrame, detections: str, frame: str, path: Path) -> pd.Series:
    """The mother of each row's track: the track of the detection that its first row follows."""
    track_of = dict(zip(whole_numbers(text[detections], path), whole_numbers(text["track_id"], path), strict=True))
    order = pd.to_numeric(text[frame], errors="coerce").sort_values(kind="stable").index
    first = values.reindex(order).groupby(text["track_id"].reindex(order), sort=False).head(1)
    mothers = {text.at[row, "track_id"]: pd.NA if before is pd.NA else track_of.get(before, pd.NA) for row, before in first.items()}
    return pd.Series([mothers[track] for track in text["track_id"]], index=text.index, dtype="Int64", name=values.name)
