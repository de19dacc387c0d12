"""COCO-video annotations, as the published data set has them: one recording's tracks and their events.

An odd annotation does not stop a recording of hundreds of cells: it is set aside, with the reason.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.numbers.whole import whole_number
from cellfate.tracks.raw import LeftOut, RawTracks, RecordingFacts, joined_notes, likely_name
from cellfate.tracks.readers.coco_file import CELL, NEEDED, CocoFile, key_of, no_image, open_coco
from cellfate.tracks.readers.parents import parent_names, parent_number, unused_lineage
from cellfate.tracks.tables import CENSORED

DEATH, DIVISION = "apoptosis", "mitosis"  # the outcomes that the event times stand for
EVENT_TIMES = ("time_of_death", "time_of_division")


def read_coco(path: Path, facts: RecordingFacts) -> RawTracks:
    """The tracks of a COCO-video file; their event times are deaths and divisions, of which a death counts where both are given.

    A track whose event could not be read is censored, so that it does not count as one without an event.
    """
    rows, events, left_out, warnings = read_coco_video(path, facts)
    dead = events["time_of_death"].notna()
    divided = events["time_of_division"].notna()
    events["outcome"] = np.where(events["unreadable"], CENSORED, np.where(dead, DEATH, np.where(divided, DIVISION, None)))
    events["event_frame"] = events["time_of_death"].fillna(events["time_of_division"]).mask(events["unreadable"])
    both = [
        f"{DIVISION} at frame {division} is given as well: {DEATH} counts" if two else None
        for division, two in zip(events["time_of_division"], dead & divided & ~events["unreadable"], strict=True)
    ]
    events["note"] = [joined_notes(note, text) for note, text in zip(events["note"], both, strict=True)]
    events["continues_as"] = pd.Series([()] * len(events), dtype=object)
    events["lineage"] = None
    return RawTracks(rows, events.assign(source=str(path)), tuple(left_out), tuple(warnings))


@dataclass
class _Box:
    """One annotation of a cell: where it is, and what it says of the cell (values as they stand in the file)."""

    where: str
    frame: int
    y: float
    x: float
    said: dict[str, Any]  # the keys of EVENT_TIMES that it has, "parent" and "time_step"


@dataclass
class _Cell:
    """The boxes of one cell, in the order of the file, and what of it was set aside."""

    track: int
    boxes: list[_Box] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def set_aside(self, what: str, box: _Box, reason: str) -> None:
        self.left_out.append(LeftOut(what, box.where, str(self.track), box.frame, reason))


class _OddError(ValueError):
    """What is odd about one annotation."""


def read_coco_video(path: str | Path, facts: RecordingFacts) -> tuple[pd.DataFrame, pd.DataFrame, list[LeftOut], list[str]]:
    """Read the tracks of one recording.

    Returns two tables: one row per track and frame (track_id, parent_id, frame, y, x in pixels, ``where`` naming the annotation),
    sorted by track and frame; and one row per track (track_id, time_of_death, time_of_division in frames or NA, ``unreadable``
    where one of them is given but is none, ``where``, ``note``: a text where ``time_step`` disagrees with the images, else None);
    then what was left out, and warnings. Raises InputError for a file that is no COCO-video or has nothing of this recording.
    """
    path = _piece(Path(path), facts.name)
    file = open_coco(path)
    video = _video_of(file, facts.name)
    frames = _frames(file, video)
    numbers = file.of_video(video)
    if alone := len(file.videos) == 1:  # then they are of this recording
        numbers = sorted([*numbers, *file.without_image])
    annotations = {number: file.annotation(number) for number in numbers}
    cells: dict[int, _Cell] = {}
    left_out: list[LeftOut] = []
    names = _keys_of(annotations.values())
    keys = parent_names(names)
    for number, annotation in annotations.items():
        try:
            image = _image_of(annotation, frames)
            if key_of(annotation["category_id"]) == CELL and not facts.leaves_out(frames[image]):
                track, box = _box(annotation, frames[image], facts, keys)
                cells.setdefault(track, _Cell(track)).boxes.append(box)
        except _OddError as odd:
            left_out.append(_odd_annotation(annotation, number, frames, str(odd)))
    if not cells:
        first = f"; left out was {left_out[0].where}: {left_out[0].reason}" if left_out else ""
        raise InputError(f"{path}: recording {facts.name} is empty: no annotation of category {CELL} on its {len(frames)} images{first}")
    tracks = [_one_track(cells[track]) for track in sorted(cells)]
    left_out += [one for track in sorted(cells) for one in cells[track].left_out]
    rows = pd.concat([rows for rows, _ in tracks], ignore_index=True)
    notes = _notes_of_steps([cells[track] for track in sorted(cells)])
    events = pd.DataFrame([event for _, event in tracks]).astype(dict.fromkeys(EVENT_TIMES, "Int64"))
    events["note"] = [joined_notes(note, notes.get(track)) for track, note in zip(events["track_id"], events["note"], strict=True)]
    unused = unused_lineage(names, keys[:1], keys[0] if keys else None, path)
    return rows, events, left_out, [*unused, *([] if alone else file.many_without_image())]


def _piece(path: Path, recording: str) -> Path:
    """The file of a recording in a folder of files of one recording each, into which a large file is cut; a file as it is."""
    if not path.is_dir():
        return path
    named = {name: path / f"{name}.json" for name in [one.stem for one in path.glob("*.json")]}
    if not named:
        raise InputError(f"{path}: a file is needed in this format of tracks, this is a folder without .json files")
    found = [file for name, file in sorted(named.items()) if recording in (name, str(key_of(name)))]
    if not found:
        names = ", ".join(sorted(named)[:10]) + likely_name(recording, sorted(named))
        raise InputError(f"{path}: no recording is named {recording!r} in this folder of COCO-video annotations; found {names}")
    return named.get(recording, found[0])


def _video_of(file: CocoFile, recording: str) -> Hashable:
    names = {video: str(entry["name"]) for video, entry in file.videos.items()}
    found = [video for video, name in names.items() if name == recording or str(key_of(name)) == recording]
    if len(found) != 1:
        shown = (", ".join(list(names.values())[:10]) or "none") + ("" if found else likely_name(recording, list(names.values())))
        raise InputError(f"{file.path}: {len(found)} videos are named {recording!r}, one is needed; found {shown}")
    return found[0]


def _frames(file: CocoFile, video: Hashable) -> dict[Hashable, int]:
    """{image of the recording: frame}."""
    frames: dict[Hashable, int] = {}
    for image in file.images[video]:
        frame = whole(image["frame_id"], f"{file.path}: image {image['id']}: frame_id")
        if frames.setdefault(key_of(image["id"]), frame) != frame:
            raise InputError(f"{file.path}: image {image['id']} stands there for the second time, with frame_id {frame}")
    return frames


def whole(value: Any, here: str) -> int:
    """A whole number from 0 on; anything else is an InputError that begins with ``here``."""
    try:
        return _from_zero(value)
    except _OddError as odd:
        raise InputError(f"{here} is {value!r}, {odd}") from None


def _from_zero(value: Any) -> int:
    """A whole number from 0; what is needed instead is raised."""
    try:
        number = whole_number(value)
    except ValueError as error:
        raise _OddError(error) from None
    if number < 0:
        raise _OddError("a whole number from 0 is needed")
    return number


def _keys_of(annotations: Iterable) -> list[str]:
    return list(dict.fromkeys(key for one in annotations if isinstance(one, dict) for key in one))


def _image_of(annotation: Any, frames: Mapping[Hashable, int]) -> Hashable:
    missing = [key for key in NEEDED if isinstance(annotation, dict) and key not in annotation]
    if missing:
        raise _OddError(f"{', '.join(missing)} missing")
    image = key_of(annotation["image_id"]) if isinstance(annotation, dict) else None
    if image not in frames:
        raise _OddError(no_image(annotation))
    return image


def _odd_annotation(annotation: Any, number: int, frames: dict[Hashable, int], reason: str) -> LeftOut:
    """The row of an annotation that was set aside, with what can be said of it."""
    if not isinstance(annotation, dict):
        return LeftOut("position", f"annotation number {number}", None, None, reason)
    where = f"annotation {annotation.get('id', f'number {number}')}"
    cell = annotation.get("cell_id")
    return LeftOut("position", where, None if cell is None else str(key_of(cell)), frames.get(key_of(annotation.get("image_id"))), reason)


def _box(annotation: dict, frame: int, facts: RecordingFacts, parents: Sequence[str]) -> tuple[int, _Box]:
    """The cell and the box of an annotation."""
    missing = [key for key in ("bbox", "cell_id") if key not in annotation]
    if missing:
        raise _OddError(f"{', '.join(missing)} missing")
    try:
        track = _from_zero(annotation["cell_id"])
    except _OddError as odd:
        raise _OddError(f"cell_id is {annotation['cell_id']!r}, {odd}") from None
    if frame >= facts.n_frames:
        raise _OddError(f"frame of track {track} is {frame}, the recording's frames are 0 to {facts.n_frames - 1}")
    y, x = _centre(annotation["bbox"], facts.frame_shape)
    said = {key: annotation[key] for key in (*EVENT_TIMES, "time_step") if key in annotation}
    if parents and parents[0] in annotation:
        said["parent"] = annotation[parents[0]]
    return track, _Box(f"annotation {annotation['id']}", frame, y, x, said)


def _centre(bbox: Any, frame_shape: tuple[int, int]) -> tuple[float, float]:
    """(y, x) in pixels of a normalised centre-first box."""
    numbers = isinstance(bbox, list) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in bbox)
    if not numbers or len(bbox) != 4 or not all(abs(v) < 1e9 for v in bbox):
        raise _OddError(f"bbox is {bbox!r:.80}, four finite numbers are needed")
    x, y = bbox[:2]
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise _OddError(f"bbox is {bbox!r}: its centre ({x}, {y}) lies outside the image, 0 to 1 is needed")
    return y * frame_shape[0], x * frame_shape[1]


def _one_track(cell: _Cell) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows of a cell, by frame, and its row of events."""
    boxes: dict[int, _Box] = {}
    for box in cell.boxes:
        if box.frame in boxes:
            cell.set_aside("position", box, f"track {cell.track} is in frame {box.frame} already ({boxes[box.frame].where})")
        boxes.setdefault(box.frame, box)
    kept = [boxes[frame] for frame in sorted(boxes)]
    parent = _parent(cell)
    event: dict[str, Any] = {"track_id": cell.track, "unreadable": False, "where": kept[0].where, "note": None}
    for key in EVENT_TIMES:
        event[key] = _event(cell, key, kept[0].frame)
        if isinstance(event[key], str):
            event |= {key: pd.NA, "unreadable": True, "note": f"{key} cannot be used, so the track is censored: {cell.left_out[-1].reason}"}
    rows = pd.DataFrame(
        {
            "track_id": cell.track,
            "parent_id": pd.array([parent] * len(kept), dtype="Int64"),
            "frame": [box.frame for box in kept],
            "y": [box.y for box in kept],
            "x": [box.x for box in kept],
            "where": [box.where for box in kept],
        }
    )
    return rows, event


def _event(cell: _Cell, key: str, first_frame: int) -> Any:
    """The frame of an event, NA for none, or "unreadable"; values that are none, or that differ, are set aside.

    A key that an annotation lacks says nothing: the others of the cell count. Where some of its annotations have a value that can
    be read and they agree, that one holds.
    """
    said = [(box, box.said[key]) for box in cell.boxes if key in box.said]
    read: dict[int | None, _Box] = {}
    odd: dict[str, tuple[_Box, str]] = {}
    for box, value in said:
        try:
            read.setdefault(None if value is None else _from_zero(value), box)
        except _OddError as error:
            odd.setdefault(repr(value), (box, f"{key} of cell {cell.track} is {value!r}, {error}; null for none"))
    for box, reason in odd.values():
        cell.set_aside("event", box, reason)
    if len(read) > 1:
        (first, _), (other, box) = list(read.items())[:2]
        values = f"{_shown(other)}, {_shown(first)} on its first annotation"
        cell.set_aside("event", box, f"{key} of cell {cell.track} is {values}; one value per cell is needed")
        return "unreadable"
    if not read:
        return "unreadable" if odd else pd.NA
    event = next(iter(read))
    if event is not None and event < first_frame:
        cell.set_aside("event", read[event], f"{key} of cell {cell.track} is {event}, before the track's start at frame {first_frame}")
        return "unreadable"
    return pd.NA if event is None else event


def _shown(value: int | None) -> str:
    return "null" if value is None else str(value)


def _parent(cell: _Cell) -> Any:
    """The mother of a cell: the first that its annotations name; values that are none, or another, are set aside."""
    first: int | None = None
    told = set()
    for box in cell.boxes:
        try:
            mother = parent_number(box.said.get("parent"))
        except ValueError as error:
            mother, reason = None, f"parent of cell {cell.track} is {box.said['parent']!r}, {error}; null for none"
        else:
            reason = None if mother in (None, first) or first is None else f"parent of cell {cell.track} is {mother}, {first} before"
        if reason and reason not in told:
            told.add(reason)
            cell.set_aside("mother", box, reason)
        first = mother if first is None else first
    return pd.NA if first is None else first


def _notes_of_steps(cells: Sequence[_Cell]) -> dict[int, str]:
    """{track: a text} where ``time_step`` disagrees with the images' frames.

    Counting from another number, from the start of each track, or only the frames that a track is in, is no disagreement when all
    annotations of the recording do so.
    """
    steps = [(cell, box) for cell in cells for box in cell.boxes if box.said.get("time_step") is not None]
    starts = {cell.track: sorted({box.frame for box in cell.boxes}) for cell in cells}
    counts = (
        lambda cell, box: box.frame,
        lambda cell, box: box.frame - starts[cell.track][0],
        lambda cell, box: starts[cell.track].index(box.frame),
    )
    if len(steps) > 1 and any(len({_difference(box, count(cell, box)) for cell, box in steps}) == 1 for count in counts):
        return {}
    notes: dict[int, list[_Box]] = {}
    for cell, box in steps:
        if _difference(box, box.frame) != 0:
            notes.setdefault(cell.track, []).append(box)
    return {
        track: f"time_step is {boxes[0].said['time_step']} where frame_id is {boxes[0].frame} ({boxes[0].where})"
        + (f", and differs in {len(boxes)} annotations" if len(boxes) > 1 else "")
        for track, boxes in notes.items()
    }


def _difference(box: _Box, count: int) -> Any:
    """The step of a box minus a count; what is no number differs from every other."""
    try:
        return whole_number(box.said["time_step"]) - count
    except ValueError:
        return box.where
