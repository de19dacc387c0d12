"""Looking through a folder for recordings and tracks: what is there, in which format, and what the files say of themselves."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tifffile

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError
from cellfate.frames.formats import ZARR_MARKS, open_frames
from cellfate.frames.image import IMAGE_SUFFIXES, PNG_SUFFIXES, is_extra, read_header
from cellfate.frames.reader import UNNAMED_AXES
from cellfate.recordings.discovery.metadata import SIDE_FILE, ImageMetadata, recording_metadata
from cellfate.recordings.discovery.names import FileGroup, focal_planes, group_files, is_channel, is_time
from cellfate.recordings.discovery.tracks import CTC_TABLES, FoundTracks, tracks_in

MICROSCOPE_SUFFIXES = (".nd2", ".czi")
COLOURS = {3: ["red", "green", "blue"]}
LABEL_FOLDER = re.compile(r".*_(?:GT|ST|ERR_SEG|RES)", re.IGNORECASE)  # of the Cell Tracking Challenge
PLAIN_NAME = re.compile(r"(?:images?|imgs?|frames?|raw|tiffs?|pngs?|data)", re.IGNORECASE)  # of folders: says nothing
FEW_PAGES, MANY_FILES = 4, 5  # so many files of so few pages each are no recordings
SIDE_FILES = (SIDE_FILE, "display_settings.txt", "display_and_comments.txt", "comments.txt")  # of Micro-Manager


@dataclass
class FoundRecording:
    """Images that open as one recording. ``images`` is the sheet's cell; ``labels`` the files' names of the channels, if others."""

    name: str
    images: str
    place: Path
    kind: str
    channels: list[str]
    labels: list[str] | None
    named: bool
    n_frames: int
    shape: tuple[int, int]
    dtype: str
    metadata: ImageMetadata
    notes: list[str] = field(default_factory=list)


@dataclass
class Survey:
    """What a folder holds. ``not_used`` are files and folders with the reason why they are left out."""

    folder: Path
    recordings: list[FoundRecording] = field(default_factory=list)
    tracks: list[FoundTracks] = field(default_factory=list)
    not_used: list[tuple[Path, str]] = field(default_factory=list)
    seen: set[Path] = field(default_factory=set)  # folders that were looked at, so that links may lead in a circle


def survey_folder(folder: str | Path) -> Survey:
    """Look through a folder and everything below it. Raises InputError when there is no such folder."""
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: {'a folder is needed, this is a file' if folder.exists() else 'no such folder'}")
    survey = Survey(folder)
    _look(folder, survey)
    _name_apart(survey)
    return survey


def _visible(folder: Path) -> list[Path]:
    return sorted((entry for entry in folder.iterdir() if not entry.name.startswith(".")), key=_natural)


def _natural(path: Path) -> list:
    return [int(part) if part.isdigit() else part.lower() for part in re.split(r"(\d+)", path.name)]


def _images_of(folder: Path) -> list[Path]:
    return [entry for entry in _visible(folder) if entry.suffix.lower() in IMAGE_SUFFIXES and entry.is_file()]


def _look(folder: Path, survey: Survey) -> None:
    """Add what one folder holds, and go on in those below it."""
    if folder.resolve() in survey.seen:
        return
    survey.seen.add(folder.resolve())
    if not os.access(folder, os.R_OK | os.X_OK):
        survey.not_used.append((folder, "this folder may not be read (permission denied)"))
        return
    if any((folder / mark).exists() for mark in ZARR_MARKS):
        _look_at_zarr(folder, survey)
        return
    if any((folder / table).is_file() for table in CTC_TABLES):
        survey.tracks += tracks_in(folder, survey.not_used)
        return
    images, entries = _images_of(folder), _visible(folder)
    if images and LABEL_FOLDER.fullmatch(folder.parent.name):
        survey.not_used.append((folder, "label images of the Cell Tracking Challenge without a table of tracks"))
        return
    _look_at_images(folder, images, survey)
    for entry in entries:
        if entry.suffix.lower() not in IMAGE_SUFFIXES and entry.is_file():
            _look_at_file(entry, survey)
    below = [entry for entry in entries if entry.is_dir()]
    if not images and (one := _one_recording_of(folder, below, survey)):
        _add(survey, *one)
        below = [entry for entry in below if not _images_of(entry)]
    for entry in below:
        _look(entry, survey)


def _look_at_file(file: Path, survey: Survey) -> None:
    if file.suffix.lower() in MICROSCOPE_SUFFIXES:
        _add(survey, file.stem, str(file), file, file, f"{file.suffix[1:].upper()} file", [])
    elif file.name not in SIDE_FILES:
        survey.tracks += tracks_in(file, survey.not_used)


def _look_at_zarr(folder: Path, survey: Survey) -> None:
    """An OME-Zarr image, a plate or collection of them, or a graph of tracks."""
    import zarr

    try:
        attributes = zarr.open_group(folder, mode="r").attrs.asdict()
    except Exception as error:  # a damaged store fails in many ways
        survey.not_used.append((folder, in_words(error, folder, "not readable as OME-Zarr").removeprefix(f"{folder}: ")))
        return
    ome = attributes.get("ome", attributes)
    if "geff" in attributes:
        survey.tracks += tracks_in(folder, survey.not_used)
    elif "multiscales" in ome:
        _add(survey, folder.name.removesuffix(".zarr").removesuffix(".ome"), str(folder), folder, folder, "OME-Zarr", [])
    else:
        inside = [entry for entry in _visible(folder) if entry.is_dir() and any((entry / mark).exists() for mark in ZARR_MARKS)]
        if not inside:
            survey.not_used.append((folder, "a zarr folder without an image (no multiscales) and without tracks (no geff)"))
        for entry in inside:
            _look(entry, survey)


def _look_at_images(folder: Path, images: list[Path], survey: Survey) -> None:
    """Sort the image files of a folder into stacks, each a recording, and frames."""
    stacks, frames = _stacks_and_frames(images)
    for group in group_files(_without_parts(stacks, survey), timed=False):
        _add_stacks(folder, group, survey)
    groups = group_files(frames)
    if planes := focal_planes(groups):
        survey.not_used.append((folder, f"several focal planes ({', '.join(planes)}): project them or choose one first"))
        return
    for group in groups:
        n_times = max(len(files) for files in group.files.values())
        if n_times == 1:
            survey.not_used.append((group.first, "a single image: a recording has several time points"))
        else:
            _add_frames(folder, group, alone=len(groups) == 1 and not stacks, survey=survey)


def _stacks_and_frames(images: list[Path]) -> tuple[list[Path], list[Path]]:
    """Files that hold several time points each, and files of one; of files with names alike the first is opened."""
    stacks, frames = [], []
    for group in group_files(images):
        files = [file for of_channel in group.files.values() for file in of_channel.values()]
        pages = _pages(group.first)
        whole = pages > 1 and not (len(files) >= MANY_FILES and pages <= FEW_PAGES)
        (stacks if whole else frames).extend(files)
    return stacks, frames


def _without_parts(stacks: list[Path], survey: Survey) -> list[Path]:
    """The files without those that belong to an OME-TIFF of several files, which is opened by its first."""
    kept, parts = [], {}
    for file in stacks:
        if file.name in parts:
            survey.not_used.append((file, f"a part of the OME-TIFF that begins with {parts[file.name]}"))
            continue
        kept.append(file)
        try:
            with tifffile.TiffFile(file) as tiff:
                names = set(re.findall(r'FileName="([^"]+)"', tiff.ome_metadata or ""))
        except Exception:  # it is told when the recording is opened
            names = set()
        parts |= dict.fromkeys(names - {file.name}, file.name)
    return kept


def _pages(file: Path) -> int:
    """How many images a file holds beside the channels that its metadata name; 1 for one that cannot be read."""
    if file.suffix.lower() in PNG_SUFFIXES:
        return 1
    try:
        with tifffile.TiffFile(file) as tiff:
            series = [one for one in tiff.series if not is_extra(one.keyframe)]
            lengths = [dict(zip(one.axes, one.shape, strict=True)) for one in series]
    except Exception:  # told with its reason when it is opened as a frame
        return 1
    inner = [length for axes in lengths for axis, length in axes.items() if axis in f"TZPM{UNNAMED_AXES}"]
    return max([len(series), *inner])


def _add_stacks(folder: Path, group: FileGroup, survey: Survey) -> None:
    files = {channel: next(iter(of_channel.values())) for channel, of_channel in group.files.items()}
    if not group.channels:
        file = files[""]
        _add(survey, re.sub(r"\.ome$", "", file.stem), str(file), file, file, _kind_of_stack(file), group.notes)
        return
    images = str(folder / f"{group.pattern}{group.suffix}")
    kind = f"{len(files)} multi-page TIFF files, one per channel"
    _add(survey, group.name or folder.name, images, folder, group.first, kind, group.notes, group.channels)


def _kind_of_stack(file: Path) -> str:
    try:
        with tifffile.TiffFile(file) as tiff:
            return "OME-TIFF" if tiff.is_ome else "ImageJ TIFF" if tiff.is_imagej else "multi-page TIFF"
    except Exception:  # it is told when the recording is opened
        return "TIFF"


def _add_frames(folder: Path, group: FileGroup, alone: bool, survey: Survey) -> None:
    """Files of one time point each: the folder itself where it is nothing else and the time comes last, else a pattern."""
    last = re.fullmatch(r".*\{time\}\D*", group.pattern) is not None
    whole = alone and last and not group.channels
    images = str(folder) if whole else str(folder / f"{group.pattern}{group.suffix}")
    name = _folder_name(folder, survey) if alone else group.name or folder.name
    kind = f"{group.suffix[1:].upper()} files, one per time point{' and channel' if group.channels else ''}"
    _add(survey, name, images, folder, group.first, kind, group.notes, group.channels, group.interval_min)


def _folder_name(folder: Path, survey: Survey) -> str:
    """The name of a folder, or of the one above where it says nothing (images, frames) and nothing else of this name is there."""
    inner = folder != survey.folder and folder.parent != survey.folder and PLAIN_NAME.fullmatch(folder.name)
    return folder.parent.name if inner else folder.resolve().name


def _one_recording_of(folder: Path, below: Sequence[Path], survey: Survey) -> tuple | None:
    """The arguments of :func:`_add` after the survey where subfolders are the channels, or the time points, of one recording; else None."""
    leaves = [entry for entry in below if _images_of(entry) and not any((entry / table).is_file() for table in CTC_TABLES)]
    if len(leaves) < 2:
        return None
    first = _images_of(leaves[0])
    names = [entry.name for entry in leaves]
    if all(map(is_time, names)) and len({re.sub(r"\d+", "", file.stem) for file in first}) == len(first):
        return _folders_of_times(folder, leaves, first, survey)
    if not _are_channels(folder, leaves, names, survey) or any(_holds_more(_images_of(leaf)[0]) for leaf in leaves):
        return None
    unknown = [name for name in names if not is_channel(name)]
    notes = [f"the folders {', '.join(names)} were taken for its channels"] if unknown else []
    kind = f"folder with a subfolder per channel, one {first[0].suffix[1:].upper()} file per time point"
    return _folder_name(folder, survey), str(folder), folder, first[0], kind, notes, names


def _holds_more(file: Path) -> bool:
    """Whether an image file holds more than one time point of one channel."""
    try:
        return _pages(file) > 1 or read_header(file).n_channels > 1
    except InputError:
        return False


def _are_channels(folder: Path, leaves: Sequence[Path], names: Sequence[str], survey: Survey) -> bool:
    """Whether subfolders with images are channels: by their names, or because a folder beside this one has the same subfolders."""
    if all(map(is_channel, names)):
        return True
    files = [{file.name for file in _images_of(leaf)} for leaf in leaves]
    mostly_alike = 2 * len(set.intersection(*files)) > max(map(len, files))  # a frame may be missing in one of them
    if any(map(is_channel, names)) and mostly_alike:
        return True
    siblings = [entry for entry in _visible(folder.parent) if entry.is_dir()] if folder != survey.folder else []
    alike = [entry for entry in siblings if [one.name for one in _visible(entry) if one.is_dir() and _images_of(one)] == names]
    return len(alike) > 1


def _folders_of_times(folder: Path, leaves: Sequence[Path], first: Sequence[Path], survey: Survey) -> tuple:
    word = re.sub(r"\d.*", "", leaves[0].name)
    channels = [file.stem for file in first] if len(first) > 1 else []
    images = folder / f"{word}{{time}}" / f"{'{channel}' if channels else first[0].stem}{first[0].suffix}"
    return _folder_name(folder, survey), str(images), folder, first[0], "folder per time point", [], channels


def _add(
    survey: Survey,
    name: str,
    images: str,
    place: Path,
    first: Path,
    kind: str,
    notes: Sequence[str],
    in_names: Sequence[str] = (),
    interval_min: float | None = None,
) -> None:
    """Open the images as a run would, and add the recording, or the reason why they do not open.

    ``first`` is the file whose metadata count; ``in_names`` are the channels that names of files or folders give.
    """
    metadata = recording_metadata(first, interval_min)
    found = list(in_names) or metadata.channels or []
    try:
        labels = found or _unnamed(first)
        channels = plain_names(labels)
        frames = open_frames(images, channels, labels)
    except Exception as error:  # one damaged file must not hide all others
        survey.not_used.append((place, in_words(error, place).removeprefix(f"{place}: ")))
        return
    renamed = labels if found and labels != channels else None
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_.-") or "recording"
    survey.recordings.append(
        FoundRecording(
            name, images, place, kind, channels, renamed, bool(found), frames.n_frames, frames.shape, str(frames.dtype), metadata, [*notes]
        )
    )


def _unnamed(first: Path) -> list[str]:
    """Names for the channels of images that do not name them: colours, or numbers."""
    n_channels = _n_channels(first)
    return COLOURS.get(n_channels, [f"channel_{number}" for number in range(1, n_channels + 1)])


def _n_channels(first: Path) -> int:
    if first.is_dir():
        import zarr

        group = zarr.open_group(first, mode="r")
        attributes = group.attrs.asdict()
        image = attributes.get("ome", attributes)["multiscales"][0]
        axes = [axis["name"].lower() for axis in image["axes"]]
        return group[image["datasets"][0]["path"]].shape[axes.index("c")] if "c" in axes else 1
    if first.suffix.lower() in MICROSCOPE_SUFFIXES:
        return 1  # they name their channels; where that cannot be read, opening says why
    if first.suffix.lower() in PNG_SUFFIXES or _pages(first) == 1:
        return read_header(first).n_channels
    with tifffile.TiffFile(first) as tiff:
        series = tiff.series[0]
        lengths = dict(zip(series.axes, series.shape, strict=True))
        return lengths.get("C", 1) if lengths.get("C", 1) > 1 else lengths.get("S", 1)


def plain_names(labels: Sequence[str]) -> list[str]:
    """Names of channels as the sheet allows them: letters, digits, '_' and '-', each once."""
    names: list[str] = []
    for label in labels:
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", label).strip("_") or "channel"
        names.append(name if name not in names else next(_numbered(name, names)))
    return names


def _numbered(name: str, taken: Sequence[str]) -> Iterator[str]:
    return (f"{name}_{number}" for number in range(2, len(taken) + 3) if f"{name}_{number}" not in taken)


def _name_apart(survey: Survey) -> None:
    """Put the folders in which they differ before the names of recordings of one name, or else a number behind them."""
    by_name: dict[str, list[FoundRecording]] = {}
    for recording in survey.recordings:
        by_name.setdefault(recording.name, []).append(recording)
    for group in [group for group in by_name.values() if len(group) > 1]:
        above = [recording.place.relative_to(survey.folder).parts for recording in group]
        common = set(above[0]).intersection(*above)
        for recording, parts in zip(group, above, strict=True):
            differing = [part for part in parts if part not in common and part != recording.name and part != Path(recording.images).name]
            recording.name = "_".join([*plain_names(differing), recording.name])
    taken: list[str] = []
    for recording in survey.recordings:
        if recording.name in taken:
            recording.name = next(_numbered(recording.name, taken))
        taken.append(recording.name)
