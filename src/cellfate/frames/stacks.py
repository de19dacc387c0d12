"""Recordings in one TIFF file of many pages: OME-TIFF, ImageJ hyperstacks and plain multi-page files."""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import tifffile

from cellfate.base.errors import InputError
from cellfate.frames.image import CHANNEL_AXIS, check_extent, check_page, is_extra
from cellfate.frames.reader import SAY_AXES, Frames, pick_channels, pixel_type, time_and_channel


class TiffStack(Frames):
    """A TIFF file with all time points and channels, one page each, in any order of the axes.

    The axes are those that OME or ImageJ metadata give; pages without such metadata are the time points of one channel, or of
    the colours of a page. Channels are found by the names in OME metadata, else taken in the file's order. The file stays open.
    Raises InputError for a file that is cut short, has several series of images, focal planes or other axes.
    """

    def __init__(self, path: str | Path, channels: Sequence[str], labels: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        self.channels = tuple(channels)
        with _in_words(self.path):
            self._tiff = tifffile.TiffFile(self.path)
            _check_chain(self._tiff, self.path)
            self._series = _only_series(self._tiff, self.path)
            self._first = self._series.keyframe
            check_page(self.path, self._first)
            axes, shape = self._series.axes, self._series.shape
            time, channel = time_and_channel(axes, shape, self.path)
            if not axes.endswith(self._first.axes):
                raise InputError(f"{self.path}: pages with the axes {self._first.axes} in an image with the axes {axes}; {SAY_AXES}")
        self._axes, self._lengths = axes, dict(zip(axes, shape, strict=True))
        self._time, self._channel = time, channel
        self.n_frames = self._lengths.get(time, 1)
        n_found = self._lengths.get(channel, 1)
        if n_found == 1 and len(channels) > 1:
            raise InputError(f"{self.path}: 1 channel found (axes {axes} {shape}), {len(channels)} expected; {SAY_AXES}")
        names = _ome_channel_names(self._tiff) if self._tiff.is_ome else None
        self._chosen = pick_channels(names, n_found, channels, labels, self.path)
        self.shape = (self._first.imagelength, self._first.imagewidth)
        self.dtype = pixel_type(self._first.dtype, self.path)

    def read(self, t: int) -> np.ndarray:
        self.refuse_outside(t)
        if self._channel == "S":
            image = self._page(t, 0)
            return np.ascontiguousarray(np.moveaxis(image, CHANNEL_AXIS[self._first.axes], 0)[self._chosen], self.dtype)
        image = np.empty((len(self._chosen), *self.shape), self.dtype)
        for plane, c in zip(image, self._chosen, strict=True):
            plane[:] = self._page(t, c).reshape(self.shape)
        return image

    def check(self) -> None:
        """Look at the header of every page, of the channels that are not wanted too."""
        if self._virtual:
            end = self._series.dataoffset + prod(self._series.shape) * self._first.dtype.itemsize
            if end > self._tiff.filehandle.size:
                raise InputError(f"{self.path}: truncated: {self._tiff.filehandle.size} bytes found, at least {end} expected")
            return
        pages = 1 if self._channel == "S" else self._lengths.get(self._channel, 1)
        for t in range(self.n_frames):
            for c in range(pages):
                with _in_words(self._where(t, c)):
                    self._check_page(t, c)

    def _check_page(self, t: int, c: int) -> None:
        frame = self._series.pages[self._index(t, c)]
        if frame is None:
            raise InputError(f"{self._where(t, c)}: this image is missing in the file")
        page = frame.parent.pages.get(frame.index, aspage=True)
        for what, found, expected in (
            ("pixels", (page.imagelength, page.imagewidth), self.shape),
            ("pixel type", np.dtype(page.dtype).newbyteorder("="), self.dtype),
            ("axes", page.axes, self._first.axes),
        ):
            if found != expected:
                raise InputError(f"{self._where(t, c)}: {what} {found} found, {expected} expected as in page 0")
        check_extent(self._where(t, c), page, page.parent.filehandle.size)

    @property
    def _virtual(self) -> bool:
        """Whether one page stands for all of them, as in ImageJ files above 4 GB."""
        return len(self._series.pages) == 1 and prod(self._series.shape) > prod(self._first.shape)

    def _index(self, t: int, c: int) -> int:
        """The number of the page of a time point and channel within the series, from the order of its axes."""
        leading = self._axes[: -len(self._first.axes)]
        place = [t if axis == self._time else c if axis == self._channel else 0 for axis in leading]
        return int(np.ravel_multi_index(place, [self._lengths[axis] for axis in leading])) if leading else 0

    def _page(self, t: int, c: int) -> np.ndarray:
        index = self._index(t, c)
        with _in_words(self._where(t, c), "the image cannot be decoded, the file is damaged"):
            if self._virtual:
                offset = self._series.dataoffset + index * prod(self._first.shape) * self._first.dtype.itemsize
                dtype = self._tiff.byteorder + self._first.dtype.char
                self._tiff.filehandle.seek(offset)
                return self._tiff.filehandle.read_array(dtype, prod(self._first.shape)).reshape(self._first.shape)
            page = self._series.pages[index]
            if page is None:
                raise InputError(f"{self._where(t, c)}: this image is missing in the file")
            image = page.asarray(maxworkers=1)
            if image.shape != self._first.shape:
                raise InputError(f"{self._where(t, c)}: decoded to {image.shape}, {self._first.shape} is expected")
            return image

    def _where(self, t: int, c: int) -> str:
        name = f" of channel {c}" if self._channel == "C" else ""
        return f"{self.path}: time point {t}{name} (page {self._index(t, c)})"


def _only_series(tiff: tifffile.TiffFile, path: Path) -> tifffile.TiffPageSeries:
    _check_likeness(tiff, path)
    series = [one for one in tiff.series if not is_extra(one.keyframe)]
    if not series:
        raise InputError(f"{path}: no image found in the file")
    if len(series) > 1:
        shown = "; ".join(f"{one.axes} {one.shape} {one.dtype} from page {one.keyframe.index} on" for one in series[:3])
        raise InputError(f"{path}: {len(series)} series of images found ({shown}), one expected: all pages alike, one position per file")
    return series[0]


def _check_likeness(tiff: tifffile.TiffFile, path: Path) -> None:
    """Raise an InputError that names the first page unlike page 0, where the parser cannot sort the pages into series."""
    try:
        _ = tiff.series
    except RuntimeError:
        first = tiff.pages.first
        for index in range(1, len(tiff.pages)):
            page = tiff.pages.get(index, aspage=True)
            if (page.shape, page.dtype) != (first.shape, first.dtype):
                found, expected = (f"{one.shape} {one.dtype}" for one in (page, first))
                raise InputError(f"{path}: page {index} is {found}, page 0 {expected}; all pages alike expected") from None
        raise


def _check_chain(tiff: tifffile.TiffFile, path: Path) -> None:
    """Each page of a TIFF says where the next one is, the last says 0. Raise an InputError where that leads out of the file.

    The parser itself would take what is there, and a file that is cut short would seem to be a shorter recording.
    """
    layout, stream, size = tiff.tiff, tiff.filehandle, tiff.filehandle.size
    stream.seek(4 if layout.offsetsize == 4 else 8)
    offset, seen = struct.unpack(layout.offsetformat, stream.read(layout.offsetsize))[0], set()
    while offset:
        stream.seek(offset)
        raw = stream.read(layout.tagnosize) if offset < size and offset not in seen else b""
        if len(raw) == layout.tagnosize:
            seen.add(offset)
            stream.seek(offset + layout.tagnosize + struct.unpack(layout.tagnoformat, raw)[0] * layout.tagsize)
            raw = stream.read(layout.offsetsize)
        if len(raw) < layout.offsetsize:
            raise InputError(f"{path}: truncated or damaged: {len(seen)} whole pages found in {size} bytes, a further one is announced")
        offset = struct.unpack(layout.offsetformat, raw)[0]


def _ome_channel_names(tiff: tifffile.TiffFile) -> list[str]:
    """The names of the channels of the first image in OME metadata; '' for a channel without."""
    image = next(element for element in ElementTree.fromstring(tiff.ome_metadata).iter() if element.tag.endswith("}Image"))
    return [element.get("Name", "") for element in image.iter() if element.tag.endswith("}Channel")]


@contextmanager
def _in_words(where: str | Path, problem: str = "not readable as TIFF, the file is damaged or of another kind") -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # a damaged file makes the parser and the decoders fail in many ways
        raise InputError(f"{where}: {problem}: {error}") from error
