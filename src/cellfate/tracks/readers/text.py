"""Tracks in text tables: plain CSV and napari's tracks."""

from pathlib import Path

import pandas as pd

from cellfate.tracks.raw import RawTracks, RecordingFacts, lines, numbers, read_text, refuse_depth, with_fates_beside

_TRACK_COLUMNS = {"needed": ("track_id", "frame", "y", "x"), "optional": ("recording", "parent_id")}
_NAPARI_COLUMNS = {"needed": ("track_id", "t", "y", "x"), "optional": ("recording", "z", "parent")}


def read_csv(path: Path, facts: RecordingFacts) -> RawTracks:
    """``track_id,frame,y,x`` and optionally ``parent_id``, ``recording``; pixels, frames from 0."""
    text = read_text(path, facts.name, **_TRACK_COLUMNS)
    return with_fates_beside(_rows(text, path, frame="frame", parent="parent_id"), path, facts)


def read_napari(path: Path, facts: RecordingFacts) -> RawTracks:
    """napari's tracks, ``track_id,t,y,x``, and optionally ``parent`` and ``z`` (one plane); pixels, frames from 0.

    Further columns are properties of the layer, such as predictions, and are left out.
    """
    text = read_text(path, facts.name, **_NAPARI_COLUMNS, strict=False)
    refuse_depth(numbers(text["z"], path, empty=True), path, lines(text))
    return with_fates_beside(_rows(text, path, frame="t", parent="parent"), path, facts)


def _rows(text: pd.DataFrame, path: Path, frame: str, parent: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "track_id": numbers(text["track_id"], path, whole=True),
            "parent_id": numbers(text[parent], path, whole=True, empty=True),
            "frame": numbers(text[frame], path, whole=True),
            "y": numbers(text["y"], path),
            "x": numbers(text["x"], path),
            "where": lines(text),
        }
    )
