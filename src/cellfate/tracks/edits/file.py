"""The file of a recording's edited tracks: the tracks before and after, and what a person changed. Kept apart from the raw input."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.files import read_json, write_json
from cellfate.base.tables import check_table
from cellfate.tracks.tables import EDITS

PLACES = ("track_id", "parent_id", "frame", "y", "x")
SAME = 1e-6  # pixels


@dataclass(frozen=True)
class EditedRecording:
    """``before`` and ``after`` are tracks with the columns PLACES, sorted by track and frame; ``ends_as`` as in :class:`Edited`.

    ``source`` is the graph that a person edited, ``aside`` are tracks that corrections had set aside, which it therefore lacks,
    ``differences`` the table EDITS, ``counts`` {outcome: (tracks before, tracks after)} by the files of tracks.
    """

    recording: str
    source: str
    before: pd.DataFrame
    after: pd.DataFrame
    ends_as: Mapping[int, int | None]
    aside: tuple[int, ...]
    differences: pd.DataFrame
    counts: Mapping[str, tuple[int, int]]


def write_edited(edited: EditedRecording, path: str | Path) -> None:
    """Write the file as JSON; where it holds the same already it is not touched, so that nothing runs again."""
    content = {
        "recording": edited.recording,
        "source": edited.source,
        "before": _plain(edited.before),
        "after": _plain(edited.after),
        "ends_as": {str(track): end for track, end in edited.ends_as.items()},
        "aside": list(edited.aside),
        "differences": _plain(edited.differences),
        "counts": {outcome: list(pair) for outcome, pair in edited.counts.items()},
    }
    path = Path(path)
    if not (path.is_file() and read_json(path) == content):
        write_json(content, path)


def _plain(table: pd.DataFrame) -> dict[str, list]:
    return {name: [None if pd.isna(value) else value for value in table[name].astype(object).tolist()] for name in table.columns}


def read_edited(path: str | Path) -> EditedRecording:
    """What :func:`write_edited` wrote. Raises InputError for a file that is none."""
    path = Path(path)
    try:
        content = read_json(path)
        tables = {name: pd.DataFrame(content[name]).astype({"parent_id": "Int64"})[list(PLACES)] for name in ("before", "after")}
        return EditedRecording(
            recording=content["recording"],
            source=content["source"],
            **tables,
            ends_as={int(track): end for track, end in content["ends_as"].items()},
            aside=tuple(content["aside"]),
            differences=check_table(pd.DataFrame(content["differences"]), EDITS, path),
            counts={outcome: tuple(pair) for outcome, pair in content["counts"].items()},
        )
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; cellfate edits writes it") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not readable as edited tracks, which cellfate edits writes: {error!r}") from error


def check_before(tracks: pd.DataFrame, edited: EditedRecording, path: str | Path) -> None:
    """Raise an InputError that names the first track which is not as it was when it was edited; those set aside may be there or not."""
    now = tracks[~tracks["track_id"].isin(edited.aside)][list(PLACES)].sort_values(["track_id", "frame"], ignore_index=True)
    was = edited.before
    if len(now) == len(was) and _same(now, was).all():
        return
    tracks_now, tracks_before = dict(iter(now.groupby("track_id"))), dict(iter(was.groupby("track_id")))
    names = sorted({*tracks_now, *tracks_before})
    first = next(
        name
        for name in names
        if name not in tracks_now
        or name not in tracks_before
        or len(tracks_now[name]) != len(tracks_before[name])
        or not _same(*(one[name].reset_index(drop=True) for one in (tracks_now, tracks_before))).all()
    )
    raise InputError(
        f"{path}: the tracks of {edited.recording} are others than those that were edited, the first is track {first}: edit the tracks "
        "that are there now and run cellfate edits again, or take this file out of the folder (tracks.edited)"
    )


def _same(one: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
    numbers = [
        (table["track_id"].to_numpy(), table["frame"].to_numpy(), table["parent_id"].fillna(-1).to_numpy()) for table in (one, other)
    ]
    same = np.all([a == b for a, b in zip(*numbers, strict=True)], axis=0)
    return same & (np.abs(one[["y", "x"]].to_numpy(float) - other[["y", "x"]].to_numpy(float)) <= SAME).all(axis=1)
