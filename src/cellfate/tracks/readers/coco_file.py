"""A COCO-video file, which may be of gigabytes and of many recordings: its text is read once, annotations are decoded when asked for."""

import json
import re
from array import array
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from cellfate.base.errors import InputError, no_file
from cellfate.tracks.numbers.whole import whole_number

CELL = 1  # category_id of the boxes that make up a track
NEEDED = ("id", "image_id", "category_id")  # of an annotation
LISTS = ("videos", "images", "annotations")
MOST_LEFT_OUT = 0.05
_BLANK = re.compile(r"[ \t\n\r]*")
_decode = json.JSONDecoder().raw_decode


@dataclass
class _Spans:
    """Where each annotation begins and ends in the text, the image that it names, whether it is a box of a cell, and of which."""

    begin: array = field(default_factory=lambda: array("q"))
    end: array = field(default_factory=lambda: array("q"))
    image: list[Hashable] = field(default_factory=list)
    is_cell: bytearray = field(default_factory=bytearray)
    cell: list[Any] = field(default_factory=list)


class CocoFile:
    """A file's videos, images and annotations; annotations are known by their number in the file, and decoded when asked for.

    ``head`` has the other top-level values, Ids are those of :func:`key_of`. ``is_cell`` and ``cell``
    say of each annotation whether it is of category 1, and its cell_id as it stands there.
    """

    def __init__(self, path: Path, text: str, content: dict[str, Any], spans: _Spans) -> None:
        self.path = path
        self.head = {key: value for key, value in content.items() if key not in LISTS}
        self.is_cell, self.cell = spans.is_cell, spans.cell
        self._text, self._spans, self._content = text, spans, content

    def __len__(self) -> int:
        """The number of annotations."""
        return len(self._spans.begin)

    @cached_property
    def videos(self) -> dict[Hashable, dict]:
        """{id: entry}."""
        videos: dict[Hashable, dict] = {}
        for video in complete_entries(self._content["videos"], ("id", "name"), "video", self.path):
            if videos.setdefault(key_of(video["id"]), video) is not video:
                raise InputError(f"{self.path}: video {video['id']}: its id stands here for the second time")
        return videos

    @cached_property
    def images(self) -> dict[Hashable, list[dict]]:
        """{id of a video: entries of its images}; an image is of one video."""
        images: dict[Hashable, list[dict]] = {video: [] for video in self.videos}
        owner: dict[Hashable, Hashable] = {}
        for image in complete_entries(self._content["images"], ("id", "video_id", "frame_id"), "image", self.path):
            video = key_of(image["video_id"])
            if video not in images:
                raise InputError(f"{self.path}: image {image['id']}: video_id {image['video_id']!r} is not among the videos")
            if owner.setdefault(key_of(image["id"]), video) != video:
                raise InputError(f"{self.path}: image {image['id']} stands here for the second time, as one of another video")
            images[video].append(image)
        return images

    @cached_property
    def by_image(self) -> dict[Hashable, array]:
        """{id of an image: numbers of its annotations}."""
        numbers: dict[Hashable, array] = {}
        for number, image in enumerate(self._spans.image):
            numbers.setdefault(image, array("q")).append(number)
        return numbers

    @cached_property
    def without_image(self) -> list[int]:
        """The numbers of the annotations that belong to no image of the file."""
        known = {key_of(image["id"]) for images in self.images.values() for image in images}
        return sorted(number for image, numbers in self.by_image.items() if image not in known for number in numbers)

    def of_video(self, video: Hashable) -> list[int]:
        """The numbers of a video's annotations, in the file's order."""
        images = {key_of(image["id"]) for image in self.images[video]}
        return sorted(number for image in images for number in self.by_image.get(image, ()))

    def text_of(self, number: int) -> str:
        return self._text[self._spans.begin[number] : self._spans.end[number]]

    def annotation(self, number: int) -> Any:
        """An annotation, decoded; it may be no object."""
        return _decode(self._text, self._spans.begin[number])[0]

    def many_without_image(self) -> list[str]:
        """A line for a person where annotations belong to no image of the file; InputError where these are more than 5 %."""
        lost = self.without_image
        if not lost:
            return []
        first = self.annotation(lost[0])
        where = f"annotation {first['id']}" if isinstance(first, dict) and "id" in first else f"annotation number {lost[0]}"
        said = f"{where}: {no_image(first)}"
        if len(lost) > MOST_LEFT_OUT * len(self):
            share = f"{len(lost)} of {len(self)} annotations belong to no image, more than the {MOST_LEFT_OUT:.0%} that are set aside"
            raise InputError(f"{self.path}: {said} ({share})")
        return [f"{self.path}: {len(lost)} of {len(self)} annotations belong to no image and are left out, the first: {said}"]


def no_image(annotation: Any) -> str:
    """Why an annotation belongs to no image."""
    if not isinstance(annotation, dict):
        return f"is {annotation!r:.80}, an object is needed"
    if "image_id" not in annotation:
        missing = [key for key in NEEDED if key not in annotation]
        return f"{', '.join(missing)} missing"
    return f"image_id {annotation['image_id']!r:.80} is not among the images"


def open_coco(path: str | Path) -> CocoFile:
    """Read the text of a COCO-video file; the one that was read last is kept, as many recordings may be in one file.

    Raises InputError for what is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(no_file(path, "a JSON file of COCO-video annotations"))
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
    for key in LISTS:
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
        spans.is_cell.append("category_id" in known and key_of(known["category_id"]) == CELL)
        spans.cell.append(known.get("cell_id"))
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
