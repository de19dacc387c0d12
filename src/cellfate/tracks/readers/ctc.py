"""Tracks of the Cell Tracking Challenge: label images and a table of tracks."""

import re
from collections.abc import Mapping
from math import prod
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.progress import progress
from cellfate.tracks.numbers.whole import LARGEST
from cellfate.tracks.raw import LeftOut, RawTracks, RecordingFacts

CTC_LAYOUTS = {"man_track.txt": "man_track", "res_track.txt": "mask"}  # table of tracks -> how its label images are named
TIFF_ENDINGS = (".tif", ".tiff")


def read_ctc(path: Path, facts: RecordingFacts) -> RawTracks:
    """A folder of the Cell Tracking Challenge (https://celltrackingchallenge.net/datasets/): label images and a table of tracks.

    ``man_track*.tif`` with ``man_track.txt``, or a result's ``mask*.tif`` with ``res_track.txt``, in small or capital letters; the
    number in an image's name is its frame, positions are the centroids of the labels. A line is "track first-frame last-frame
    parent", parent 0 for none.
    """
    table, name = _ctc_layout(path)
    known = _read_ctc_table(table)
    left_out = _drop_late_mothers(known, table)
    files = sorted((file for file in path.iterdir() if _is_label_image(file, name)), key=lambda file: file.name)
    if not files:
        raise InputError(f"{path}: no {name}*.tif beside {table.name}")
    rows, pieces = [], []
    for file in progress(files, f"read_tracks {facts.name}", unit="mask"):
        number = re.fullmatch(rf"{name}_?([0-9]+)", file.stem, re.IGNORECASE)
        if number is None:
            raise InputError(f"{file}: the name must be {name}<frame>.tif, such as {name}007.tif")
        if not facts.leaves_out(int(number[1])):
            rows += _ctc_rows(file, int(number[1]), known, facts, pieces)
    frames: dict[int, set[int]] = {}
    for row in rows:
        frames.setdefault(row[0], set()).add(row[2])
    missing = [track for track in known if track not in frames and not facts.leaves_out(known[track]["first"])]
    if missing:
        raise InputError(f"{table}: {known[missing[0]]['where']}: track {missing[0]} is in no label image")
    columns = ["track_id", "parent_id", "frame", "y", "x", "where"]
    positions = pd.DataFrame(rows, columns=columns).astype({"parent_id": "Int64"})
    notes = _lacking(known, frames, table, facts)
    if pieces:
        notes.append(f"{path}: {len(pieces)} labels have two pieces of like size, the first: {pieces[0]}: two cells with one label?")
    return RawTracks(positions, left_out=tuple(left_out), warnings=tuple(notes))


def _lacking(known: Mapping[int, dict], frames: Mapping[int, set[int]], table: Path, facts: RecordingFacts) -> list[str]:
    """A line where label images lack tracks in frames that the table gives them: an image that is not there, or a label."""
    lacking = {}
    for track, found in frames.items():
        first, last = known[track]["first"], known[track]["last"]
        if here := [t for t in range(first, min(last, facts.n_frames - 1) + 1) if t not in found]:
            lacking[track] = here
    if not lacking:
        return []
    track, here = next(iter(lacking.items()))
    row = known[track]
    return [
        f"{table}: {len(lacking)} of {len(frames)} tracks are not in all label images that the table gives them, the first: "
        f"{row['where']}: track {track}, frames {row['first']} to {row['last']}, is not in that of frame {', '.join(map(str, here[:5]))}"
    ]


def _is_label_image(file: Path, name: str) -> bool:
    return file.name.lower().startswith(name) and file.suffix.lower() in TIFF_ENDINGS


def _ctc_layout(path: Path) -> tuple[Path, str]:
    if not path.is_dir():
        raise InputError(
            f"{path}: a folder of the Cell Tracking Challenge is needed, with {' or '.join(CTC_LAYOUTS)} in it; this is a file"
        )
    found = [file for file in sorted(path.iterdir()) if file.name.lower() in CTC_LAYOUTS and file.is_file()]
    if len(found) != 1:
        has = " and ".join(file.name for file in found) if found else "neither"
        raise InputError(f"{path}: {' or '.join(CTC_LAYOUTS)} is needed in a folder of the Cell Tracking Challenge, it has {has}")
    return found[0], CTC_LAYOUTS[found[0].name.lower()]


def _read_ctc_table(path: Path) -> dict[int, dict]:
    known: dict[int, dict] = {}
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not readable as text: {error}") from error
    for number, line in enumerate(content.splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 4 or not all(word.isascii() and word.isdigit() for word in words) or int(words[0]) == 0:
            raise InputError(f"{path}: line {number}: {line!r}, four whole numbers are needed: track, first frame, last frame, parent or 0")
        track, first, last, parent = map(int, words)
        if max(track, parent) > LARGEST:
            raise InputError(f"{path}: line {number}: {line!r}, tracks up to {LARGEST} can be read")
        if track in known:
            raise InputError(f"{path}: line {number}: track {track} stands there for the second time")
        known[track] = {"first": first, "last": last, "parent": parent or None, "where": f"line {number}"}
    for track, row in known.items():
        if row["parent"] is not None and row["parent"] not in known:
            raise InputError(f"{path}: {row['where']}: parent of track {track} is {row['parent']}, there is no such track")
    return known


def _drop_late_mothers(known: Mapping[int, dict], table: Path) -> list[LeftOut]:
    """Take mothers away that do not begin before their daughter, and say so by the line of the table."""
    late = []
    for track, row in known.items():
        mother = row["parent"]
        if mother is not None and known[mother]["first"] >= row["first"]:
            begins = known[mother]["first"]
            reason = f"parent of track {track} (frames {row['first']} to {row['last']}) is {mother}, which begins only in frame {begins}"
            late.append((row, LeftOut("mother", f"{table.name}, {row['where']}", str(track), row["first"], reason)))
    for row, _ in late:
        row["parent"] = None
    return [one for _, one in late]


def _read_labels(file: Path, shape: tuple[int, int]) -> np.ndarray:
    """A label image (H, W) of whole numbers; one that is stored as floating point is read where all its values are whole."""
    import tifffile

    try:
        with tifffile.TiffFile(file) as tiff:
            found = tiff.series[0].shape
            labels = tiff.asarray() if prod(found) <= prod(shape) else None  # a small file can hold an image that no memory does
    except Exception as error:  # decoders raise many kinds, all mean that the labels cannot be had
        raise InputError(f"{file}: not readable as a TIFF image: {error}") from error
    if labels is None or labels.shape not in (shape, (1, *shape)):
        raise InputError(f"{file}: label image of {found}, the recording's frames are {shape}")
    labels, kind = labels.reshape(shape), labels.dtype
    if kind.kind == "f" and (~np.isfinite(labels) | (labels % 1 != 0) | (labels > 2 ** (np.finfo(kind).nmant + 1))).any():
        raise InputError(f"{file}: label image of type {kind}: its values are not all whole numbers, so they are no labels")
    if kind.kind not in "uifb" or labels.min() < 0:
        raise InputError(f"{file}: label image of type {kind}{' with negative values' * (kind.kind in 'if')}: numbers from 0 are needed")
    return labels.astype(np.int64) if kind.kind in "fbi" else labels


def _is_in_pieces(label: np.ndarray) -> bool:
    """Whether a label's pixels (h, w) fall into pieces of which the second has at least a quarter of the size of the largest."""
    from scipy.ndimage import label as pieces_of

    pieces, count = pieces_of(label, np.ones((3, 3)))
    sizes = sorted(np.bincount(pieces.ravel())[1:]) if count > 1 else [0]
    return count > 1 and 4 * sizes[-2] >= sizes[-1]


def _ctc_rows(file: Path, frame: int, known: Mapping[int, dict], facts: RecordingFacts, pieces: list[str]) -> list[tuple]:
    """The row of each label in an image; where one that has two pieces of like size stands is added to ``pieces``."""
    from skimage.measure import regionprops

    rows = []
    for region in regionprops(_read_labels(file, facts.frame_shape)):
        track = int(region.label)
        if track not in known:
            raise InputError(f"{file}: label {track} is not in the table of tracks")
        row = known[track]
        if not row["first"] <= frame <= row["last"]:
            raise InputError(f"{file}: label {track} in frame {frame}, but the table ({row['where']}) says {row['first']} to {row['last']}")
        if _is_in_pieces(region.image):
            pieces.append(f"{file.name}, label {track}")
        y, x = region.centroid
        rows.append((track, row["parent"], frame, y, x, f"{file.name}, label {track}"))
    return rows
