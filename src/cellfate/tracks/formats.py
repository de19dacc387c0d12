"""The formats of tracks: which reader each has, and which files belong to one.

Readers are named here and imported when tracks are read, so that a job depends on the code of its own reader, and the recordings sheet
on none. A further format is a function ``read(path, facts) -> RawTracks`` and one row of ``FORMATS``.
"""

import csv
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError, raise_first
from cellfate.tracks.raw import RawTracks, RecordingFacts, edges_beside, outcomes_beside


@dataclass(frozen=True)
class Format:
    """``reader`` is ``module:function``; ``beside`` gives the files that are read besides the tracks themselves, if they exist.

    ``folder`` says whether the tracks are a folder; None where they may be either. ``own_events``: it has event times of its own, and no
    table of outcomes beside it. ``apart`` are the columns that tell the recordings of a table apart; None where recordings have
    names in the file itself.
    """

    reader: str
    beside: Callable[[str], list[Path]] = lambda tracks: [outcomes_beside(tracks)]
    folder: bool | None = False
    own_events: bool = False
    apart: tuple[str, ...] | None = ()

    @property
    def module(self) -> str:
        return self.reader.partition(":")[0]

    def has_several_recordings(self, path: str | Path) -> bool:
        """Whether a file tells recordings apart; it is read up to the second name, and one that cannot be read counts as if it did."""
        if not self.apart:
            return self.apart is None
        first: dict[int, str] = {}
        try:
            with open(path, encoding="utf-8-sig", newline="") as file:
                rows = csv.reader(file)
                header = [name.strip() for name in next(rows, [])]
                places = [header.index(name) for name in self.apart if name in header]
                return any(
                    first.setdefault(place, row[place].strip()) != row[place].strip()
                    for row in rows
                    for place in places
                    if place < len(row)
                )
        except (OSError, ValueError, csv.Error):  # the reader says what is wrong with it
            return True

    def read(self, path: Path, facts: RecordingFacts) -> RawTracks:
        """The tracks that the reader finds in ``path``; an InputError for whatever a library raises because of the file's content."""
        if self.folder is not None and path.is_dir() != self.folder:
            kinds = ("a folder", "a file") if self.folder else ("a file", "a folder")
            raise InputError(f"{path}: {kinds[0]} is needed in this format of tracks, this is {kinds[1]}")
        reader = getattr(importlib.import_module(self.module), self.reader.partition(":")[2])
        try:
            raw = reader(path, facts)
        except (InputError, MemoryError, ImportError):
            raise
        except Exception as error:  # a damaged file fails in as many ways as there are libraries
            raise InputError(in_words(error, path)) from error
        if facts.last_image is not None and len(raw.rows) and (raw.rows["frame"] > facts.last_image).all():
            raise InputError(f"{path}: all {len(raw.rows)} positions are after last_image, which is {facts.last_image}: no track is left")
        return raw


def _tables_in(folder: Path) -> list[Path]:
    """The tables of tracks in a folder of the Cell Tracking Challenge, however their names are capitalised."""
    return sorted(path for path in folder.glob("*") if path.name.lower().endswith("_track.txt"))


FORMATS = {
    "coco-video": Format("cellfate.tracks.readers.coco_video:read_coco", lambda tracks: [], folder=None, own_events=True, apart=None),
    "csv": Format("cellfate.tracks.readers.text:read_csv", apart=("recording",)),
    "ctc": Format("cellfate.tracks.readers.ctc:read_ctc", lambda tracks: [outcomes_beside(tracks), *_tables_in(Path(tracks))], folder=True),
    "trackmate": Format("cellfate.tracks.readers.trackmate:read_trackmate", lambda tracks: [outcomes_beside(tracks), edges_beside(tracks)]),
    "btrack": Format("cellfate.tracks.readers.btrack:read_btrack"),
    "cell-acdc": Format("cellfate.tracks.readers.cell_acdc:read_cell_acdc", apart=("recording", "Position_n")),
    "celldetective": Format("cellfate.tracks.readers.celldetective:read_celldetective", apart=("recording", "position", "pos_name")),
    "geff": Format("cellfate.tracks.readers.geff:read_geff", folder=None),
    "napari": Format("cellfate.tracks.readers.text:read_napari", apart=("recording",)),
}


def format_named(name: str, source: str | Path) -> Format:
    """The format of that name; an InputError that lists all names, and names ``source``, where there is none."""
    raise_first(format_problems(name, source))
    return FORMATS[name]


def format_problems(name: str, source: str | Path) -> Iterator[str]:
    """What is wrong with the name of a format that stands in ``source``."""
    if name not in FORMATS:
        yield f"{source}: tracks_format is {name!r}, one of {', '.join(FORMATS)} is needed"


def track_files(tracks: str, tracks_format: str) -> list[str]:
    """Every file that the tracks of a recording are read from, existing ones only beside ``tracks`` itself."""
    beside = [str(path) for path in FORMATS[tracks_format].beside(tracks) if path.exists()]
    return list(dict.fromkeys([tracks, *beside]))
