"""The COCO-video annotations of the published data set: one recording's tracks from them, and one file per recording.

Layout: ``videos`` {id, name}; ``images`` {id, video_id, frame_id (0-based)}; ``annotations`` {id, image_id, category_id,
bbox, cell_id, time_of_death, time_of_division, and optionally time_step and parent_id}. ``bbox`` is normalised to 0..1 and starts with
the **centre** (x, y). Only category 1 gives the frames of a track; the other categories are boxes around events.
"""

import json
import math
import re
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cellfate.errors import InputError
from cellfate.files import replacing
from cellfate.names import RECORDING_NAME
from cellfate.progress import progress
from cellfate.track_tables import RawTracks, RecordingFacts, joined_notes

CELL = 1  # category_id of the boxes that make up a track
DEATH, DIVISION = "apoptosis", "mitosis"  # the outcomes that the event times stand for
EVENT_TIMES = ("time_of_death", "time_of_division")


def read_coco(path: Path, facts: RecordingFacts) -> RawTracks:
    """The tracks of a COCO-video file; their event times are deaths and divisions, of which a death counts where both are given."""
    rows, events = read_coco_video(path, facts.name, facts.frame_shape)
    dead = events["time_of_death"].notna()
    divided = events["time_of_division"].notna()
    events["outcome"] = np.where(dead, DEATH, np.where(divided, DIVISION, None))
    events["event_frame"] = events["time_of_death"].where(dead, events["time_of_division"])
    both = [
        f"{DIVISION} at frame {division:g} is given as well: {DEATH} counts" if two else None
        for division, two in zip(events["time_of_division"], dead & divided, strict=True)
    ]
    events["note"] = [joined_notes(note, text) for note, text in zip(events["note"], both, strict=True)]
    events["continues_as"] = pd.Series([()] * len(events), dtype=object)
    events["lineage"] = None
    return RawTracks(rows, events, path)


def read_coco_video(path: str | Path, recording: str, frame_shape: tuple[int, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the tracks of one recording.

    ``frame_shape`` is (H, W) in pixels. Returns two tables: one row per track and frame (track_id, parent_id, frame, y, x
    in pixels, ``where`` naming the annotation), sorted by track and frame; and one row per track (track_id,
    time_of_death, time_of_division in frames or NaN, ``where``, ``note``: a text where ``time_step`` is not the image's
    frame_id, else None). Raises InputError for anything that does not fit the layout, with file, annotation id and value.
    """
    path = Path(path)
    content = _load(path)
    video = _video_of(content["videos"], recording, path)
    frames = {
        image["id"]: _whole(image["frame_id"], "frame_id", f"{path}: image {image['id']}")
        for image in _complete(content["images"], ("id", "video_id", "frame_id"), "image", path)
        if image["video_id"] == video
    }
    known = frames.keys() | {image["id"] for image in content["images"]}
    rows = []
    for annotation in _complete(content["annotations"], ("id", "image_id", "category_id"), "annotation", path):
        if annotation["image_id"] not in known:
            raise InputError(f"{path}: annotation {annotation['id']}: image_id {annotation['image_id']!r} is not among the images")
        if annotation["category_id"] == CELL and annotation["image_id"] in frames:
            rows.append(_row(annotation, frames[annotation["image_id"]], frame_shape, path))
    if not rows:
        raise InputError(f"{path}: recording {recording} is empty: no annotation of category {CELL} on its {len(frames)} images")
    table = pd.DataFrame(rows).sort_values(["track_id", "frame"], kind="stable", ignore_index=True)
    return table[["track_id", "parent_id", "frame", "y", "x", "where"]], _one_per_track(table, path)


def _load(path: Path) -> dict[str, list]:
    if not path.exists():
        raise InputError(f"{path}: no such file (COCO-video annotations)")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    return _lists(content, path)


def _lists(content: Any, path: Path) -> dict[str, list]:
    for key in ("videos", "images", "annotations"):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise InputError(f"{path}: not COCO-video: a list named {key!r} is needed at the top")
    return content


def _complete(entries: list, keys: tuple[str, ...], what: str, path: Path) -> Iterator[dict]:
    """The entries, each checked to be an object that has all the keys."""
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise InputError(f"{path}: {what} number {number} is {entry!r}, an object is needed")
        missing = [key for key in keys if key not in entry]
        if missing:
            raise InputError(f"{path}: {what} {entry.get('id', f'number {number}')}: {', '.join(missing)} missing")
        yield entry


def _video_of(videos: list, recording: str, path: Path) -> Any:
    found = [video["id"] for video in _complete(videos, ("id", "name"), "video", path) if str(video["name"]) == recording]
    if len(found) != 1:
        names = ", ".join(str(video["name"]) for video in videos[:10])
        raise InputError(f"{path}: {len(found)} videos are named {recording!r}, one is needed; found {names}")
    return found[0]


def _whole(value: Any, key: str, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value % 1 or value < 0:
        raise InputError(f"{where}: {key} is {value!r}, a whole number from 0 is needed")
    return int(value)


def _row(annotation: dict, frame: int, frame_shape: tuple[int, int], path: Path) -> dict:
    where = f"annotation {annotation['id']}"
    here = f"{path}: {where}"
    missing = [key for key in ("bbox", "cell_id", *EVENT_TIMES) if key not in annotation]
    if missing:
        raise InputError(f"{here}: {', '.join(missing)} missing")
    y, x = _centre(annotation["bbox"], frame_shape, here)
    parent = annotation.get("parent_id")
    step = annotation.get("time_step")
    row = {
        "track_id": _whole(annotation["cell_id"], "cell_id", here),
        "parent_id": None if parent is None else _whole(parent, "parent_id", here),
        "frame": frame,
        "y": y,
        "x": x,
        "where": where,
        "note": None if step in (None, frame) else f"time_step is {step} where frame_id is {frame} ({where})",
    }
    for key in EVENT_TIMES:
        row[key] = math.nan if annotation[key] is None else float(_whole(annotation[key], key, here))
    return row


def _centre(bbox: Any, frame_shape: tuple[int, int], here: str) -> tuple[float, float]:
    """(y, x) in pixels of a normalised centre-first box."""
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(isinstance(v, int | float) and math.isfinite(v) for v in bbox):
        raise InputError(f"{here}: bbox is {bbox!r}, four finite numbers are needed")
    x, y = bbox[:2]
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise InputError(f"{here}: bbox is {bbox!r}: its centre ({x}, {y}) lies outside the image, 0 to 1 is needed")
    return y * frame_shape[0], x * frame_shape[1]


def _one_per_track(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """One row per track; values that must be the same on all of a track's annotations are checked to be so."""
    for key in (*EVENT_TIMES, "parent_id"):
        first = table.groupby("track_id")[key].transform(lambda values: values.iloc[0])
        differs = ~((table[key] == first) | (table[key].isna() & first.isna()))
        if differs.any():
            row = table[differs].iloc[0]
            raise InputError(
                f"{path}: {row['where']}: {key} of cell {row['track_id']} is {_shown(row[key])}, "
                f"{_shown(first[row.name])} on its first annotation; one value per cell is needed"
            )
    notes = table.dropna(subset="note").groupby("track_id")["note"].first()
    tracks = table.groupby("track_id", as_index=False).nth(0)[["track_id", *EVENT_TIMES, "where"]].reset_index(drop=True)
    tracks["note"] = [notes.get(track) for track in tracks["track_id"]]
    return tracks


def _shown(value: Any) -> str:
    return "null" if pd.isna(value) else f"{value:g}"


def split_by_video(path: str | Path, folder: str | Path) -> dict[str, int]:
    """Write one COCO-video file ``<folder>/<name>.json`` per video of a file that may be very large.

    The text is read once and cut into pieces, annotation by annotation, so that memory stays near the file's own size.
    Returns {name: number of images} of the videos that have at least one annotation of category 1, in the order of their
    names; the others are named on standard error and left out. Raises InputError as :func:`read_coco_video` does for
    what concerns the file's structure.
    """
    path = Path(path)
    text, content, spans = _scan(path)
    names = _names(content["videos"], path)
    images = _images(content["images"], names, path)
    pieces: dict[Any, array] = {}
    with_cells = set()
    for begin, end, image, is_cell in zip(spans.begin, spans.end, spans.image, spans.is_cell, strict=True):
        if image not in images:
            raise InputError(f"{path}: annotation {json.loads(text[begin:end])['id']}: image_id {image!r} is not among the images")
        pieces.setdefault(images[image], array("q")).extend((begin, end))
        if is_cell:
            with_cells.add(images[image])
    if not with_cells:
        raise InputError(f"{path}: no annotation of category {CELL} in it: every recording is empty")
    empty = sorted(name for video, name in names.items() if video not in with_cells)
    if empty:
        print(f"{path}: left out, no tracks: {', '.join(empty)}", file=sys.stderr, flush=True)
    kept = sorted(with_cells, key=names.__getitem__)
    with replacing(folder) as temporary:
        temporary.mkdir()
        for video in progress(kept, "write annotations per recording", unit="recording"):
            parts = (text[begin:end] for begin, end in zip(pieces[video][::2], pieces[video][1::2], strict=True))
            head = json.dumps(_part_of(content, video))[:-1]
            (temporary / f"{names[video]}.json").write_text(f'{head}, "annotations": [\n' + ",\n".join(parts) + "\n]}\n", encoding="utf-8")
    return {names[video]: sum(1 for of in images.values() if of == video) for video in kept}


def _names(videos: list, path: Path) -> dict[Any, str]:
    """{video id: name}, each unique and fit for a file name."""
    names: dict[Any, str] = {}
    for video in _complete(videos, ("id", "name"), "video", path):
        name = str(video["name"])
        if not RECORDING_NAME.fullmatch(name):
            raise InputError(f"{path}: video {video['id']}: name {name!r} may only have letters, digits, '_', '.' and '-'")
        if video["id"] in names or name in names.values():
            raise InputError(f"{path}: video {video['id']}: its id or its name {name!r} stands here for the second time")
        names[video["id"]] = name
    return names


def _images(entries: list, names: dict[Any, str], path: Path) -> dict[Any, Any]:
    """{image id: video id}."""
    images: dict[Any, Any] = {}
    for image in _complete(entries, ("id", "video_id", "frame_id"), "image", path):
        if image["video_id"] not in names:
            raise InputError(f"{path}: image {image['id']}: video_id {image['video_id']!r} is not among the videos")
        if image["id"] in images:
            raise InputError(f"{path}: image {image['id']}: its id stands here for the second time")
        images[image["id"]] = image["video_id"]
    return images


def _part_of(content: dict[str, Any], video: Any) -> dict[str, Any]:
    part = {key: content[key] for key in ("info", "licenses", "categories") if key in content}
    part["videos"] = [entry for entry in content["videos"] if entry["id"] == video]
    part["images"] = [entry for entry in content["images"] if entry["video_id"] == video]
    return part


@dataclass
class _Spans:
    """Where each annotation begins and ends in the text, and the two of its values that the split needs."""

    begin: array = field(default_factory=lambda: array("q"))
    end: array = field(default_factory=lambda: array("q"))
    image: list = field(default_factory=list)
    is_cell: bytearray = field(default_factory=bytearray)


_BLANK = re.compile(r"[ \t\n\r]*")
_decode = json.JSONDecoder().raw_decode


def _scan(path: Path) -> tuple[str, dict[str, Any], _Spans]:
    """The file's text, its top-level values (``annotations`` left empty), and the spans of the annotations."""
    if not path.exists():
        raise InputError(f"{path}: no such file (COCO-video annotations)")
    try:
        text = path.read_text(encoding="utf-8")
        content: dict[str, Any] = {}
        spans = _Spans()
        position = _expect(text, 0, "{")
        while True:
            key, position = _decode(text, position)
            position = _expect(text, position, ":")
            if key == "annotations" and text.startswith("[", position):
                content[key], position = [], _scan_annotations(text, position, spans, path)
            else:
                content[key], position = _decode(text, position)
            if text.startswith("}", position := _skip(text, position)):
                break
            position = _expect(text, position, ",")
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    return text, _lists(content, path), spans


def _scan_annotations(text: str, position: int, spans: _Spans, path: Path) -> int:
    """Decode one annotation after the other and keep only where it stands; returns the position after the list."""
    position = _expect(text, position, "[")
    if text.startswith("]", position):
        return position + 1
    same: dict = {}  # one object per image id, however many annotations name it
    while True:
        entry, end = _decode(text, position)
        list(_complete([entry], ("id", "image_id", "category_id"), "annotation", path))
        spans.begin.append(position)
        spans.end.append(end)
        spans.image.append(same.setdefault(entry["image_id"], entry["image_id"]))
        spans.is_cell.append(entry["category_id"] == CELL)
        position = _skip(text, end)
        if text.startswith("]", position):
            return position + 1
        position = _expect(text, position, ",")


def _skip(text: str, position: int) -> int:
    return _BLANK.match(text, position).end()


def _expect(text: str, position: int, sign: str) -> int:
    """The position of what follows ``sign``, which must be next."""
    position = _skip(text, position)
    if not text.startswith(sign, position):
        raise json.JSONDecodeError(f"{sign!r} expected", text, position)
    return _skip(text, position + 1)
