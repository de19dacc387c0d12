"""COCO-video annotations, as the published data set has them: one recording's tracks and their events."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.raw import RawTracks, RecordingFacts, joined_notes

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
        for image in complete_entries(content["images"], ("id", "video_id", "frame_id"), "image", path)
        if image["video_id"] == video
    }
    known = frames.keys() | {image["id"] for image in content["images"]}
    rows = []
    for annotation in complete_entries(content["annotations"], ("id", "image_id", "category_id"), "annotation", path):
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
    return lists_of(content, path)


def lists_of(content: Any, path: Path) -> dict[str, list]:
    for key in ("videos", "images", "annotations"):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise InputError(f"{path}: not COCO-video: a list named {key!r} is needed at the top")
    return content


def complete_entries(entries: list, keys: tuple[str, ...], what: str, path: Path) -> Iterator[dict]:
    """The entries, each checked to be an object that has all the keys."""
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise InputError(f"{path}: {what} number {number} is {entry!r}, an object is needed")
        missing = [key for key in keys if key not in entry]
        if missing:
            raise InputError(f"{path}: {what} {entry.get('id', f'number {number}')}: {', '.join(missing)} missing")
        yield entry


def _video_of(videos: list, recording: str, path: Path) -> Any:
    found = [video["id"] for video in complete_entries(videos, ("id", "name"), "video", path) if str(video["name"]) == recording]
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
