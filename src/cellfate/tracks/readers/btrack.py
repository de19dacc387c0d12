"""Tracks of btrack: its HDF5 file or its CSV export."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError
from cellfate.tracks.numbers.whole import whole_number
from cellfate.tracks.raw import EVENTS, RawTracks, RecordingFacts, lines, numbers, read_text, refuse_depth
from cellfate.tracks.readers.events import first_words, lacking, said_in, word_of
from cellfate.tracks.readers.parents import is_lineage_name, parent_number, read_parents

BTRACK_OBJECTS = "obj_type_1"
SAID_BY_PARENTS = ("root", "generation")  # columns of btrack that follow from its parents
_BTRACK_COLUMNS = {"needed": ("ID", "t", "x", "y"), "optional": ("z", "parent", "dummy")}
DIVIDE = "DIVIDE"
FATES = {  # of a track: btrack's constants.Fates
    0: "FALSE_POSITIVE",
    1: "INITIALIZE",
    2: "TERMINATE",
    3: "LINK",
    4: DIVIDE,
    5: "APOPTOSIS",
    6: "MERGE",
    7: "EXTRUDE",
    10: "INITIALIZE_BORDER",
    11: "INITIALIZE_FRONT",
    12: "INITIALIZE_LAZY",
    20: "TERMINATE_BORDER",
    21: "TERMINATE_BACK",
    22: "TERMINATE_LAZY",
    666: "DEAD",
    999: "UNDEFINED",
}
STATES = {  # of an object: btrack's constants.States
    0: "INTERPHASE",
    1: "PROMETAPHASE",
    2: "METAPHASE",
    3: "ANAPHASE",
    4: "APOPTOSIS",
    5: "NULL",
    99: "DUMMY",
}
_NO_EVENT = re.compile("INITIALIZE.*|TERMINATE.*|LINK|UNDEFINED|INTERPHASE|NULL|DUMMY")
_OWN = ("fate", "state")
_WIDTHS = {"coords": 4, "tracks": 0, "map": 2, "LBEPR": 4}  # columns that are read; 0: a list


def read_btrack(path: Path, facts: RecordingFacts) -> RawTracks:
    """btrack's HDF5 file (``.h5``, objects and tracks of obj_type_1) or its CSV export; pixels, frames from 0.

    Positions that btrack put in where it saw no object (dummies) are left out: a gap in a track is allowed. A track that is its
    own parent has none, and so has one with parent 0. Events are the fates of tracks, the states of objects, and the properties or
    columns of ``facts.event_columns``.
    """
    return _btrack_csv(path, facts) if path.suffix.lower() == ".csv" else _btrack_hdf5(path, facts)


def _btrack_csv(path: Path, facts: RecordingFacts) -> RawTracks:
    keep = (lambda name: is_lineage_name(name) or name in _OWN) if not facts.event_columns else lambda _: True
    text = read_text(path, facts.name, **_BTRACK_COLUMNS, sep=" ", strict=False, keep=keep).rename(columns={"ID": "track_id"})
    text = text[~text["dummy"].str.lower().isin(["true", "1", "1.0"])]
    refuse_depth(numbers(text["z"], path, empty=True), path, lines(text))
    rows = pd.DataFrame(
        {
            "track_id": numbers(text["track_id"].rename("ID"), path, whole=True),
            "frame": numbers(text["t"], path, whole=True),
            "y": numbers(text["y"], path),
            "x": numbers(text["x"], path),
            "where": lines(text),
        }
    )
    rows["parent_id"], warnings = read_parents(text, path, "t", (*SAID_BY_PARENTS, *facts.event_columns))
    rows = _without_own_parents(rows)
    named, absent = said_in(text, rows, facts, path)
    events = [named[~named["column"].isin(_OWN)]]
    if "state" in text:
        events.append(_states(rows, text["state"].tolist(), facts))
    if "fate" in text:
        said = rows.assign(fate=text["fate"]).drop_duplicates("track_id")
        events.append(_fates(rows, {row.track_id: (row.fate, row.where) for row in said.itertuples(index=False)}, facts))
    return RawTracks(rows, warnings=(*warnings, *absent), events_said=pd.concat(events, ignore_index=True))


def _without_own_parents(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(parent_id=rows["parent_id"].mask(rows["parent_id"].eq(rows["track_id"]).fillna(False).astype(bool)))


def _name(value: Any, names: Mapping[int, str]) -> str | None:
    """btrack's name of a code, empty for one that says of no event; None for a code that it has not. A name may be there already."""
    word = re.sub(r"^(Fates|States)\.", "", word_of(value))
    if re.match("[+-]?[0-9.]", word):
        word = names.get(int(word)) if word.isdigit() else None
    return "" if word is not None and _NO_EVENT.fullmatch(word) else word


def _states(rows: pd.DataFrame, codes: list, facts: RecordingFacts) -> pd.DataFrame:
    """The states of objects as events. Where a code is none of btrack's they are somebody's own labels, read only if they were named."""
    names = [_name(code, STATES) for code in codes]
    if None in names and "state" not in facts.event_columns:
        return first_words(rows, {})
    return first_words(rows, {"state": codes if None in names else names})


def _fates(rows: pd.DataFrame, said: Mapping[int, tuple[Any, str]], facts: RecordingFacts) -> pd.DataFrame:
    """The fates of tracks as events, ``said`` as {track: (code or name, where)}.

    btrack says how a track ended, so the event is in its last frame; a division is in the first frame that shows a daughter or,
    without one, in the frame after the last.
    """
    first, last = (rows.groupby("track_id")["frame"].agg(which).to_dict() for which in ("min", "max"))
    born = rows.drop_duplicates("track_id").dropna(subset="parent_id")
    born = born.assign(first=born["track_id"].map(first))
    later = born[born["first"] > born["parent_id"].map(first).astype(float)]
    daughters = later.groupby("parent_id")["first"].min().to_dict()
    events = []
    for track, (code, where) in said.items():
        word = _name(code, FATES)
        if track in last and word != "":
            frame = last[track] if word != DIVIDE else daughters.get(track, last[track] + 1)
            seen = frame if frame < facts.n_frames else pd.NA
            events.append((track, "fate", word_of(code) if word is None else word, seen, where))
    return pd.DataFrame(events, columns=EVENTS)


def _btrack_hdf5(path: Path, facts: RecordingFacts) -> RawTracks:
    (coords, references, ranges, lineage), further = _btrack_tables(path, facts.event_columns)
    if len(ranges) != len(lineage):
        raise InputError(f"{path}: {len(ranges)} tracks in map, {len(lineage)} in LBEPR")
    tables = []
    for row, ((begin, end), (track, parent)) in enumerate(zip(ranges.tolist(), lineage[:, [0, 3]].tolist(), strict=True)):
        objects = references[begin:end].ravel()
        objects = objects[objects >= 0]  # dummies have negative numbers
        if len(objects) and objects.max() >= len(coords):
            raise InputError(f"{path}: tracks row {row}: object {objects.max()}, there are {len(coords)} in coords")
        t, x, y, z = coords[objects, :4].T.astype(float)
        where = [f"object {number}" for number in objects]
        table = pd.DataFrame({"track_id": track, "frame": t, "y": y, "x": x, "z": z, "where": where, "object": objects})
        try:
            track, mother = whole_number(track), parent_number(parent)
        except ValueError as error:
            raise InputError(f"{path}: LBEPR row {row}: track {track} with parent {parent}: {error}") from None
        tables.append(table.assign(parent_id=pd.array([pd.NA if mother is None else mother] * len(table), dtype="Int64")))
    rows = pd.concat(tables, ignore_index=True)
    odd = ~np.isfinite(rows["frame"]) | (rows["frame"] % 1 != 0)
    if odd.any():
        raise InputError(f"{path}: {rows[odd].iloc[0]['where']}: t is {rows[odd].iloc[0]['frame']:g}, a whole number is needed")
    refuse_depth(rows["z"], path, rows["where"].tolist())
    objects = rows["object"].to_numpy(dtype=np.int64)
    rows = rows.astype({"track_id": "int64", "frame": "int64"})[["track_id", "parent_id", "frame", "y", "x", "where"]]
    return _with_events(_without_own_parents(rows), objects, len(coords), lineage[:, 0].tolist(), further, facts, path)


def _with_events(
    rows: pd.DataFrame,
    objects: np.ndarray,
    n_objects: int,
    tracks: list,
    further: Mapping[str, np.ndarray],
    facts: RecordingFacts,
    path: Path,
) -> RawTracks:
    """The tracks with what the tables ``further`` say: ``fate`` has a row for each of ``tracks``, the others one for each object."""
    warnings, events = [], []
    sizes = {name: len(tracks) if name == "fate" else n_objects for name in further}
    for name, size in sizes.items():
        if np.ndim(further[name]) not in (1, 2) or len(further[name]) != size:
            warnings.append(f"{path}: {name} has shape {np.shape(further[name])}, {size} rows are needed: not read")
            continue
        values = further[name] if np.ndim(further[name]) == 1 else further[name][:, 0] if name in _OWN else list(further[name])
        if name == "fate":
            said = {int(track): (code, f"fates row {row}") for row, (track, code) in enumerate(zip(tracks, values, strict=True))}
            events.append(_fates(rows, said, facts))
        else:
            own = [values[number] for number in objects]
            events.append(_states(rows, own, facts) if name == "state" else first_words(rows, {name: own}))
    warnings += lacking(facts.event_columns, further, further, path)
    together = pd.concat(events, ignore_index=True) if events else first_words(rows, {})
    return RawTracks(rows, warnings=tuple(warnings), events_said=together)


def _btrack_tables(path: Path, wanted: tuple[str, ...]) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """The tables coords, tracks, map and LBEPR, each of the shape and type that is needed, and none of the last three empty.

    And the tables that may be there: fates of tracks, states of objects, and the ``wanted`` properties of objects.
    """
    import h5py

    from cellfate.base.hdf5 import open_hdf5

    names = [f"objects/{BTRACK_OBJECTS}/coords", *(f"tracks/{BTRACK_OBJECTS}/{name}" for name in ("tracks", "map", "LBEPR"))]
    try:
        with open_hdf5(path, "a file of btrack") as file:
            absent = [name for name in names if not isinstance(file.get(name), h5py.Dataset)]
            if absent:
                raise InputError(f"{path}: {absent[0]} missing; btrack writes it when tracks are exported")
            tables = [file[name][()] for name in names]
            properties = {name: f"objects/{BTRACK_OBJECTS}/properties/{name}" for name in wanted if name not in _OWN}
            places = {"fate": f"tracks/{BTRACK_OBJECTS}/fates", "state": f"objects/{BTRACK_OBJECTS}/labels"} | properties
            further = {name: file[place][()] for name, place in places.items() if isinstance(file.get(place), h5py.Dataset)}
    except (OSError, RuntimeError, KeyError) as error:
        raise InputError(in_words(error, path, "not readable as HDF5")) from error
    for name, table in zip(names, tables, strict=True):
        width = _WIDTHS[name.rpartition("/")[2]]
        whole = not name.endswith("coords")
        if np.ndim(table) < 1 or (width and (np.ndim(table) != 2 or table.shape[1] < width)):
            raise InputError(f"{path}: {name} has shape {np.shape(table)}, {f'rows of {width} or more' if width else 'a list'} is needed")
        if table.dtype.kind not in ("ui" if whole else "uif"):
            raise InputError(f"{path}: {name} is of type {table.dtype}, {'whole ' * whole}numbers are needed")
        if whole and not len(table):
            raise InputError(f"{path}: it has no tracks: {name} is empty")
    return tables, further
