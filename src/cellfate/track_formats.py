"""The formats of tracks: which reader each has, and which files belong to one.

Readers are named here and imported when tracks are read, so that a job depends on the code of its own reader, and the recordings sheet
on none. A further format is a function ``read(path, facts) -> RawTracks`` and one row of ``FORMATS``.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cellfate.errors import InputError
from cellfate.track_tables import RawTracks, RecordingFacts, edges_beside, outcomes_beside


@dataclass(frozen=True)
class Format:
    """``reader`` is ``module:function``; ``beside`` gives the files that are read besides the tracks themselves, if they exist."""

    reader: str
    beside: Callable[[str], list[Path]] = lambda tracks: [outcomes_beside(tracks)]

    @property
    def module(self) -> str:
        return self.reader.partition(":")[0]

    def read(self, path: Path, facts: RecordingFacts) -> RawTracks:
        """The tracks that the reader finds in ``path``."""
        return getattr(importlib.import_module(self.module), self.reader.partition(":")[2])(path, facts)


FORMATS = {
    "coco-video": Format("cellfate.annotations:read_coco", lambda tracks: []),
    "csv": Format("cellfate.track_tables:read_csv"),
    "ctc": Format("cellfate.track_readers:read_ctc", lambda tracks: [outcomes_beside(tracks), *sorted(Path(tracks).glob("*_track.txt"))]),
    "trackmate": Format("cellfate.trackmate:read_trackmate", lambda tracks: [outcomes_beside(tracks), edges_beside(tracks)]),
    "btrack": Format("cellfate.track_readers:read_btrack"),
    "geff": Format("cellfate.track_readers:read_geff"),
    "napari": Format("cellfate.track_tables:read_napari"),
}


def format_named(name: str, source: str | Path) -> Format:
    """The format of that name; an InputError that lists all names, and names ``source``, where there is none."""
    if name not in FORMATS:
        raise InputError(f"{source}: tracks_format is {name!r}, one of {', '.join(FORMATS)} is needed")
    return FORMATS[name]


def track_files(tracks: str, tracks_format: str) -> list[str]:
    """Every file that the tracks of a recording are read from, existing ones only beside ``tracks`` itself."""
    beside = [str(path) for path in FORMATS[tracks_format].beside(tracks) if path.exists()]
    return list(dict.fromkeys([tracks, *beside]))
