"""Finding files of tracks by what stands in them, and which recording each belongs to."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError
from cellfate.recordings.discovery.headers import other_names
from cellfate.tracks.raw import TRACK_SUFFIXES

CTC_TABLES = ("man_track.txt", "res_track.txt")
OUTCOMES = "_outcomes.csv"
LARGEST_JSON = 500 * 2**20  # bytes that are read to see whether they are annotations
HEADERS = {  # the columns that tell a table's format, the first that fits; class_id tells celldetective's tables from TrackMate's
    "celldetective": {"TRACK_ID", "POSITION_X", "POSITION_Y", "FRAME", "class_id"},
    "cell-acdc": {"frame_i", "Cell_ID", "x_centroid", "y_centroid"},
    "trackmate": {"ID", "TRACK_ID", "POSITION_X", "POSITION_Y", "FRAME"},
    "csv": {"track_id", "frame", "y", "x"},
    "napari": {"track_id", "t", "y", "x"},
    "btrack": {"ID", "t", "x", "y"},
}
EDGES = {"SPOT_SOURCE_ID", "SPOT_TARGET_ID"}
POSITIONS = ("Position_n", "pos_name")  # columns that tell positions apart, in tables of Cell-ACDC and celldetective
KNOWN_WORDS = re.compile(  # words in names of tracks that say nothing of the recording
    r"tracks?|tracking|tracked|trajectories|spots|trackmate|btrack|napari|geff|coco|acdc|output|annotations?|gt|st|tra|res|man|export|model|final",
    re.IGNORECASE,
)
SAME, ONLY, INSIDE = "same name", "the only candidate", "name contained"  # how sure an assignment is, surest first


@dataclass
class FoundTracks:
    """A file or folder of tracks. ``recordings`` are names of recordings that stand in the file; empty where it has none."""

    path: Path
    tracks_format: str
    recordings: tuple[str, ...] = ()


@dataclass
class Assignment:
    """Which tracks belong to which recording: {recording: (tracks, how sure)}, and a line for each that stays open."""

    found: dict[str, tuple[FoundTracks, str]] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)


def tracks_in(path: Path, not_used: list[tuple[Path, str]]) -> list[FoundTracks]:
    """The tracks that a file or folder holds; none, with the reason in ``not_used``, where it holds none.

    Tables of outcomes and of edges belong to tracks beside them and are passed over.
    """
    if path.name.endswith(OUTCOMES):
        tracks = [entry for entry in path.parent.iterdir() if _stem(entry) == path.name.removesuffix(OUTCOMES) and entry != path]
        if not tracks:
            stem = path.name.removesuffix(OUTCOMES)
            not_used.append((path, f"outcomes, but no tracks of the name {stem} (such as {stem}.csv) are beside them"))
        return []
    looks = {".json": _look_at_json, ".xml": _look_at_xml, ".csv": _look_at_table, ".h5": _look_at_hdf5, ".hdf5": _look_at_hdf5}
    try:
        if path.is_dir():
            return [FoundTracks(path, "ctc" if any((path / table).is_file() for table in CTC_TABLES) else "geff")]
        look: Callable | None = looks.get(path.suffix.lower())
        if look is None:
            raise InputError("neither images nor tracks")
        found = look(path)
    except InputError as error:
        not_used.append((path, str(error).removeprefix(f"{path}: ")))
        return []
    return [] if found is None else [found]


def _stem(path: Path) -> str:
    return path.stem if path.suffix.lower() in TRACK_SUFFIXES else path.name


def _look_at_json(path: Path) -> FoundTracks:
    if path.stat().st_size > LARGEST_JSON:
        raise InputError(f"JSON of {path.stat().st_size / 2**20:.0f} MB, not looked into; COCO-video can still be named in the sheet")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}") from error
    lists = ("videos", "images", "annotations")
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in lists):
        raise InputError(f"JSON, but not COCO-video (lists named {', '.join(lists)} at the top)")
    names = [str(video.get("name")) for video in content["videos"] if isinstance(video, dict)]
    return FoundTracks(path, "coco-video", tuple(names))


def _look_at_xml(path: Path) -> FoundTracks:
    try:
        _, root = next(iter(ElementTree.iterparse(path, events=("start",))))
    except (ElementTree.ParseError, ValueError, LookupError, StopIteration) as error:
        raise InputError(f"not readable as XML: {error}") from error
    if root.tag != "TrackMate":
        raise InputError(f"XML of another kind: <TrackMate> is needed, <{root.tag}> found")
    return FoundTracks(path, "trackmate")


def _look_at_hdf5(path: Path) -> FoundTracks:
    from cellfate.base.hdf5 import open_hdf5

    try:
        with open_hdf5(path, "a file of btrack") as file:
            found = sorted(file)
            known = "tracks" in file and "objects" in file
    except InputError as error:
        raise InputError(str(error).removeprefix(f"{path}: ")) from error
    except Exception as error:  # a damaged file fails in many ways
        raise InputError(in_words(error, path, "not readable as HDF5").removeprefix(f"{path}: ")) from error
    if not known:
        raise InputError(f"HDF5 without btrack's objects and tracks; found {', '.join(found[:5]) or 'nothing'}")
    return FoundTracks(path, "btrack")


def _look_at_table(path: Path) -> FoundTracks | None:
    try:
        with open(path, encoding="utf-8-sig") as file:
            header = file.readline().strip()
    except UnicodeDecodeError as error:
        raise InputError(f"not readable as text: {error}") from error
    names = [name.strip().strip('"') for name in re.split("[,;\t]", header)]
    columns = set(names)
    if columns >= EDGES:
        return None
    for tracks_format, needed in HEADERS.items():
        if tracks_format == "btrack" and needed <= set(header.split()):
            return FoundTracks(path, tracks_format)
        if tracks_format != "btrack" and needed <= columns:
            return FoundTracks(path, tracks_format, _recordings_in(path, columns))
    raise InputError(other_names(path, [name for name in names if name]))


def _recordings_in(path: Path, columns: set[str]) -> tuple[str, ...]:
    """The recordings that a table names, or its positions where it has several."""
    if "recording" in columns:
        return _names_in(path, "recording")
    column = next((name for name in POSITIONS if name in columns), None)
    names = () if column is None else _names_in(path, column)
    return names if len(names) > 1 else ()


def _names_in(path: Path, column: str) -> tuple[str, ...]:
    try:
        return tuple(pd.read_csv(path, usecols=[column], dtype=str, encoding="utf-8-sig")[column].dropna().str.strip().unique())
    except (ValueError, pd.errors.ParserError):
        return ()


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in lower case, without those that only say that it is about tracks: ``B2_tracks`` gives ``b2``."""
    words = [word.lower() for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    return tuple(word for word in words if not KNOWN_WORDS.fullmatch(word))


def _track_words(tracks: FoundTracks) -> tuple[str, ...]:
    """The words of a file's name, or of the folders above it where it has none (01_GT/TRA)."""
    own = words_of(tracks.path.stem if tracks.path.suffix == ".json" else _stem(tracks.path))
    return own or words_of(tracks.path.parent.name)


def _within(short: Sequence[str], long: Sequence[str]) -> bool:
    return bool(short) and any(tuple(long[i : i + len(short)]) == tuple(short) for i in range(len(long) - len(short) + 1))


def assign(tracks: Sequence[FoundTracks], recordings: Sequence) -> Assignment:
    """Find the tracks of each recording (with ``name`` and ``place``), by names first; what is not sure is not assigned."""
    result = Assignment()
    free = list(tracks)
    for how, belongs in ((SAME, _same_name), (ONLY, _same_folder), (INSIDE, _contained)):
        _assign_unique(free, recordings, belongs, how, result)
        used = {id(one) for one, _ in result.found.values()}
        free = [one for one in free if id(one) not in used]
    without = [recording for recording in recordings if recording.name not in result.found]
    if len(tracks) == len(recordings) == 1 and len(without) == 1 and not result.open:
        result.found[without[0].name] = (tracks[0], ONLY)
        return result
    result.open += _left_over(free, without)
    return result


def _assign_unique(free: Sequence[FoundTracks], recordings: Sequence, belongs: Callable, how: str, result: Assignment) -> None:
    """Assign where one file belongs to one recording; several that do are told of and left."""
    waiting = [recording for recording in recordings if recording.name not in result.found]
    pairs = [(recording, one) for recording in waiting for one in free if belongs(one, recording, recordings, free)]
    for recording in waiting:
        own = [one for other, one in pairs if other is recording]
        rivals = [other for other, one in pairs if own and one is own[0] and other is not recording]
        if len(own) == 1 and (not rivals or own[0].recordings):
            result.found[recording.name] = (own[0], how)
        elif len(own) > 1 and how == SAME:
            result.open.append(f"{recording.name}: several files may have its tracks: {', '.join(str(one.path) for one in own)}")


def _same_name(tracks: FoundTracks, recording, recordings: Sequence, _tracks: Sequence) -> bool:
    """Whether the file names this recording inside or, where that names none, by its own name."""
    if len(tracks.recordings) > 1 or any(one.name in tracks.recordings for one in recordings):
        return recording.name in tracks.recordings
    return bool(words_of(recording.name)) and _track_words(tracks) == words_of(recording.name)


def _same_folder(tracks: FoundTracks, recording, recordings: Sequence, free: Sequence[FoundTracks]) -> bool:
    """Whether the folder of the tracks holds this recording and no other, and no other tracks."""
    folder = tracks.path.parent
    others = [one for one in recordings if one is not recording and one.place.is_relative_to(folder)]
    rivals = [one for one in free if one is not tracks and one.path.is_relative_to(folder)]
    here = recording.place.is_relative_to(folder)
    return here and not others and not rivals and (not tracks.recordings or len(tracks.recordings) == 1)


def _contained(tracks: FoundTracks, recording, recordings: Sequence, _tracks: Sequence) -> bool:
    """Whether one name has all words of the other in a row, and the tracks' name those of no longer one."""
    if tracks.recordings:
        return False
    words = _track_words(tracks)
    fitting = [one for one in recordings if _within(words_of(one.name), words) or _within(words, words_of(one.name))]
    longest = max((len(words_of(one.name)) for one in fitting), default=0)
    return recording in fitting and len(words_of(recording.name)) == longest


def _left_over(free: Sequence[FoundTracks], without: Sequence) -> list[str]:
    lines = [f"{one.path} ({one.tracks_format}): no recording of this name" for one in free]
    if free and len(free) == len(without):
        pairs = ", ".join(f"{one.path.name} to {other.name}" for one, other in zip(free, without, strict=True))
        lines.append(f"by their order they would belong like this: {pairs}. That is not sure, so it was not written")
    return lines


def rename_after_videos(assignment: Assignment, recordings: Sequence) -> None:
    """Tracks that name their recording are found by that name: a recording that got such a file takes it, unless it is taken."""
    for recording in recordings:
        tracks, how = assignment.found.get(recording.name, (None, ""))
        if tracks is None or len(tracks.recordings) != 1 or tracks.recordings[0] in [one.name for one in recordings]:
            continue
        assignment.found[tracks.recordings[0]] = assignment.found.pop(recording.name)
        recording.notes.append(f"named {tracks.recordings[0]}, as in {tracks.path.name} ({how})")
        recording.name = tracks.recordings[0]
