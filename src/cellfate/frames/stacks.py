"""Recordings in one TIFF file of many pages: OME-TIFF, ImageJ hyperstacks and plain multi-page files."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np
import tifffile

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError
from cellfate.frames.colours import ColourChoice
from cellfate.frames.image import CHANNEL_AXIS, TIFF_SUFFIXES, check_extent, check_page, is_extra
from cellfate.frames.ome_planes import OmePlanes, check_chain, counts_disagree
from cellfate.frames.reader import SAY_AXES, Frames, pick_channels, pixel_type, time_and_channel

ROOT = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:\w+:)?OME\b", re.DOTALL)
CLAIMED = {  # tifffile's kinds of metadata that give the axes, in the order in which it tries them
    "shaped": "tifffile's own",
    "lsm": "Zeiss LSM",
    "mmstack": "Micro-Manager's",
    "imagej": "ImageJ's",
    "ndtiff": "NDTiff",
    "fluoview": "FluoView",
    "stk": "MetaMorph STK",
    "sis": "Olympus SIS",
    "nih": "NIH Image",
}


class TiffStack(Frames):
    """A TIFF file with all time points and channels, one page each, in any order of the axes.

    The axes are those that OME or ImageJ metadata give; pages without such metadata are the time points of one channel, or of
    the colours of a page. Channels are found by the names in OME metadata, else taken in the file's order. The file stays open.
    Raises InputError for a file that is cut short, has several series of images, focal planes or other axes.
    """

    def __init__(self, path: str | Path, channels: Sequence[str], labels: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        self.channels = tuple(channels)
        self._planes: OmePlanes | None = None
        names = None
        with _in_words(self.path):
            if _is_ome(self.path):
                self._planes = planes = OmePlanes(self.path, len(channels))
                self._first, axes, shape, names = planes.first, planes.axes, planes.shape, planes.names
            else:
                self._tiff = tifffile.TiffFile(self.path, _multifile=False)
                check_chain(self._tiff, self.path)
                self._series = _only_series(self._tiff, self.path, len(channels))
                self._first, axes, shape = self._series.keyframe, self._series.axes, self._series.shape
            check_page(self.path, self._first)
            time, channel = time_and_channel(axes, shape, self.path)
            if not axes.endswith(self._first.axes):
                raise InputError(f"{self.path}: pages with the axes {self._first.axes} in an image with the axes {axes}; {SAY_AXES}")
        self._axes, self._lengths = axes, dict(zip(axes, shape, strict=True))
        self._time, self._channel = time, channel
        self.n_frames = self._lengths.get(time, 1)
        if self._planes is None:
            self._expect_all_pages()
        n_found = self._lengths.get(channel, 1)
        if n_found == 1 and len(channels) > 1:
            raise InputError(
                f"{self.path}: 1 channel found (axes {axes} {shape}), {len(channels)} expected ({', '.join(channels)}): save them all in "
                "one OME-TIFF or ImageJ hyperstack, or each in a file of its own, with {channel} in the path"
            )
        self.shape = (self._first.imagelength, self._first.imagewidth)
        self.dtype = pixel_type(self._first.dtype, self.path)
        own = [] if self._planes is None else self._planes.own_channels
        self._colours: ColourChoice | None = None
        if channel == "S" and len(channels) < n_found:
            self._chosen = list(range(n_found))  # until :meth:`settle`
        elif labels is None and len(own) == len(channels) < n_found:
            self._chosen = own  # one file a channel: the name of the file says which
        else:
            self._chosen = pick_channels(None if channel == "S" else names, n_found, channels, labels, self.path)

    def settle(self) -> None:
        if self._channel == "S" and len(self.channels) < len(self._chosen):
            samples = (self._colour_image(t) for t in sorted({0, self.n_frames // 2, self.n_frames - 1}))
            self._colours = ColourChoice(samples, self.channels, len(self._chosen), self.path)
            self.notes.append(self._colours.note)

    def _expect_all_pages(self) -> None:
        """Raise an InputError unless ImageJ's numbers of time points and channels are those of the pages."""
        sizes = {"T": self.n_frames, "C": 1 if self._channel == "S" else self._lengths.get(self._channel, 1)}
        pages = self._tiff.pages
        n_pages = len(pages) - sum(is_extra(pages.get(page)) for page in range(prod(sizes.values()), len(pages)))
        said = _said_by_imagej(self._tiff)
        wrong = said is not None and said != prod(sizes.values()) and self._channel != "S"
        if wrong or n_pages not in (prod(sizes.values()), 1 if self._virtual else None):
            raise InputError(counts_disagree(self.path, sizes, n_pages, len(self.channels)))
        if any(page is None or page.parent is not self._tiff for page in self._series.pages):
            raise InputError(f"{self.path}: a recording in several files that no OME metadata describe; save it as one OME-TIFF")

    def read(self, t: int) -> np.ndarray:
        self.refuse_outside(t)
        if self._channel == "S":
            image = self._colour_image(t)
            return image if self._colours is None else self._colours.of(image, self._where(t, 0))
        image = np.empty((len(self._chosen), *self.shape), self.dtype)
        for plane, c in zip(image, self._chosen, strict=True):
            plane[:] = self._page(t, c).reshape(self.shape)
        return image

    def _colour_image(self, t: int) -> np.ndarray:
        image = np.moveaxis(self._page(t, 0), CHANNEL_AXIS[self._first.axes], 0)
        return np.ascontiguousarray(image[self._chosen], self.dtype)

    def check(self) -> None:
        """Look at the header of every page, of the channels that are not wanted too."""
        if self._planes is None and self._virtual:
            end = self._series.dataoffset + prod(self._series.shape) * self._first.dtype.itemsize
            if end > self._tiff.filehandle.size:
                raise InputError(f"{self.path}: truncated: {self._tiff.filehandle.size} bytes found, at least {end} expected")
            return
        if self._planes is not None:
            for file in self._planes.by_file:
                with _in_words(file):
                    self._planes.check_pages(file)
        pages = 1 if self._channel == "S" else self._lengths.get(self._channel, 1)
        for t in range(self.n_frames):
            for c in range(pages):
                with _in_words(self._where(t, c)):
                    self._check_page(t, c)

    def _check_page(self, t: int, c: int) -> None:
        if self._planes is None:
            frame = self._series.pages[self._index(t, c)]
            page = frame.parent.pages.get(frame.index, aspage=True)
        else:
            page = self._ome_page(t, c)
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
        with _in_words(self._where(t, c), "the image cannot be decoded, the file is damaged"):
            if self._planes is not None:
                return self._decoded(self._ome_page(t, c), t, c)
            index = self._index(t, c)
            if self._virtual:
                offset = self._series.dataoffset + index * prod(self._first.shape) * self._first.dtype.itemsize
                dtype = self._tiff.byteorder + self._first.dtype.char
                self._tiff.filehandle.seek(offset)
                return self._tiff.filehandle.read_array(dtype, prod(self._first.shape)).reshape(self._first.shape)
            return self._decoded(self._series.pages[index], t, c)

    def _ome_page(self, t: int, c: int) -> tifffile.TiffPage:
        page = self._planes.page(t, c)
        if page is None:
            raise InputError(f"{self._where(t, c)}: this image is missing: the OME metadata name no page for it")
        return page

    def _decoded(self, page: tifffile.TiffPage | tifffile.TiffFrame, t: int, c: int) -> np.ndarray:
        image = page.asarray(maxworkers=1)
        if image.shape != self._first.shape:
            raise InputError(f"{self._where(t, c)}: decoded to {image.shape}, {self._first.shape} is expected")
        return image

    def _where(self, t: int, c: int) -> str:
        if self._planes is not None:
            return self._planes.where(t, c)
        name = f" of channel {c}" if self._channel == "C" else ""
        return f"{self.path}: time point {t}{name} (page {self._index(t, c)})"


def _only_series(tiff: tifffile.TiffFile, path: Path, n_wanted: int) -> tifffile.TiffPageSeries:
    _check_likeness(tiff, path, n_wanted)
    series = [one for one in tiff.series if not is_extra(one.keyframe)]
    if not series:
        raise InputError(f"{path}: no image found in the file")
    _expect_kind(tiff, series[0].kind, path, n_wanted)
    if len(series) > 1:
        shown = "; ".join(f"{one.axes} {one.shape} {one.dtype} from page {one.keyframe.index} on" for one in series[:3])
        raise InputError(f"{path}: {len(series)} series of images found ({shown}), one expected: all pages alike, one position per file")
    return series[0]


def _check_likeness(tiff: tifffile.TiffFile, path: Path, n_wanted: int) -> None:
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
    except Exception:  # metadata that do not fit the pages lead the parser out of them in many ways
        _expect_kind(tiff, "", path, n_wanted)
        raise


def _is_ome(path: Path) -> bool:
    """Whether a file is OME metadata (a companion file), or a TIFF with them."""
    if path.suffix.lower() not in TIFF_SUFFIXES:
        return True
    with tifffile.TiffFile(path, _multifile=False) as tiff:
        check_chain(tiff, path)
        return tiff.is_ome or ROOT.match(tiff.pages.first.description or "") is not None


def _said_by_imagej(tiff: tifffile.TiffFile) -> int | None:
    """The number of images that ImageJ metadata give; None where they give none."""
    said = (tiff.imagej_metadata or {}).get("images") if tiff.is_imagej else None
    return said if isinstance(said, int) and said > 1 else None


def _expect_kind(tiff: tifffile.TiffFile, kind: str, path: Path, n_wanted: int) -> None:
    """Raise an InputError where the parser passed over the metadata, as they do not fit the pages, and took each page for itself."""
    claimed = next((kind for kind in CLAIMED if getattr(tiff, f"is_{kind}")), None)
    if claimed is None or kind == claimed:
        return
    if claimed == "imagej":
        said = tiff.imagej_metadata or {}
        sizes = {"T": said.get("frames", 1), "C": said.get("channels", 1), "Z": said.get("slices", 1)}
        raise InputError(counts_disagree(path, sizes, len(tiff.pages), n_wanted))
    raise InputError(
        f"{path}: its metadata ({CLAIMED[claimed]}) do not fit its {len(tiff.pages)} pages; the sheet asks for {n_wanted} channel(s): "
        "nothing says which page is which. Save it again as OME-TIFF"
    )


@contextmanager
def _in_words(where: str | Path, problem: str = "not readable as TIFF, the file is damaged or of another kind") -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # a damaged file makes the parser and the decoders fail in many ways
        raise InputError(in_words(error, where, problem)) from error
