"""Tracks in text tables: plain CSV and napari's tracks."""

from pathlib import Path

import pandas as pd

from cellfate.tracks.raw import RawTracks, RecordingFacts, lines, numbers, read_text, refuse_depth, refuse_none_of
from cellfate.tracks.readers.events import said_in
from cellfate.tracks.readers.parents import is_lineage_name, is_parent_name, read_parents

_TRACK_COLUMNS = {"needed": ("track_id", "frame", "y", "x"), "optional": ("recording", "parent_id")}
_NAPARI_COLUMNS = {"needed": ("track_id", "t", "y", "x"), "optional": ("recording", "z", "parent")}


def read_csv(path: Path, facts: RecordingFacts) -> RawTracks:
    """``track_id,frame,y,x`` and optionally ``parent_id`` (or another program's name for it), ``recording``; pixels, frames from 0.

    Columns of ``facts.event_columns`` are allowed besides.
    """
    text = read_text(path, facts.name, **_TRACK_COLUMNS, keep=lambda name: is_parent_name(name) or name in facts.event_columns)
    return _tracks(text, path, facts, frame="frame")


def read_napari(path: Path, facts: RecordingFacts) -> RawTracks:
    """napari's tracks, ``track_id,t,y,x``, and optionally a column of mothers and ``z`` (one plane); pixels, frames from 0.

    Further columns are properties of the layer, such as predictions, and are left out but for ``facts.event_columns``. Ultrack's
    tables are of this kind: their ``parent_track_id`` is the mother, their ``parent_id`` the detection before.
    """
    keep = is_lineage_name if not facts.event_columns else lambda _: True
    text = read_text(path, facts.name, **_NAPARI_COLUMNS, strict=False, keep=keep)
    refuse_depth(numbers(text["z"], path, empty=True), path, lines(text))
    return _tracks(text, path, facts, frame="t")


def _tracks(text: pd.DataFrame, path: Path, facts: RecordingFacts, frame: str) -> RawTracks:
    refuse_none_of(facts.name, text, path)
    rows = pd.DataFrame(
        {
            "track_id": numbers(text["track_id"], path, whole=True),
            "frame": numbers(text[frame], path, whole=True),
            "y": numbers(text["y"], path),
            "x": numbers(text["x"], path),
            "where": lines(text),
        }
    )
    rows["parent_id"], warnings = read_parents(text, path, frame, silent=facts.event_columns)
    events, absent = said_in(text, rows, facts, path)
    return RawTracks(rows, warnings=(*text.attrs.get("notes", []), *warnings, *absent), events_said=events)
