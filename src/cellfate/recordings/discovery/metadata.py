"""What image files say of themselves besides their pixels: pixel size, frame interval, names of channels. Nothing is guessed.

A value whose unit is not given, or that no microscope has, counts as unknown, and a note says so.
"""

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

import tifffile

from cellfate.frames.formats import ZARR_MARKS
from cellfate.frames.image import TIFF_SUFFIXES
from cellfate.recordings.tables import INTERVALS_MIN, PIXEL_SIZES_UM, TOLERANCE

SAME_STEPS = 0.1  # fraction of the interval by which single steps may differ before a note is made
SIDE_FILE = "metadata.txt"  # of Micro-Manager
PIXELS = ("", "pixel", "pixels", "px")
MICROMETRES = {
    **dict.fromkeys(("μm", "um", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres", "âμm"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre", "nanometres"), 1e-3),
    **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre", "millimetres"), 1e3),
    **dict.fromkeys(("cm", "centimeter", "centimeters", "centimetre", "centimetres"), 1e4),
    **dict.fromkeys(("m", "meter", "metre"), 1e6),
    **dict.fromkeys(("inch", "inches", "in"), 25400.0),
}
MINUTES = {
    **dict.fromkeys(("ns", "nanosecond", "nanoseconds"), 1e-9 / 60),
    **dict.fromkeys(("μs", "us", "microsecond", "microseconds"), 1e-6 / 60),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 1e-3 / 60),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1 / 60),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 1.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 60.0),
    **dict.fromkeys(("d", "day", "days"), 1440.0),
}


@dataclass
class ImageMetadata:
    """Pixel size in micrometres, minutes from frame to frame, names of the channels; None is unknown, ``notes`` say why."""

    pixel_size_um: float | None = None
    frame_interval_min: float | None = None
    channels: list[str] | None = None
    notes: list[str] = field(default_factory=list)

    def take_pixel_size(self, value: object, unit: object, source: str) -> None:
        """Take over a pixel size when it has a unit of length and is one that a microscope may have."""
        self._take("pixel_size_um", value, unit, source, MICROMETRES, PIXEL_SIZES_UM, "pixel size")

    def take_interval(self, value: object, unit: object, source: str) -> None:
        """Take over a frame interval when it has a unit of time and is one of a recording of living cells."""
        self._take("frame_interval_min", value, unit, source, MINUTES, INTERVALS_MIN, "frame interval")

    def _take(self, name: str, value: object, unit: object, source: str, units: Mapping, limits: tuple[float, float], what: str) -> None:
        number = _number(value)
        said = f"{source} gives the {what} as {value if number is None else f'{number:.6g}'} {shown_unit(unit)}"
        factor = units.get(plain_unit(unit))
        if number is None or factor is None:
            self.notes.append(f"{said}: {'no number' if number is None else 'not a known unit'}, so it counts as unknown")
        elif not limits[0] <= number * factor <= limits[1]:
            self.notes.append(f"{said}: implausible, so it counts as unknown")
        elif getattr(self, name) is not None and abs(number * factor / getattr(self, name) - 1) > TOLERANCE:
            self.notes.append(f"{said}, but {getattr(self, name):.6g} stands there too: they differ, so it counts as unknown")
            setattr(self, name, None)
        elif getattr(self, name) is None:
            setattr(self, name, round(number * factor, 6))
            if name == "pixel_size_um" and number == 1 and factor == 1:
                self.notes.append(f"{said}: exactly 1 is often only a program's default, please compare")


def plain_unit(unit: object) -> str:
    """A unit as the tables here have it: lower case, one sign for micro, ImageJ's escapes undone."""
    text = re.sub(r"\\u([0-9A-Fa-f]{4})", lambda code: chr(int(code[1], 16)), str(unit or ""))
    return unicodedata.normalize("NFKC", text).strip(' ()"\0').lower()


def shown_unit(unit: object) -> str:
    """A unit in words for a person."""
    return plain_unit(unit) or "without a unit"


def _number(value: object) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def read_metadata(path: str | Path) -> ImageMetadata:
    """The metadata of a TIFF, OME-Zarr, ND2 or CZI file; empty for other kinds. A file that is damaged gives a note, no error."""
    path = Path(path)
    reader = _reader_of(path)
    if reader is None:
        return ImageMetadata()
    metadata = ImageMetadata()
    try:
        reader(path, metadata)
    except Exception as error:  # metadata are written by many programs, and fail in as many ways
        metadata.notes.append(f"{path.name}: its metadata cannot be read ({type(error).__name__}: {error})")
    return metadata


def recording_metadata(first: Path, interval_min: float | None) -> ImageMetadata:
    """The metadata of a recording's first file, of Micro-Manager's text beside it, and the interval that the names of files tell."""
    metadata = read_metadata(first)
    if interval_min is not None:
        metadata.take_interval(f"{interval_min:g}", "min", "the times in the names of the files")
    side = first.parent / SIDE_FILE
    if first.is_file() and side.is_file():
        try:
            take_micromanager(side.read_text(encoding="utf-8", errors="replace"), metadata)
        except (ValueError, AttributeError):
            metadata.notes.append(f"{side.name}: not readable as Micro-Manager's metadata")
    return metadata


def _reader_of(path: Path) -> Callable[[Path, ImageMetadata], None] | None:
    if path.is_dir():
        return _from_zarr if any((path / mark).exists() for mark in ZARR_MARKS) else None
    return {**dict.fromkeys(TIFF_SUFFIXES, _from_tiff), ".nd2": _from_nd2, ".czi": _from_czi}.get(path.suffix.lower())


def _from_tiff(path: Path, metadata: ImageMetadata) -> None:
    with tifffile.TiffFile(path) as tiff:
        first = tiff.pages.first
        if tiff.is_ome:
            take_ome(ElementTree.fromstring(tiff.ome_metadata), metadata)
        if tiff.is_imagej:
            take_imagej(tiff.imagej_metadata, _sizes(first), metadata)
        if 51123 in first.tags:
            take_micromanager(first.tags[51123].value, metadata)
        if not (tiff.is_ome or tiff.is_imagej) and metadata.pixel_size_um is None:
            _take_resolution(first, metadata)


def _sizes(page: tifffile.TiffPage) -> tuple[float | None, float | None]:
    """Width and height of a pixel in the unit of the resolution, from the TIFF tags, which give pixels per unit as a fraction."""
    sizes = []
    for name in ("XResolution", "YResolution"):
        tag = page.tags.get(name)
        over, under = tag.value if tag is not None else (0, 0)
        sizes.append(under / over if over and under else None)
    return sizes[0], sizes[1]


def _take_resolution(page: tifffile.TiffPage, metadata: ImageMetadata) -> None:
    """The TIFF tags alone: pixels per inch or centimetre; most programs put a screen's or printer's resolution there."""
    width, height = _sizes(page)
    tag = page.tags.get("ResolutionUnit")
    unit = {2: "inch", 3: "cm"}.get(int(tag.value) if tag is not None else 1)
    if width is None or unit is None:
        return
    if height is not None and abs(height / width - 1) > TOLERANCE:
        metadata.notes.append("the TIFF resolution differs in x and y, so the pixel size counts as unknown")
    elif not PIXEL_SIZES_UM[0] <= width * MICROMETRES[unit] <= PIXEL_SIZES_UM[1]:
        metadata.notes.append(f"the TIFF resolution is {1 / width:.5g} per {unit}, a screen's or printer's: the pixel size is unknown")
    else:
        metadata.take_pixel_size(width, unit, "the TIFF resolution")


def take_imagej(header: Mapping, sizes: tuple[float | None, float | None], metadata: ImageMetadata) -> None:
    """ImageJ's header; ``sizes`` are width and height of a pixel in its ``unit``.

    ``finterval`` is in ``tunit``, seconds without it; ``fps`` is the speed of playing and says nothing of the recording.
    """
    unit, (width, height) = header.get("unit"), sizes
    if plain_unit(unit) in PIXELS:
        if unit or width not in (None, 1):
            metadata.notes.append(f"ImageJ gives the pixel size in {plain_unit(unit) or 'no unit'}: it counts as unknown")
    elif width is not None and height is not None and header.get("yunit") is None and abs(height / width - 1) > TOLERANCE:
        metadata.notes.append(f"ImageJ gives pixels of {width:.6g} x {height:.6g} {plain_unit(unit)}: not square, so it counts as unknown")
    elif width is not None:
        metadata.take_pixel_size(width, unit, "ImageJ")
    if header.get("finterval"):
        metadata.take_interval(header["finterval"], header.get("tunit", "sec"), "ImageJ")
    elif "finterval" in header:
        metadata.notes.append("ImageJ gives a frame interval of 0: it counts as unknown")


def take_ome(root: ElementTree.Element, metadata: ImageMetadata) -> None:
    """The first image of OME-XML: PhysicalSizeX, TimeIncrement or the times of its planes, names of the channels."""
    pixels = next((element for element in root.iter() if element.tag.endswith("}Pixels") or element.tag == "Pixels"), None)
    if pixels is None:
        return
    width, height = (pixels.get(f"PhysicalSize{axis}") for axis in "XY")
    unit = pixels.get("PhysicalSizeXUnit", "µm")
    x, y, same_unit = _number(width), _number(height), unit == pixels.get("PhysicalSizeYUnit", "µm")
    if x and y and same_unit and abs(y / x - 1) > TOLERANCE:
        metadata.notes.append(f"OME gives pixels of {width} x {height} {plain_unit(unit)}: not square, so it counts as unknown")
        width = None
    if width is not None:
        metadata.take_pixel_size(width, unit, "OME")
    if pixels.get("TimeIncrement") is not None:
        metadata.take_interval(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"), "OME (TimeIncrement)")
    planes = [plane for plane in pixels.iter() if plane.tag.rpartition("}")[2] == "Plane" and plane.get("DeltaT") is not None]
    _take_times(planes, metadata)
    names = [element.get("Name", "") for element in pixels if element.tag.rpartition("}")[2] == "Channel"]
    metadata.channels = names if names and all(names) else None


def _take_times(planes: Sequence[ElementTree.Element], metadata: ImageMetadata) -> None:
    """The interval from the times of the planes of the first channel and focal plane."""
    of_first = [plane for plane in planes if plane.get("TheC", "0") == "0" and plane.get("TheZ", "0") == "0"]
    times = {int(plane.get("TheT", 0)): float(plane.get("DeltaT")) for plane in of_first}
    steps = [(times[t + 1] - times[t]) for t in sorted(times) if t + 1 in times]
    if not steps:
        return
    middle = median(steps)
    metadata.take_interval(f"{middle:.6g}", of_first[0].get("DeltaTUnit", "s"), "OME (DeltaT of the planes)")
    if middle > 0 and max(steps) - min(steps) > SAME_STEPS * middle:
        unit = plain_unit(of_first[0].get("DeltaTUnit", "s"))
        metadata.notes.append(f"the steps between frames vary from {min(steps):.4g} to {max(steps):.4g} {unit}; their median was taken")


def take_micromanager(header: Mapping | str | bytes, metadata: ImageMetadata) -> None:
    """Micro-Manager's header of an image, or the content of its metadata.txt."""
    content = header if isinstance(header, Mapping) else json.loads(header)
    summary = content.get("Summary", content)
    for key in ("PixelSizeUm", "PixelSize_um"):
        value = content.get(key, summary.get(key))
        if value:
            metadata.take_pixel_size(value, "um", f"Micro-Manager ({key})")
    interval = content.get("Interval_ms", summary.get("Interval_ms"))
    if interval:
        metadata.take_interval(interval, "ms", "Micro-Manager (Interval_ms)")
    names = summary.get("ChNames")
    if isinstance(names, list) and names and all(names) and metadata.channels is None:
        metadata.channels = [str(name) for name in names]


def take_trackmate(path: Path, metadata: ImageMetadata) -> None:
    """What a TrackMate file says of the images that it was made from, in the units of its model."""
    found = {}
    try:
        for event, element in ElementTree.iterparse(path, ("start", "end")):
            if event == "start" and element.tag in ("Model", "ImageData"):
                found.setdefault(element.tag, dict(element.attrib))
            elif event == "end":
                element.clear()  # a file may hold millions of spots
    except (OSError, ElementTree.ParseError, ValueError, LookupError):  # it is told when the tracks are read
        return
    model, image = found.get("Model"), found.get("ImageData")
    if model is None or image is None:
        return
    if plain_unit(model.get("spatialunits")) not in PIXELS and image.get("pixelwidth"):
        metadata.take_pixel_size(image.get("pixelwidth"), model.get("spatialunits"), f"TrackMate ({path.name})")
    if plain_unit(model.get("timeunits")) not in ("", "frame", "frames") and image.get("timeinterval"):
        metadata.take_interval(image.get("timeinterval"), model.get("timeunits"), f"TrackMate ({path.name})")


def _from_zarr(path: Path, metadata: ImageMetadata) -> None:
    import zarr  # half a second

    attributes = zarr.open_group(path, mode="r").attrs.asdict()
    take_zarr(attributes.get("ome", attributes), metadata)


def take_zarr(ome: Mapping, metadata: ImageMetadata) -> None:
    """OME-Zarr: the scales of the first level and of the whole image in the units of the axes; names of the channels."""
    image = ome["multiscales"][0]
    axes = image["axes"]
    scales = [1.0] * len(axes)
    for transformation in [*image["datasets"][0].get("coordinateTransformations", []), *image.get("coordinateTransformations", [])]:
        if transformation.get("type") == "scale":
            scales = [one * float(other) for one, other in zip(scales, transformation["scale"], strict=True)]
    for axis, scale in zip(axes, scales, strict=True):
        take = {"x": metadata.take_pixel_size, "t": metadata.take_interval}.get(axis["name"].lower())
        if take is not None and (axis.get("unit") or scale != 1):
            take(f"{scale:.6g}", axis.get("unit"), "OME-Zarr")
    names = [channel.get("label", "") for channel in ome.get("omero", {}).get("channels", [])]
    metadata.channels = names if names and all(names) else None


def _from_nd2(path: Path, metadata: ImageMetadata) -> None:
    import nd2

    with nd2.ND2File(path) as file:
        take_nd2(file, metadata)


def take_nd2(file, metadata: ImageMetadata) -> None:
    """An open file of the package ``nd2``: size of a voxel, period of its loop over time, names of the channels."""
    metadata.take_pixel_size(f"{file.voxel_size().x:.6g}", "um", "ND2")
    for loop in file.experiment:
        period = getattr(loop.parameters, "periodMs", None)
        if loop.type == "TimeLoop" and period:
            metadata.take_interval(f"{period:.6g}", "ms", "ND2")
    names = [channel.channel.name for channel in file.metadata.channels or []]
    metadata.channels = names if names and all(names) else None


def _from_czi(path: Path, metadata: ImageMetadata) -> None:
    from pylibCZIrw import czi

    with czi.open_czi(str(path)) as file:
        take_czi(file.metadata, metadata)


def take_czi(content: Mapping, metadata: ImageMetadata) -> None:
    """The metadata of a CZI file as nested mappings: scaling in metres, the increment of its time axis in seconds, channels."""
    document = content["ImageDocument"]["Metadata"]
    for distance in _listed((document.get("Scaling") or {}).get("Items", {}).get("Distance")):
        if distance.get("@Id") == "X" and distance.get("Value"):
            metadata.take_pixel_size(f"{float(distance['Value']) * 1e6:.6g}", "um", "CZI")
    dimensions = document["Information"]["Image"].get("Dimensions") or {}
    interval = (((dimensions.get("T") or {}).get("Positions") or {}).get("Interval") or {}).get("Increment")
    if interval and float(interval):
        metadata.take_interval(interval, "s", "CZI")
    names = [channel.get("@Name", "") for channel in _listed((dimensions.get("Channels") or {}).get("Channel"))]
    metadata.channels = names if names and all(names) else None


def _listed(value: object) -> list:
    return value if isinstance(value, list) else [] if value is None else [value]
