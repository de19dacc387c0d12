"""The annotations of the published data set, one file of gigabytes, cut into one file per recording without reading it whole."""

import json
import re
import sys
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.files import replacing
from cellfate.base.names import RECORDING_NAME
from cellfate.base.progress import progress
from cellfate.base.tables import write_table
from cellfate.recordings.tables import CELLS
from cellfate.tracks.readers.coco_video import CELL, complete_entries, lists_of


def split_by_video(path: str | Path, folder: str | Path, cells: str | Path | None = None) -> dict[str, int]:
    """Write one COCO-video file ``<folder>/<name>.json`` per video of a file that may be very large.

    The text is read once and cut into pieces, annotation by annotation, so that memory stays near the file's own size. ``cells``,
    where given, becomes the table CELLS: the cells of the kept videos in the order in which the file names them first.
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
    order: dict[tuple[str, int], None] = {}
    for begin, end, image, is_cell, cell in zip(spans.begin, spans.end, spans.image, spans.is_cell, spans.cell, strict=True):
        if image not in images:
            raise InputError(f"{path}: annotation {json.loads(text[begin:end])['id']}: image_id {image!r} is not among the images")
        pieces.setdefault(images[image], array("q")).extend((begin, end))
        if is_cell:
            with_cells.add(images[image])
            if (number := _number_of(cell)) is not None:
                order[names[images[image]], number] = None
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
    if cells is not None:
        write_table(pd.DataFrame(list(order), columns=list(CELLS.columns)), cells, CELLS)
    return {names[video]: sum(1 for of in images.values() if of == video) for video in kept}


def _number_of(cell: Any) -> int | None:
    """A cell_id as a whole number; None for what is none, of which the reader of its recording tells."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, str) and cell.strip().isdecimal():
        cell = int(cell)
    return cell if isinstance(cell, int) and not isinstance(cell, bool) and cell >= 0 else None


def _names(videos: list, path: Path) -> dict[Any, str]:
    """{video id: name}, each unique and fit for a file name."""
    names: dict[Any, str] = {}
    for video in complete_entries(videos, ("id", "name"), "video", path):
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
    for image in complete_entries(entries, ("id", "video_id", "frame_id"), "image", path):
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
    """Where each annotation begins and ends in the text, and the values of it that the split needs."""

    begin: array = field(default_factory=lambda: array("q"))
    end: array = field(default_factory=lambda: array("q"))
    image: list = field(default_factory=list)
    is_cell: bytearray = field(default_factory=bytearray)
    cell: list = field(default_factory=list)


_BLANK = re.compile(r"[ \t\n\r]*")
_decode = json.JSONDecoder().raw_decode


def _scan(path: Path) -> tuple[str, dict[str, Any], _Spans]:
    """The file's text, its top-level values (``annotations`` left empty), and the spans of the annotations."""
    if not path.exists():
        raise InputError(f"{path}: no such file (COCO-video annotations)")
    try:
        text = path.read_text(encoding="utf-8-sig")
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
    return text, lists_of(content, path), spans


def _scan_annotations(text: str, position: int, spans: _Spans, path: Path) -> int:
    """Decode one annotation after the other and keep only where it stands; returns the position after the list."""
    position = _expect(text, position, "[")
    if text.startswith("]", position):
        return position + 1
    same: dict = {}  # one object per image id, however many annotations name it
    while True:
        entry, end = _decode(text, position)
        list(complete_entries([entry], ("id", "image_id", "category_id"), "annotation", path))
        spans.begin.append(position)
        spans.end.append(end)
        spans.image.append(same.setdefault(entry["image_id"], entry["image_id"]))
        spans.is_cell.append(entry["category_id"] == CELL)
        spans.cell.append(entry.get("cell_id"))
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
