"""The frames of one recording: one image of all channels per time point, checked from headers and read one at a time.

A further file format is a further subclass of :class:`Frames` in ``FORMATS``.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import tifffile

from cellfate.errors import InputError

TIFF_SUFFIXES = (".tif", ".tiff")
PIXEL_TYPES = (np.dtype("uint8"), np.dtype("uint16"))
PHOTOMETRIC = (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR)
# where the channel axis is in tifffile's naming of a page: none, last (R, G, B interleaved) or first (planar)
CHANNEL_AXIS = {"YX": None, "YXS": 2, "SYX": 0}


class Frames(ABC):
    """One recording. ``shape`` is (height, width) in pixels, ``dtype`` uint8 or uint16, ``channels`` the channels' names in order."""

    path: Path
    channels: tuple[str, ...]
    n_frames: int
    shape: tuple[int, int]
    dtype: np.dtype

    @classmethod
    @abstractmethod
    def accepts(cls, path: Path) -> bool:
        """Whether ``path`` looks like this format."""

    @abstractmethod
    def read(self, t: int) -> np.ndarray:
        """Frame ``t`` (0-based) as an array (channels, height, width)."""

    @abstractmethod
    def check(self) -> None:
        """Raise an InputError when a frame is missing, damaged or unlike the others. Reads headers only."""


@dataclass(frozen=True)
class Header:
    """What a TIFF file says about its image."""

    shape: tuple[int, int]
    dtype: np.dtype
    n_channels: int


class TiffFolder(Frames):
    """A folder with one TIFF file per time point, ordered by the last number in the file names.

    An image has one channel or, interleaved (H, W, C) or planar (C, H, W), several: in the order red, green, blue for
    colour images. Hidden files and files of other kinds are left out. Raises InputError for a folder without TIFF files,
    for names whose order is not clear and for a first file that is not as it should be.
    """

    def __init__(self, path: str | Path, channels: Sequence[str]) -> None:
        self.path = Path(path)
        self.channels = tuple(channels)
        self.files = _in_order(_tiff_files(self.path))
        self.n_frames = len(self.files)
        first = self._header(self.files[0])
        self.shape, self.dtype = first.shape, first.dtype

    @classmethod
    def accepts(cls, path: Path) -> bool:
        return path.is_dir()

    def read(self, t: int) -> np.ndarray:
        if not 0 <= t < self.n_frames:
            raise InputError(f"{self.path}: frame {t} asked for, the recording has the frames 0 to {self.n_frames - 1}")
        file = self.files[t]
        self._expect_like_first(file, self._header(file))
        try:
            with tifffile.TiffFile(file) as tiff:
                page = tiff.pages.first
                axis = CHANNEL_AXIS[page.axes]
                image = page.asarray(maxworkers=1)
            image = image[np.newaxis] if axis is None else np.moveaxis(image, axis, 0)
        except Exception as error:  # decoders raise many kinds, all mean that the pixels cannot be had
            raise InputError(f"{file}: the image cannot be decoded, the file is damaged: {error}") from error
        expected = (len(self.channels), *self.shape)
        if image.shape != expected or image.dtype.newbyteorder("=") != self.dtype:
            raise InputError(f"{file}: decoded to {image.shape} {image.dtype}, {expected} {self.dtype} is expected")
        return np.ascontiguousarray(image, self.dtype)

    def check(self) -> None:
        _check_steps(self.files)
        for file in self.files:
            self._expect_like_first(file, self._header(file))

    def _header(self, file: Path) -> Header:
        header = read_header(file)
        if header.n_channels != len(self.channels):
            names = ", ".join(self.channels)
            raise InputError(f"{file}: {header.n_channels} channel(s) found, {len(self.channels)} expected ({names})")
        return header

    def _expect_like_first(self, file: Path, header: Header) -> None:
        first = self.files[0].name
        if header.shape != self.shape:
            raise InputError(f"{file}: {_size(header.shape)} pixels found, {_size(self.shape)} expected as in {first}")
        if header.dtype != self.dtype:
            raise InputError(f"{file}: pixel type {header.dtype} found, {self.dtype} expected as in {first}")


FORMATS: tuple[type[Frames], ...] = (TiffFolder,)


def open_frames(images: str | Path, channels: Sequence[str]) -> Frames:
    """Open the frames of one recording.

    ``images`` is a folder of TIFF files, ``channels`` names the channels in the order in which the files hold them. Only
    the first header is read here; :meth:`Frames.check` looks at all of them.
    """
    path = Path(images)
    if not path.exists():
        raise InputError(f"{path}: no such folder of images")
    for kind in FORMATS:
        if kind.accepts(path):
            return kind(path, channels)
    raise InputError(f"{path}: a file was found, a folder with one TIFF file per time point is expected")


def read_header(file: str | Path) -> Header:
    """Size, pixel type and number of channels of a TIFF file's image, without decoding it.

    Raises InputError when the file is not a TIFF, is cut short (a strip or tile ends behind the end of the file), holds
    several images, or is not a plain 8 or 16 bit unsigned image.
    """
    file = Path(file)
    try:
        with tifffile.TiffFile(file) as tiff:
            page = tiff.pages.first
            _check_page(file, page)
            if len(tiff.pages) > 1 and not tiff.pages[1].is_reduced:
                raise InputError(f"{file}: {len(tiff.pages)} images found in the file, one per time point expected")
            _check_extent(file, page, tiff.filehandle.size)
            n_channels = 1 if CHANNEL_AXIS[page.axes] is None else page.shape[CHANNEL_AXIS[page.axes]]
            return Header((page.imagelength, page.imagewidth), np.dtype(page.dtype).newbyteorder("="), n_channels)
    except InputError:
        raise
    except Exception as error:  # a damaged header makes the parser fail in many ways
        raise InputError(f"{file}: not readable as TIFF, the file is damaged or of another kind: {error}") from error


def _check_page(file: Path, page: tifffile.TiffPage) -> None:
    if page.dtype is None or np.dtype(page.dtype).newbyteorder("=") not in PIXEL_TYPES:
        found = f"{page.bitspersample} bit, sample format {getattr(page.sampleformat, 'name', page.sampleformat)}"
        raise InputError(f"{file}: pixel type {page.dtype} found ({found}), 8 or 16 bit unsigned expected")
    if page.axes not in CHANNEL_AXIS or page.size == 0:
        raise InputError(f"{file}: an image with the axes {page.axes} {page.shape} found, one plane per channel expected")
    if page.photometric not in PHOTOMETRIC:
        found = getattr(page.photometric, "name", page.photometric)
        raise InputError(f"{file}: photometric interpretation {found} found, MINISBLACK or RGB expected")


def _check_extent(file: Path, page: tifffile.TiffPage, file_size: int) -> None:
    """Compare where the header says that the pixels are with the size of the file, both in bytes."""
    offsets, counts = page.dataoffsets, page.databytecounts
    expected = prod(page.chunked)
    if min(len(offsets), len(counts)) < expected:
        raise InputError(f"{file}: truncated or damaged: {min(len(offsets), len(counts))} strips or tiles found, {expected} expected")
    end = max(offset + count for offset, count in zip(offsets, counts, strict=False))
    if end > file_size:
        raise InputError(f"{file}: truncated: {file_size} bytes found, at least {end} expected")
    if min(offsets) == 0 or min(counts) == 0:
        raise InputError(f"{file}: strip or tile {np.argmin(np.minimum(offsets, counts))} is empty: written in part only")
    plain = page.compression == tifffile.COMPRESSION.NONE and page.bitspersample == 8 * np.dtype(page.dtype).itemsize
    if plain and sum(counts) < page.nbytes:
        raise InputError(f"{file}: {sum(counts)} bytes of pixels found, {page.nbytes} expected")


def _tiff_files(folder: Path) -> list[Path]:
    visible = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    files = [entry for entry in visible if entry.suffix.lower() in TIFF_SUFFIXES and entry.is_file()]
    if not files:
        shown = ", ".join(entry.name for entry in visible[:5]) + (f" and {len(visible) - 5} more" if len(visible) > 5 else "")
        raise InputError(f"{folder}: no TIFF file in this folder; found {shown or 'nothing'}, expected one .tif or .tiff per time point")
    return files


def _number(file: Path) -> re.Match | None:
    """The last number in the name, without the ending."""
    return re.search(r"\d+(?=\D*$)", file.stem)


def _in_order(files: list[Path]) -> list[Path]:
    if len(files) == 1:
        return files
    numbered: dict[int, Path] = {}
    for file in files:
        match = _number(file)
        if match is None:
            raise InputError(f"{file}: no number in the file's name, so its time point is not known")
        twin = numbered.setdefault(int(match[0]), file)
        if twin is not file:
            raise InputError(
                f"{file}: the last number in the name is {int(match[0])}, as in {twin.name}; "
                "expected one file per time point, with the time point as the last number"
            )
    return [numbered[number] for number in sorted(numbered)]


def _check_steps(files: list[Path]) -> None:
    """The numbers in the names go in constant steps (1, 2, 3 or 1, 6, 11); where they do not, a frame is missing."""
    if len(files) < 3:
        return
    numbers = np.array([int(_number(file)[0]) for file in files])
    steps = np.diff(numbers)
    values, counts = np.unique(steps, return_counts=True)
    step = int(values[counts.argmax()])
    for i in np.flatnonzero(steps != step):
        before, after = files[i], files[i + 1]
        match = _number(before)
        wanted = before.with_name(f"{before.stem[: match.start()]}{numbers[i] + step:0{len(match[0])}d}{before.name[match.end() :]}")
        raise InputError(
            f"{wanted}: this frame is missing: {before.name} is followed by {after.name}, a step of {steps[i]} where {step} is expected"
        )


def _size(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]}"
