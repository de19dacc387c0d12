"""A COCO-video file, which may be of gigabytes and of many recordings: its text is read once, and of its annotations only the places are kept."""

import json
import re
from array import array
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from cellfate.base.errors import InputError
from cellfate.tracks.numbers import whole_number

CELL = 1  # category_id of the boxes that make up a track
_BLANK = re.compile(r"[ \t\n\r]*")
_decode = json.JSONDecoder().raw_decode
_Image = tuple[Hashable, Hashable]  # the ids of an image and of its video


@dataclass
class _Spans:
    """Where each annotation begins and ends in the text, the image that it names, and, of a cell, its cell_id."""

    begin: array = field(default_factory=lambda: array("q"))
    end: array = field(default_factory=lambda: array("q"))
    image: list[Hashable] = field(default_factory=list)
    cell: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """One annotation of the file: its number, where its text begins and ends, its image's id, and the cell_id of a box of a cell."""

    number: int
    begin: int
    end: int
    image: Hashable
    cell: Any


class CocoFile:
    """``content`` has the file's top-level values; those that are lists of entries are checked to be lists, ``annotations`` is empty."""

    def __init__(self, path: Path, text: str, content: dict[str, Any], spans: _Spans) -> None:
        self.path = path
        self.content = content
        self._text = text
        self._spans = spans

    def __len__(self) -> int:
        """The number of annotations."""
        return len(self._spans.begin)

    def places(self) -> Iterator[Place]:
        """Every annotation in the file's order, undecoded."""
        spans = self._spans
        for number, values in enumerate(zip(spans.begin, spans.end, spans.image, spans.cell, strict=True)):
            yield Place(number, *values)

    def text_of(self, place: Place) -> str:
        return self._text[place.begin : place.end]

    def annotation(self, place: Place) -> Any:
        """The annotation, decoded; it may be no object."""
        return _decode(self._text, place.begin)[0]

    def where(self, place: Place) -> str:
        """How to find an annotation in the file: by its id, else by its number."""
        annotation = self.annotation(place)
        return f"annotation {annotation['id']}" if isinstance(annotation, dict) and "id" in annotation else f"annotation number {place.number}"


def open_coco(path: str | Path) -> CocoFile:
    """Read the text of a COCO-video file; the one that was read last is kept, as many recordings may be in one file.

    Raises InputError for what is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: {'a folder, a JSON file is needed' if path.is_dir() else 'no such file'} (COCO-video annotations)")
    known = path.stat()
    return _opened(path.absolute(), path, known.st_size, known.st_mtime_ns)


@lru_cache(maxsize=1)
def _opened(absolute: Path, path: Path, size: int, time: int) -> CocoFile:
    """``absolute``, ``size`` and ``time`` tell whether it is the file that was read last."""
    spans = _Spans()
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = _scan(text, spans)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    for key in ("videos", "images", "annotations"):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise InputError(f"{path}: not COCO-video: a list named {key!r} is needed at the top")
    return CocoFile(path, text, content, spans)


def _scan(text: str, spans: _Spans) -> Any:
    """The value that a JSON text holds; the entries of a list ``annotations`` at its top go to ``spans`` instead."""
    position = _skip(text, 0)
    if not text.startswith("{", position):
        return json.loads(text)
    content: dict[str, Any] = {}
    position = _skip(text, position + 1)
    if text.startswith("}", position):
        return content
    while True:
        if not text.startswith('"', position):
            raise json.JSONDecodeError("a key in quotation marks expected", text, position)
        key, position = _decode(text, position)
        position = _expect(text, position, ":")
        if key == "annotations" and text.startswith("[", position):
            content[key], position = [], _scan_annotations(text, position, spans)
        else:
            content[key], position = _decode(text, position)
        position = _skip(text, position)
        if text.startswith("}", position):
            break
        position = _expect(text, position, ",")
    if _skip(text, position + 1) < len(text):
        raise json.JSONDecodeError("more text after the end", text, position + 1)
    return content


def _scan_annotations(text: str, position: int, spans: _Spans) -> int:
    """Decode one annotation after the other and keep only where it stands; returns the position after the list."""
    position = _expect(text, position, "[")
    if text.startswith("]", position):
        return position + 1
    same: dict = {}  # one object per image id, however many annotations name it
    while True:
        entry, end = _decode(text, position)
        known = entry if isinstance(entry, dict) else {}
        image = key_of(known["image_id"]) if "image_id" in known else None
        spans.begin.append(position)
        spans.end.append(end)
        spans.image.append(same.setdefault(image, image))
        spans.cell.append(known.get("cell_id") if "category_id" in known and key_of(known["category_id"]) == CELL else None)
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


def key_of(value: Any) -> Hashable:
    """An id by which entries find each other: ``7``, ``7.0`` and ``"7"`` are the same."""
    try:
        return whole_number(value)
    except ValueError:
        return value.strip() if isinstance(value, str) else repr(value)


def complete_entries(entries: list, keys: tuple[str, ...], what: str, path: Path) -> Iterator[dict]:
    """The entries, each checked to be an object that has all the keys."""
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise InputError(f"{path}: {what} number {number} is {entry!r:.80}, an object is needed")
        missing = [key for key in keys if key not in entry]
        if missing:
            raise InputError(f"{path}: {what} {entry.get('id', f'number {number}')}: {', '.join(missing)} missing")
        yield entry
