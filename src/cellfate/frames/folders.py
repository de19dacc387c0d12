"""Recordings in one image file per time point, or per time point and channel."""

import glob
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from cellfate.base.errors import InputError
from cellfate.base.names import OF_ZARR, is_of_system
from cellfate.frames.colours import ColourChoice
from cellfate.frames.image import IMAGE_SUFFIXES, TIFF_SUFFIXES, Header, decode, read_header
from cellfate.frames.reader import Frames

# a time point in a name: a number, or days, hours and minutes as an Incucyte writes them
TIME = r"\d+d\d+h\d+m|\d+"
FIRST_TIMES = (0, 1)  # programs count images from one of them, clocks from 0
CLOCK = re.compile(r"(\d+)d(\d+)h(\d+)m")


@dataclass(frozen=True)
class TimedFile:
    """An image file and the time point in its name, which starts at ``start`` of ``str(path)``."""

    path: Path
    text: str
    start: int

    @property
    def time(self) -> int:
        """The number in the name; minutes where the name has days, hours and minutes."""
        clock = CLOCK.fullmatch(self.text)
        if clock is None:
            return int(self.text)
        days, hours, minutes = map(int, clock.groups())
        return (24 * days + hours) * 60 + minutes

    def at(self, time: int) -> Path:
        """The path that the file of another time point would have."""
        name = str(self.path)
        clock = CLOCK.fullmatch(self.text)
        if clock is None:
            text = f"{time:0{len(self.text)}d}"
        else:
            parts = (time // 1440, time // 60 % 24, time % 60)
            text = "".join(f"{part:0{len(like)}d}{unit}" for part, like, unit in zip(parts, clock.groups(), "dhm", strict=True))
        return Path(name[: self.start] + text + name[self.start + len(self.text) :])


class FrameFiles(Frames):
    """One TIFF or PNG file per time point: ``files`` by the time in their names, or a single file without.

    An image has one channel or, interleaved (H, W, C) or planar (C, H, W), several: in the order red, green, blue for
    colour images. Where the first time point is neither 0 nor 1 a note says so, unless ``says_start`` is false: another channel
    says it. Raises InputError for a first file that is not as it should be.
    """

    says_start = True

    def __init__(self, path: str | Path, channels: Sequence[str], files: Mapping[int, TimedFile] | Path) -> None:
        self.path = Path(path)
        self.channels = tuple(channels)
        self.timed = {} if isinstance(files, Path) else dict(sorted(files.items()))
        self.files = [files] if isinstance(files, Path) else [file.path for file in self.timed.values()]
        self.n_frames = len(self.files)
        first = read_header(self.files[0])
        self.shape, self.dtype, self._n_found = first.shape, first.dtype, first.n_channels
        self._colours: ColourChoice | None = None
        self._expect_like_first(self.files[0], first)

    def settle(self) -> None:
        if len(self.channels) < self._n_found:
            places = sorted({0, self.n_frames // 2, self.n_frames - 1})
            images = (decode(self.files[t], partial(self._expect_like_first, self.files[t])) for t in places)
            self._colours = ColourChoice(images, self.channels, self._n_found, self.files[0])
            self.notes.append(self._colours.note)
        first = next(iter(self.timed.values()), None)
        if first is not None and self.says_start and self.n_frames > 1 and first.time not in FIRST_TIMES:
            self.notes.append(
                f"{first.path}: the first image is time point {first.text} and counts as frame 0: are images missing at the start?"
            )

    def read(self, t: int) -> np.ndarray:
        self.refuse_outside(t)
        file = self.files[t]
        image = decode(file, partial(self._expect_like_first, file))
        expected = (self._n_found, *self.shape)
        if image.shape != expected or image.dtype.newbyteorder("=") != self.dtype:
            raise InputError(f"{file}: decoded to {image.shape} {image.dtype}, {expected} {self.dtype} is expected")
        image = image.astype(self.dtype, copy=False)
        return image if self._colours is None else self._colours.of(image, file)

    def where(self, t: int) -> str:
        return str(self.files[t])

    def check(self) -> None:
        _check_steps(list(self.timed.values())[: self.n_frames])
        for file in self.files[: self.n_frames]:
            self._expect_like_first(file, read_header(file))

    def _expect_like_first(self, file: Path, header: Header) -> None:
        first, names = self.files[0].name, ", ".join(self.channels)
        if header.n_channels < len(self.channels):
            raise InputError(f"{file}: {header.n_channels} channel(s) found, {len(self.channels)} expected ({names})")
        if header.n_channels != self._n_found:
            raise InputError(f"{file}: {header.n_channels} channel(s) found, {self._n_found} expected ({names}) as in {first}")
        if header.shape != self.shape:
            raise InputError(f"{file}: {_size(header.shape)} pixels found, {_size(self.shape)} expected as in {first}")
        if header.dtype != self.dtype:
            raise InputError(f"{file}: pixel type {header.dtype} found, {self.dtype} expected as in {first}")


class FrameFolder(FrameFiles):
    """A folder with one TIFF or PNG file per time point, ordered by the last number in the file names.

    Hidden files and files of other kinds are left out. Raises InputError for a folder without images, with both kinds of
    images, and for names whose order is not clear.
    """

    def __init__(self, path: str | Path, channels: Sequence[str]) -> None:
        super().__init__(path, channels, _in_order(_image_files(Path(path))))


class JoinedChannels(Frames):
    """One channel from each of ``parts``, which have the same frames.

    ``dtype`` is the widest: counts of an 8 bit channel beside a 16 bit one stay what they are. Raises InputError where the parts
    differ in size, in their number of frames or in their time points.
    """

    def __init__(self, path: str | Path, channels: Sequence[str], parts: Sequence[Frames]) -> None:
        self.path = Path(path)
        self.channels = tuple(channels)
        self.parts = list(parts)
        first = self.parts[0]
        for part in self.parts[1:]:
            if isinstance(part, FrameFiles):
                part.says_start = False  # all have the same times
        for part in self.parts:
            if part.shape != first.shape:
                raise InputError(f"{part.path}: {_size(part.shape)} pixels found, {_size(first.shape)} expected as in {first.path}")
        self.n_frames, self.shape = first.n_frames, first.shape
        self.dtype = np.result_type(*(part.dtype for part in self.parts))

    def settle(self) -> None:
        first = self.parts[0]
        for part in self.parts:
            part.settle()
        _check_same_times(self.parts)
        for part in self.parts:
            if part.n_frames != first.n_frames:
                end = min(part.n_frames, first.n_frames) - 1
                raise InputError(
                    f"{part.path}: {part.n_frames} time points found, {first.n_frames} expected as in {first.path}. To use those that both "
                    f"have, put {end} into the column last_image of the sheet"
                )

    def read(self, t: int) -> np.ndarray:
        image = np.empty((len(self.parts), *self.shape), self.dtype)
        for plane, part in zip(image, self.parts, strict=True):
            plane[:] = part.read(t)[0]
        return image

    def check(self) -> None:
        for part in self.parts:
            part.check()

    @property
    def notes(self) -> list[str]:
        return [note for part in self.parts for note in part.notes]

    def where(self, t: int) -> str:
        return self.parts[0].where(t)

    def leave_out_after(self, last_image: int) -> None:
        for part in self.parts:
            part.leave_out_after(last_image)
        self.n_frames = last_image + 1


class ChannelFolders(JoinedChannels):
    """A folder with one subfolder per channel, named after it; in each one image per time point."""

    def __init__(self, path: str | Path, channels: Sequence[str], labels: Sequence[str] | None = None) -> None:
        path = Path(path)
        folders = [name for name in _visible(path) if (path / name).is_dir()]
        for label in labels or channels:
            if label not in folders:
                raise InputError(
                    f"{path}: no subfolder named {label!r} for a channel; found: {', '.join(folders)}. Give these names in the sheet, in "
                    "channels or, to keep other names, in channel_labels"
                )
        super().__init__(
            path, channels, [FrameFolder(path / label, [name]) for label, name in zip(labels or channels, channels, strict=True)]
        )


def open_folder(path: Path, channels: Sequence[str], labels: Sequence[str] | None) -> Frames:
    """A folder of images, or of one subfolder per channel where it has no image itself."""
    by_channel = not _images_in(path) and any(_images_in(path / name) for name in _visible(path) if (path / name).is_dir())
    return ChannelFolders(path, channels, labels) if by_channel else FrameFolder(path, channels)


def open_files(pattern: str | Path, channels: Sequence[str], labels: Sequence[str]) -> Frames:
    """The files of a pattern with {time} and, where each has one channel, {channel}."""
    pattern = str(pattern)
    if "{channel}" not in pattern:
        return FrameFiles(pattern, channels, files_by_time(pattern, None))
    pairs = zip(labels, channels, strict=True)
    parts = [FrameFiles(pattern.replace("{channel}", label), [name], files_by_time(pattern, label)) for label, name in pairs]
    return JoinedChannels(pattern, channels, parts)


def files_by_time(pattern: str, label: str | None) -> dict[int, TimedFile]:
    """The files of a pattern ``.../{channel}_t{time}.tif`` for one channel, by time. Raises InputError where there are none.

    ``label`` stands for {channel}; None where the pattern has none.
    """
    found: dict[int, TimedFile] = {}
    expression = _expression(pattern, None if label is None else re.escape(label))
    for path in _candidates(pattern):
        match = expression.fullmatch(path)
        if match is None:
            continue
        file = TimedFile(Path(path), match["time"], match.start("time"))
        twin = found.setdefault(file.time, file)
        if twin is not file:
            raise InputError(f"{path}: time point {file.time}, as in {twin.path.name}; expected one file per time point and channel")
    if not found:
        what = "no file" if label is None else f"no file of a channel {label!r}"
        raise InputError(f"{pattern}: {what} with this name; {_what_is_there(pattern)}")
    return found


def _what_is_there(pattern: str) -> str:
    """The channels that the files fitting a pattern have, or the files that are there."""
    paths = _candidates(pattern)
    if "{channel}" in pattern:
        expression = _expression(pattern, r"[^/]+?")
        counts: dict[str, int] = {}
        for path in paths:
            if match := expression.fullmatch(path):
                counts[match["channel"]] = counts.get(match["channel"], 0) + 1
        if counts:
            shown = ", ".join(f"{name} ({count} file{'s' * (count > 1)})" for name, count in sorted(counts.items()))
            return f"channels found: {shown}. Give these names in the sheet, in channels or, to keep other names, in channel_labels"
    folder = Path(pattern.split("{")[0] + "x").parent
    return f"found in {folder}: {_shown(_visible(folder))}" if folder.is_dir() else f"there is no folder {folder}"


def _candidates(pattern: str) -> list[str]:
    """Every visible path that fits the pattern with anything in place of its {channel} and {time}."""
    parts = re.split(r"\{channel\}|\{time\}", pattern)
    return sorted(glob.glob("*".join(glob.escape(part) for part in parts)))


def _expression(pattern: str, channel: str | None) -> re.Pattern:
    groups = {"{time}": f"(?P<time>{TIME})", "{channel}": f"(?P<channel>{channel})"}
    return re.compile("".join(groups.get(part, re.escape(part)) for part in re.split(r"(\{channel\}|\{time\})", pattern)))


def _check_same_times(parts: Sequence[Frames]) -> None:
    """Raise an InputError that names the missing file where a channel has a time point that another has not."""
    timed = {part: dict(islice(part.timed.items(), part.n_frames)) for part in parts if isinstance(part, FrameFiles)}
    times = sorted(set().union(*timed.values()))
    for time in times:
        for part, files in timed.items():
            if time not in files and files:
                there = next(other[time] for other in timed.values() if time in other)
                missing = next(iter(files.values())).at(time)
                end = _way_out(files, sum(later >= time for later in times)) if time > max(files) else ""
                raise InputError(f"{missing}: this frame of channel {part.channels[0]} is missing: {there.path.name} is there{end}")


def _way_out(files: Mapping[int, TimedFile], n_later: int) -> str:
    """What to do where a channel ends before others, as the end of a sentence."""
    times = f"{n_later} time point{'s' * (n_later > 1)}"
    return f"; this channel ends {times} before. To use those that all have, put {len(files) - 1} into the column last_image of the sheet"


def _images_in(folder: Path) -> list[Path]:
    return [folder / name for name in _visible(folder) if Path(name).suffix.lower() in IMAGE_SUFFIXES and (folder / name).is_file()]


def _visible(folder: Path) -> list[str]:
    """What is in a folder, without what file browsers leave there."""
    return sorted(entry.name for entry in folder.iterdir() if not is_of_system(entry.name))


def _image_files(folder: Path) -> list[Path]:
    files = _images_in(folder)
    if not files:
        if folder.suffix.lower() == ".zarr" or any((folder / name).exists() for name in OF_ZARR):
            raise InputError(f"{folder}: no OME-Zarr: neither .zattrs nor zarr.json is in this folder; found {_shown(_visible(folder))}")
        raise InputError(
            f"{folder}: no TIFF or PNG file in this folder; found {_shown(_visible(folder))}, expected one per time point. A file that "
            "holds a whole recording (TIFF, ND2, CZI, OME-Zarr) is named itself in the sheet"
        )
    tiffs = [file for file in files if file.suffix.lower() in TIFF_SUFFIXES]
    if tiffs and len(tiffs) < len(files):
        raise InputError(f"{folder}: {len(tiffs)} TIFF and {len(files) - len(tiffs)} PNG files found, one kind expected")
    return files


def _shown(names: list[str]) -> str:
    return (", ".join(names[:5]) or "nothing") + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _in_order(files: list[Path]) -> dict[int, TimedFile] | Path:
    numbered: dict[int, TimedFile] = {}
    for path in files:
        match = re.search(rf"(?:{TIME})(?=\D*$)", path.stem)
        if match is None and len(files) == 1:
            return path
        if match is None:
            raise InputError(f"{path}: no number in the file's name, so its time point is not known; expected names such as t001.tif")
        file = TimedFile(path, match[0], len(str(path)) - len(path.name) + match.start())
        twin = numbered.setdefault(file.time, file)
        if twin is not file:
            raise InputError(
                f"{path}: the last number in the name is {file.text}, as in {twin.path.name}; expected one file per time point, with the "
                "time point as the last number. Where a file holds one channel, or the time stands elsewhere, give images as a pattern, "
                "such as folder/{channel}_t{time}.tif"
            )
    return numbered


def _check_steps(files: list[TimedFile]) -> None:
    """The time points in the names go in constant steps (1, 2, 3 or 1, 6, 11); where they do not, a frame is missing."""
    if len(files) < 3:
        return
    times = np.array([file.time for file in files])
    steps = np.diff(times)
    values, counts = np.unique(steps, return_counts=True)
    step = int(values[counts.argmax()])
    for i in np.flatnonzero(steps != step):
        before, after = files[i].path.name, files[i + 1].path.name
        if steps[i] % step:
            unit = " minutes" if CLOCK.fullmatch(files[i].text) else ""
            raise InputError(
                f"{files[i + 1].path}: the time points do not come in constant steps: from {before} to {after} it is {steps[i]}{unit}, "
                f"elsewhere {step}{unit}. Steps that are to count as equal need equal numbers in the names"
            )
        raise InputError(
            f"{files[i].at(int(times[i]) + step)}: this frame is missing: {before} is followed by {after}, "
            f"a step of {steps[i]} where {step} is expected"
        )


def _size(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]}"
