"""One image in one file, TIFF or PNG: what its header says, and its pixels."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError
from cellfate.frames.reader import PIXEL_TYPES

TIFF_SUFFIXES = (".tif", ".tiff")
PNG_SUFFIXES = (".png",)
IMAGE_SUFFIXES = TIFF_SUFFIXES + PNG_SUFFIXES
PHOTOMETRIC = (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR)
# where the channel axis is in tifffile's naming of a page: none, last (R, G, B interleaved) or first (planar)
CHANNEL_AXIS = {"YX": None, "YXS": 2, "SYX": 0}
PNG_START, PNG_END = b"\x89PNG\r\n\x1a\n", b"\x00\x00\x00\x00IEND\xaeB`\x82"
PNG_COLOURS = {0: 1, 2: 3}  # grey and red, green, blue; the number of channels
PNG_REFUSED = {3: "a colour palette", 4: "grey with transparency", 6: "colours with transparency"}


@dataclass(frozen=True)
class Header:
    """What a file says about its image."""

    shape: tuple[int, int]
    dtype: np.dtype
    n_channels: int


def read_header(file: str | Path) -> Header:
    """Size, pixel type and number of channels of a TIFF or PNG file's image, without decoding it.

    Of a TIFF the first image counts; thumbnails and the dummy image of a single pixel that an Incucyte appends are passed over.
    Raises InputError when the file is of another kind, is cut short (a strip or tile ends behind the end of the file), holds
    several images, or is not a plain 8 or 16 bit unsigned image.
    """
    file = Path(file)
    if file.suffix.lower() in PNG_SUFFIXES:
        return _png_header(file)
    with _opened_tiff(file) as tiff:
        return _tiff_header(file, tiff)


def decode(file: str | Path, accept: Callable[[Header], None]) -> np.ndarray:
    """The image of a file as an array (channels, height, width), once ``accept`` has not refused its header.

    The header is read as by :func:`read_header`; the file is opened once. Raises InputError when its pixels cannot be had.
    """
    file = Path(file)
    if file.suffix.lower() in PNG_SUFFIXES:
        accept(_png_header(file))
        with _decoding(file):
            image = imagecodecs.png_decode(file.read_bytes())
        axis = None if image.ndim == 2 else 2
    else:
        with _opened_tiff(file) as tiff:
            accept(_tiff_header(file, tiff))
            page = tiff.pages.first
            axis = CHANNEL_AXIS[page.axes]
            with _decoding(file):
                image = page.asarray(maxworkers=1)
    return image[np.newaxis] if axis is None else np.moveaxis(image, axis, 0)


@contextmanager
def _decoding(file: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # decoders raise many kinds, all mean that the pixels cannot be had
        raise InputError(in_words(error, file, "the image cannot be decoded, the file is damaged")) from error


@contextmanager
def _opened_tiff(file: Path) -> Iterator[tifffile.TiffFile]:
    if file.stat().st_size == 0:
        raise InputError(f"{file}: an empty file of 0 bytes")
    try:
        with tifffile.TiffFile(file, _multifile=False) as tiff:
            yield tiff
    except InputError:
        raise
    except Exception as error:  # a damaged header makes the parser fail in many ways
        raise InputError(in_words(error, file, "not readable as TIFF, the file is damaged or of another kind")) from error


def _tiff_header(file: Path, tiff: tifffile.TiffFile) -> Header:
    page = tiff.pages.first
    check_page(file, page)
    if len(tiff.pages) > 1 and not is_extra(tiff.pages[1]):
        raise InputError(
            f"{file}: {len(tiff.pages)} images found in the file, one per time point expected; "
            "a file that holds a whole recording is named itself in the sheet, not its folder, and channels "
            "that are not the colours of one image want a file or a subfolder each (docs/recordings.md)"
        )
    _expect_one_image(file, tiff)
    check_extent(file, page, tiff.filehandle.size)
    n_channels = 1 if CHANNEL_AXIS[page.axes] is None else page.shape[CHANNEL_AXIS[page.axes]]
    return Header((page.imagelength, page.imagewidth), np.dtype(page.dtype).newbyteorder("="), n_channels)


def _expect_one_image(file: Path, tiff: tifffile.TiffFile) -> None:
    """Raise an InputError for an ImageJ file that holds all its images behind one page, of which the first alone would be read."""
    said = tiff.imagej_metadata if tiff.is_imagej else None
    n_images = prod(value for key in ("frames", "slices") if isinstance(value := (said or {}).get(key), int))
    if n_images > 1:
        raise InputError(
            f"{file}: {n_images} images found in the file by its ImageJ metadata, one per time point expected; a file that holds a whole "
            "recording is named itself in the sheet, not its folder"
        )


def is_extra(page: tifffile.TiffPage | tifffile.TiffFrame) -> bool:
    """Whether a further page of a TIFF is a thumbnail, or the dummy of one pixel that an Incucyte appends."""
    return bool(page.is_reduced) or (page.imagelength, page.imagewidth) == (1, 1)


def check_page(file: str | Path, page: tifffile.TiffPage) -> None:
    """Raise an InputError unless a TIFF page is a plain 8 or 16 bit unsigned image."""
    if page.dtype is None or np.dtype(page.dtype).newbyteorder("=") not in PIXEL_TYPES:
        found = f"{page.bitspersample} bit, sample format {getattr(page.sampleformat, 'name', page.sampleformat)}"
        raise InputError(f"{file}: pixel type {page.dtype} found ({found}), 8 or 16 bit unsigned expected")
    if page.axes not in CHANNEL_AXIS or page.size == 0:
        raise InputError(f"{file}: an image with the axes {page.axes} {page.shape} found, one plane per channel expected")
    if page.photometric not in PHOTOMETRIC:
        found = getattr(page.photometric, "name", page.photometric)
        how = {
            tifffile.PHOTOMETRIC.PALETTE: " (a table of colours: save the image as grey)",
            tifffile.PHOTOMETRIC.MINISWHITE: " (0 is white, so that dark pixels have high values: invert and save it as grey)",
        }.get(page.photometric, "")
        raise InputError(f"{file}: photometric interpretation {found} found{how}, MINISBLACK or RGB expected")


def check_extent(file: str | Path, page: tifffile.TiffPage, file_size: int) -> None:
    """Compare where a TIFF page says that its pixels are with the size of the file, both in bytes; InputError when it is cut."""
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


def _png_header(file: Path) -> Header:
    size = file.stat().st_size
    with open(file, "rb") as stream:
        start = stream.read(26)
        stream.seek(max(0, size - len(PNG_END)))
        end = stream.read()
    if len(start) < 26 or not start.startswith(PNG_START) or start[12:16] != b"IHDR":
        raise InputError(f"{file}: not readable as PNG, the file is damaged or of another kind")
    if end != PNG_END:
        raise InputError(f"{file}: truncated: the file does not end as a PNG does")
    width, height, bits, colour = struct.unpack(">IIBB", start[16:26])
    if colour not in PNG_COLOURS:
        raise InputError(f"{file}: a PNG with {PNG_REFUSED.get(colour, f'colour type {colour}')} found, grey or red, green, blue expected")
    if bits not in (8, 16):
        raise InputError(f"{file}: {bits} bit per pixel found, 8 or 16 bit unsigned expected")
    return Header((height, width), np.dtype(f"uint{bits}"), PNG_COLOURS[colour])
