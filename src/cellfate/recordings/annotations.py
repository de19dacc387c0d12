"""One annotation file for many recordings, which may be of gigabytes, cut into one file per recording without decoding it whole."""

import json
import sys
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.files import replacing
from cellfate.base.names import RECORDING_NAME
from cellfate.base.progress import progress
from cellfate.base.tables import write_table
from cellfate.recordings.tables import CELLS
from cellfate.tracks.readers.coco_file import CELL, CocoFile, open_coco


def split_by_video(path: str | Path, folder: str | Path, cells: str | Path | None = None) -> dict[str, int]:
    """Write one COCO-video file ``<folder>/<name>.json`` per video that has an annotation of category 1.

    The text is read once and cut into pieces, annotation by annotation, so that memory stays near the file's own size. ``cells``,
    where given, becomes the table CELLS: the cells of the kept videos in the order in which the file names them first.
    Returns {name: number of images} of the kept videos, in the order of their names; the others are named on standard error, as are
    annotations that belong to no image: they are left out, and an error where they are more than 5 %. Raises InputError as
    :func:`read_coco_video` does for what concerns the file's structure.
    """
    file = open_coco(path)
    names = _names(file)
    numbers = {video: file.of_video(video) for video in names}
    kept = [video for video in names if any(file.is_cell[number] for number in numbers[video])]
    _say(file.many_without_image())
    if not kept:
        raise InputError(f"{path}: no annotation of category {CELL} in it: every recording is empty")
    if empty := sorted(name for video, name in names.items() if video not in kept):
        _say([f"{path}: left out, no tracks: {', '.join(empty)}"])
    kept.sort(key=names.__getitem__)
    _write_pieces(file, {video: names[video] for video in kept}, folder)
    if cells is not None:
        owner = {number: names[video] for video in kept for number in numbers[video]}
        order = {(owner[n], one): None for n in sorted(owner) if file.is_cell[n] and (one := _number_of(file.cell[n])) is not None}
        write_table(pd.DataFrame(list(order), columns=list(CELLS.columns)), cells, CELLS)
    return {names[video]: len(file.images[video]) for video in kept}


def split_annotations(path: str | Path, folder: str | Path) -> None:
    """Write one COCO-video file ``<folder>/<name>.json`` for each video of a file, those without annotations too.

    What is odd about a recording is told by the reader of its piece.
    """
    file = open_coco(path)
    _say(file.many_without_image())
    _write_pieces(file, _names(file), folder)


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def _write_pieces(file: CocoFile, names: dict[Hashable, str], folder: str | Path) -> None:
    """The file of each video of ``names`` {id: name}."""
    with replacing(folder) as temporary:
        temporary.mkdir()
        for video, name in progress(list(names.items()), "write annotations per recording", unit="recording"):
            part = {**file.head, "cut_from": str(file.path), "videos": [file.videos[video]], "images": file.images[video]}
            parts = ",\n".join(map(file.text_of, file.of_video(video)))
            (temporary / f"{name}.json").write_text(f'{json.dumps(part)[:-1]}, "annotations": [\n{parts}\n]}}\n', encoding="utf-8")


def _number_of(cell: Any) -> int | None:
    """A cell_id as a whole number; None for what is none, of which the reader of its recording tells."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, str) and cell.strip().isdecimal():
        cell = int(cell)
    return cell if isinstance(cell, int) and not isinstance(cell, bool) and cell >= 0 else None


def _names(file: CocoFile) -> dict[Hashable, str]:
    """{id: name} of the videos, names unique; one whose name fits no file is no recording either, and is named on standard error."""
    names: dict[Hashable, str] = {}
    for video, entry in file.videos.items():
        name = str(entry["name"])
        if not RECORDING_NAME.fullmatch(name):
            allowed = "a recording's name may only have letters, digits, '_', '.' and '-'"
            _say([f"{file.path}: video {entry['id']}: name {name!r} is left out: {allowed}"])
        elif name in names.values():
            raise InputError(f"{file.path}: video {entry['id']}: its name {name!r} stands here for the second time")
        else:
            names[video] = name
    return names
