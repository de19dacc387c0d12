"""Tracks of the Cell Tracking Challenge: label images and a table of tracks."""

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.progress import progress
from cellfate.tracks.raw import RawTracks, RecordingFacts, with_fates_beside

CTC_LAYOUTS = {"man_track.txt": "man_track", "res_track.txt": "mask"}  # table of tracks -> how its label images are named


def read_ctc(path: Path, facts: RecordingFacts) -> RawTracks:
    """A folder of the Cell Tracking Challenge (https://celltrackingchallenge.net/datasets/): label images and a table of tracks.

    ``man_track*.tif`` with ``man_track.txt``, or a result's ``mask*.tif`` with ``res_track.txt``; the number in an image's name
    is its frame, positions are the centroids of the labels. A line is "track first-frame last-frame parent", parent 0 for none.
    """
    table, name = _ctc_layout(path)
    known = _read_ctc_table(table)
    files = sorted(path.glob(f"{name}*.tif*"), key=lambda file: file.name)
    if not files:
        raise InputError(f"{path}: no {name}*.tif beside {table.name}")
    rows = []
    for file in progress(files, f"read_tracks {facts.name}", unit="mask"):
        number = re.fullmatch(rf"{name}_?(\d+)", file.stem)
        if number is None:
            raise InputError(f"{file}: {name}<frame>.tif is needed")
        rows += _ctc_rows(file, int(number[1]), known, facts)
    found = {row[0] for row in rows}
    missing = [track for track in known if track not in found]
    if missing:
        raise InputError(f"{table}: {known[missing[0]]['where']}: track {missing[0]} is in no label image")
    return with_fates_beside(pd.DataFrame(rows, columns=["track_id", "parent_id", "frame", "y", "x", "where"]), path, facts)


def _ctc_layout(path: Path) -> tuple[Path, str]:
    found = [file for file in CTC_LAYOUTS if (path / file).is_file()]
    if len(found) != 1:
        has = " and ".join(found) if found else "neither"
        raise InputError(f"{path}: {' or '.join(CTC_LAYOUTS)} is needed in a folder of the Cell Tracking Challenge, it has {has}")
    return path / found[0], CTC_LAYOUTS[found[0]]


def _read_ctc_table(path: Path) -> dict[int, dict]:
    known: dict[int, dict] = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 4 or not all(word.isdigit() for word in words) or words[0] == "0":
            raise InputError(f"{path}: line {number}: {line!r}, four whole numbers are needed: track, first frame, last frame, parent or 0")
        track, first, last, parent = map(int, words)
        if track in known:
            raise InputError(f"{path}: line {number}: track {track} stands there for the second time")
        known[track] = {"first": first, "last": last, "parent": parent or None, "where": f"line {number}"}
    for track, row in known.items():
        if row["parent"] is not None and row["parent"] not in known:
            raise InputError(f"{path}: {row['where']}: parent of track {track} is {row['parent']}, there is no such track")
    return known


def _ctc_rows(file: Path, frame: int, known: Mapping[int, dict], facts: RecordingFacts) -> list[tuple]:
    import tifffile
    from skimage.measure import regionprops

    try:
        labels = tifffile.imread(file)
    except Exception as error:  # decoders raise many kinds, all mean that the labels cannot be had
        raise InputError(f"{file}: not readable as a TIFF image: {error}") from error
    if labels.shape != facts.frame_shape:
        raise InputError(f"{file}: label image of {labels.shape}, the recording's frames are {facts.frame_shape}")
    rows = []
    for region in regionprops(labels):
        track = int(region.label)
        if track not in known:
            raise InputError(f"{file}: label {track} is not in the table of tracks")
        row = known[track]
        if not row["first"] <= frame <= row["last"]:
            raise InputError(f"{file}: label {track} in frame {frame}, but the table ({row['where']}) says {row['first']} to {row['last']}")
        y, x = region.centroid
        rows.append((track, row["parent"], frame, y, x, f"{file.name}, label {track}"))
    return rows
