"""Tables of celldetective (Torro et al., https://celldetective.readthedocs.io): ``trajectories_<population>.csv``."""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.raw import EVENTS, RawTracks, RecordingFacts, lines, numbers, read_text
from cellfate.tracks.readers.events import of_position, said_in, words_in
from cellfate.tracks.readers.parents import is_parent_name, read_parents

EVENT, NO_EVENT = "0", "1"  # classes; 2 and all others: before the first frame, or somebody could not say
NOT_CLASSES = ("class_id", "class_color", "class_firstdetection")  # labels, colours, and when a track begins
SAID_BY_PARENTS = ("root", "generation")
_COLUMNS = {"needed": ("TRACK_ID", "FRAME", "POSITION_X", "POSITION_Y"), "optional": ("recording",)}
_POSITION = "position"
_ROUNDING = 1e-6  # frames


def read_celldetective(path: Path, facts: RecordingFacts) -> RawTracks:
    """celldetective's table of one position, or of several; pixels, frames from 0.

    The rows of the recording are those whose ``pos_name``, ``<well_name>_<pos_name>`` or ``position`` is its name. Rows without a
    track are passed over. Events are the classes, ``class_death`` with the time ``t_death`` (in frames) as ``death``, ``class`` with
    ``t0`` as ``class``: class 0 is an event in the first frame at or after its time, class 1 is none, and any other class, or an
    event without a time in the track, cannot be seen there.
    """
    text = read_text(path, facts.name, **_COLUMNS, strict=False, keep=lambda _: True)
    text = _of_recording(text, facts, path)
    text = text[words_in(text["TRACK_ID"]) != ""]
    if text.empty:
        raise InputError(f"{path}: recording {facts.name} is empty: no row has a TRACK_ID; cells must be tracked in celldetective first")
    names = {"track_id": "TRACK_ID", "frame": "FRAME", "y": "POSITION_Y", "x": "POSITION_X"}
    rows = pd.DataFrame({ours: numbers(text[name], path, whole=ours in ("track_id", "frame")) for ours, name in names.items()})
    rows = rows.assign(where=lines(text))
    parents = [name for name in text if is_parent_name(name) and name != "ID"]
    lineage = text[[*parents, *(name for name in SAID_BY_PARENTS if name in text)]].assign(track_id=text["TRACK_ID"], frame=text["FRAME"])
    rows["parent_id"], warnings = read_parents(lineage, path, "frame", (*SAID_BY_PARENTS, *facts.event_columns))
    rows["parent_id"] = rows["parent_id"].mask(rows["parent_id"].eq(rows["track_id"]).fillna(False).astype(bool))
    named, absent = said_in(text, rows, facts, path)
    events, told = _classes(text, rows, facts, path)
    return RawTracks(rows, warnings=(*warnings, *absent, *told), events_said=pd.concat([named, events], ignore_index=True))


def _of_recording(text: pd.DataFrame, facts: RecordingFacts, path: Path) -> pd.DataFrame:
    by = next((name for name in (_POSITION, "pos_name") if name in text), None)
    if by is None:
        return text
    names = [text[name] for name in (_POSITION, "pos_name") if name in text]
    if {"well_name", "pos_name"} <= set(text):
        names.append(text["well_name"] + "_" + text["pos_name"])
    folders = text[by].str.replace("\\", "/").str.rstrip("/").str.split("/")
    names += [folders.str[-1], folders.str[-2:].str.join("_")]
    return of_position(text, by, names, facts, path)


def _classes(text: pd.DataFrame, rows: pd.DataFrame, facts: RecordingFacts, path: Path) -> tuple[pd.DataFrame, list[str]]:
    """The events of all classes, and warnings about classes that have no time or that change within a track."""
    events, warnings = [], []
    for column in text:
        word = "class" if column == "class" else column.removeprefix("class_") if column.startswith("class_") else ""
        if not word or column in NOT_CLASSES:
            continue
        time = "t0" if column == "class" else f"t_{word}"
        if time not in text:
            warnings.append(f"{path}: {column} has no {time}, so nobody knows when its events were: not read")
            continue
        own = rows.assign(kind=words_in(text[column]), time=numbers(words_in(text[time]), path, empty=True))
        found, changing = _events(own[own["kind"] != ""], rows.groupby("track_id")["frame"].min(), column, time, facts, path)
        events += [(track, column, word, frame, where) for track, frame, where in found]
        if changing:
            warnings.append(f"{path}: {column} changes within {len(changing)} tracks, the first: {changing[0]}")
    return pd.DataFrame(events, columns=EVENTS), warnings


def _events(
    own: pd.DataFrame, first: pd.Series, column: str, time: str, facts: RecordingFacts, path: Path
) -> tuple[list[tuple], list[str]]:
    """(track, frame or NA, where) of one class, and a line for each track in which class or time change."""
    odd = ~own["kind"].str.fullmatch("[+-]?[0-9]+")
    if odd.any():
        raise InputError(f"{path}: {own['where'][odd].iloc[0]}: {column} is {own['kind'][odd].iloc[0]!r}, a whole number is needed")
    events, changing = [], []
    several = own.groupby("track_id")[["kind", "time"]].nunique().gt(1).any(axis="columns")
    for track, rows in own.drop_duplicates(["track_id", "kind", "time"]).groupby("track_id"):
        change = _change(rows, column, time) if several[track] else None
        where, kind, at = rows["where"].iloc[0], rows["kind"].iloc[0], rows["time"].dropna().head(1).sum()
        if change:
            changing.append(f"track {track}, {change}")
            events.append((track, pd.NA, change))
        elif kind == EVENT:
            frame = math.ceil(at - _ROUNDING) if rows["time"].notna().any() and np.isfinite(at) else -1
            seen = first[track] <= frame < facts.n_frames
            events.append((track, frame, where) if seen else (track, pd.NA, f"{where}, class 0 with {time} {rows['time'].iloc[0]:g}"))
        elif kind != NO_EVENT:
            events.append((track, pd.NA, f"{where}, class {kind}"))
    return events, changing


def _change(rows: pd.DataFrame, column: str, time: str) -> str | None:
    """Where the class of a track's rows, or the time of its event, is another than before; None where it is one."""
    rows = rows.drop_duplicates("kind") if rows["kind"].nunique() > 1 else rows.dropna(subset="time").drop_duplicates("time")
    classes = rows["kind"].nunique() > 1
    if len(rows) < 2 or (not classes and rows["kind"].iloc[0] != EVENT):
        return None
    one, other = ((row["where"], row["kind"] if classes else f"{row['time']:g}") for _, row in rows.head(2).iterrows())
    return f"{column if classes else time} is {one[1]} in {one[0]} and {other[1]} in {other[0]}"
