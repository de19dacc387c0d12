"""What OME metadata say of a recording: which page of which TIFF file each time point and channel is.

The metadata are followed to the letter or the recording is refused: another reading of them would take channels for time points.
"""

import re
import struct
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree

import tifffile

from cellfate.base.errors import InputError
from cellfate.frames.image import is_extra

OPEN_FILES = 16  # of a set that are open at the same time
ROOT_UUID = re.compile(r"<(?:\w+:)?OME\b[^>]*?\sUUID\s*=\s*[\"']([^\"']+)[\"']")


@dataclass(frozen=True)
class Run:
    """Pages of one file that follow each other: ``count`` planes (None: all) from page ``page`` on, the first at (z, c, t)."""

    first: tuple[int, int, int]
    page: int
    count: int | None
    uuid: str | None
    name: str | None


@dataclass(frozen=True)
class OmeImage:
    """One image of the metadata. ``sizes`` by axis, Z, C (colour samples counted), T, Y and X; ``order`` of the axes, fastest first."""

    sizes: dict[str, int]
    order: str
    names: list[str]
    runs: list[Run]

    def planes(self, run: Run, n_pages: int, samples: int) -> Iterator[tuple[tuple[int, int, int], int]]:
        """The (z, c, t) and the page of each plane of a run, in a file of ``n_pages`` pages of ``samples`` colours."""
        lengths = dict(self.sizes, C=n_channels(self.sizes["C"], samples))
        fastest = [axis for axis in self.order if axis in "ZCT"]
        place = dict(zip("ZCT", run.first, strict=True))
        for number in range(n_pages - run.page if run.count is None else run.count):
            if any(place[axis] >= lengths[axis] for axis in "ZCT"):
                return
            yield (place["Z"], place["C"], place["T"]), run.page + number
            for axis in fastest:
                place[axis] += 1
                if place[axis] < lengths[axis] or axis == fastest[-1]:
                    break
                place[axis] = 0


def n_channels(size_c: int, samples: int) -> int:
    """How many pages with ``samples`` colours hold the ``size_c`` channels of OME metadata, where each colour counts as a channel."""
    return size_c // samples if size_c % samples == 0 else size_c


class TiffFiles:
    """The TIFF files of one recording, opened when they are needed and closed again, so that thousands can belong to it.

    ``uuids`` says which UUID a file must have; another file of that name is refused.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.uuids: dict[Path, str] = {}
        self._open: OrderedDict[Path, tifffile.TiffFile] = OrderedDict()

    def __getitem__(self, path: Path) -> tifffile.TiffFile:
        if path not in self._open:
            self._open[path] = self._opened(path)
            if len(self._open) > OPEN_FILES:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(path)
        return self._open[path]

    def _opened(self, path: Path) -> tifffile.TiffFile:
        if not path.is_file():
            raise InputError(f"{path}: this file of the recording is missing: the metadata of {self.path.name} name it")
        tiff = tifffile.TiffFile(path, _multifile=False)
        check_chain(tiff, path)
        expected = self.uuids.get(path)
        if expected is not None and path != self.path and uuid_of(tiff) != expected:
            raise InputError(
                f"{path}: a file of another recording, or saved anew: its UUID is {uuid_of(tiff) or 'not given'}, the metadata "
                f"of {self.path.name} name a file with {expected}; put the files of one recording back together, or export it as one file"
            )
        return tiff


def _description(tiff: tifffile.TiffFile) -> str:
    return tiff.pages.first.description or ""


def uuid_of(tiff: tifffile.TiffFile) -> str | None:
    """The UUID that a TIFF file's own OME metadata give the file."""
    found = ROOT_UUID.search(_description(tiff))
    return found[1] if found else None


def check_chain(tiff: tifffile.TiffFile, path: Path) -> None:
    """Each page of a TIFF says where the next one is, the last says 0. Raise an InputError where that leads out of the file.

    The parser itself would take what is there, and a file that is cut short would seem to be a shorter recording.
    """
    layout, stream, size = tiff.tiff, tiff.filehandle, tiff.filehandle.size
    stream.seek(4 if layout.offsetsize == 4 else 8)
    offset, seen = struct.unpack(layout.offsetformat, stream.read(layout.offsetsize))[0], set()
    while offset:
        stream.seek(min(offset, size))
        raw = stream.read(layout.tagnosize) if offset < size and offset not in seen else b""
        if len(raw) == layout.tagnosize:
            seen.add(offset)
            stream.seek(min(size, offset + layout.tagnosize + struct.unpack(layout.tagnoformat, raw)[0] * layout.tagsize))
            raw = stream.read(layout.offsetsize)
        if len(raw) < layout.offsetsize:
            raise InputError(f"{path}: truncated or damaged: {len(seen)} whole pages found in {size} bytes, a further one is announced")
        offset = struct.unpack(layout.offsetformat, raw)[0]


class OmePlanes:
    """The pages of an OME-TIFF recording in one file or in several, opened by any of them or by its companion file.

    ``sizes`` has T and C (pages, not colours), ``places`` {(t, c): (file, page)}, ``own_channels`` those in the file itself. Raises
    InputError where metadata, pages and files do not agree, for several positions, and for a file that belongs to another recording.
    """

    def __init__(self, path: Path, n_wanted: int) -> None:
        self.path, self.files, self._n_wanted = path, TiffFiles(path), n_wanted
        self._is_tiff = path.suffix.lower() in (".tif", ".tiff")
        own = uuid_of(self.files[path]) if self._is_tiff else None
        images = _read_images(path, self._metadata())
        image = self._only_image(images, own)
        self.image, self.names = image, image.names
        by_file = self._by_file(image, own)
        first = next(iter(by_file))
        self.first = self.files[first].pages.first if first == path else self._page(first, by_file[first][0].page)
        self.samples = self.first.samplesperpixel
        self.sizes = {"T": image.sizes["T"], "C": n_channels(image.sizes["C"], self.samples), "Z": image.sizes["Z"]}
        self._check_size()
        self.places = self._placed(by_file)
        self.own_channels = sorted({c for (_, c), (file, _) in self.places.items() if file == path})
        self.by_file = list(by_file)
        if self._is_tiff:
            self.check_pages(path)

    @property
    def axes(self) -> str:
        """The axes of all pages and of one page, slowest first, those of length 1 left out."""
        return "".join(axis for axis in reversed(self.image.order) if axis in "ZCT" and self.sizes[axis] > 1) + self.first.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of :attr:`axes`."""
        lead = len(self.axes) - len(self.first.axes)
        return tuple(self.sizes[axis] for axis in self.axes[:lead]) + self.first.shape

    def page(self, t: int, c: int) -> tifffile.TiffPage | None:
        """The page of a time point and channel; None where the metadata have none."""
        place = self.places.get((t, c))
        return None if place is None else self._page(*place)

    def where(self, t: int, c: int) -> str:
        """File and page of a time point and channel, for messages."""
        file, page = self.places.get((t, c), (self.path, None))
        return f"{file}: time point {t} of channel {c}" + ("" if page is None else f" (page {page})")

    def check_pages(self, path: Path) -> None:
        """Raise an InputError unless the metadata name each page of a file, and no page that it does not have."""
        tiff = self.files[path]
        used = {page for file, page in self.places.values() if file == path}
        unused = [page for page in range(len(tiff.pages)) if page not in used and not is_extra(tiff.pages.get(page))]
        unplaced = prod(self.sizes.values()) - len(self.places) if self.sizes["Z"] == 1 else 0
        if max(used, default=0) >= len(tiff.pages) or (len(unused) > unplaced and self.sizes["Z"] == 1):
            raise InputError(counts_disagree(path, self.sizes, len(tiff.pages), self._n_wanted))

    def _page(self, path: Path, page: int) -> tifffile.TiffPage:
        pages = self.files[path].pages
        if page >= len(pages):
            raise InputError(f"{path}: the OME metadata name page {page} (counted from 0), the file has {len(pages)}: truncated or changed")
        return pages.get(page, aspage=True)

    def _metadata(self) -> ElementTree.Element:
        """The metadata with images: the file's own, or those of the file that it refers to."""
        root = _parsed(self.path, _description(self.files[self.path]) if self._is_tiff else self.path.read_bytes())
        reference = next((element for element in root if _tag(element) == "BinaryOnly"), None)
        if reference is None:
            return root
        master = beside(self.path, reference.get("MetadataFile", ""))
        if not master.is_file():
            raise InputError(
                f"{self.path}: its metadata are in the file {master.name}, which is not beside it: put it there, or export the recording "
                "as one file"
            )
        is_tiff = master.suffix.lower() in (".tif", ".tiff")
        root = _parsed(master, _description(self.files[master]) if is_tiff else master.read_bytes())
        if reference.get("UUID") and root.get("UUID") != reference.get("UUID"):
            raise InputError(
                f"{master}: the metadata of another recording: its UUID is {root.get('UUID') or 'not given'}, {self.path.name} names "
                f"{reference.get('UUID')}"
            )
        return root

    def _only_image(self, images: list[OmeImage], own: str | None) -> OmeImage:
        self._one_file = len({(run.uuid, run.name) for image in images for run in image.runs}) == 1
        found = [image for image in images if not self._is_tiff or any(self._is_own(run, own) for run in image.runs)]
        if not found:
            names = sorted({run.name or run.uuid or "" for image in images for run in image.runs})
            raise InputError(
                f"{self.path}: its OME metadata describe {_some(names) or 'no image'}, not this file (its UUID is {own or 'not given'}): "
                "give it its old name again, beside the other files of the recording, or export the recording as one file"
            )
        if len(found) > 1 and self._is_tiff:
            found = [image for image in found if not self._is_side_image(image, own)] or found
        if len(found) > 1:
            shown = "; ".join(", ".join(f"{image.sizes[axis]} {axis}" for axis in "TCZYX") for image in found[:3])
            raise InputError(f"{self.path}: {len(found)} series of images (positions) found ({shown}), one expected: one position per file")
        return found[0]

    def _is_own(self, run: Run, own: str | None) -> bool:
        """Whether the pages of a run are in the file itself: by its UUID, else by its name, else as there is one file only."""
        if run.uuid is None or own is None:
            return run.name in (None, self.path.name) or (self._one_file and run.uuid is not None)
        return run.uuid == own or (self._one_file and run.name == self.path.name)

    def _is_side_image(self, image: OmeImage, own: str | None) -> bool:
        page = next(run.page for run in image.runs if self._is_own(run, own))
        return page < len(self.files[self.path].pages) and is_extra(self.files[self.path].pages.get(page))

    def _by_file(self, image: OmeImage, own: str | None) -> dict[Path, list[Run]]:
        found: dict[Path, list[Run]] = {}
        for run in image.runs:
            if self._is_tiff and self._is_own(run, own):
                file = self.path
            elif run.name is None:
                raise InputError(f"{self.path}: its OME metadata name a further file by its UUID {run.uuid} alone; export it as one file")
            else:
                file = beside(self.path, run.name)
                self._expect(file, run.uuid)
            found.setdefault(file, []).append(run)
        missing = sorted(file.name for file in found if not file.is_file())
        if missing:
            raise InputError(
                f"{self.path}: a recording of {len(found)} files, of which {len(missing)} are not beside it: {_some(missing)}. Put them "
                "there under these names, or export the recording as one file"
            )
        return found

    def _expect(self, file: Path, uuid: str | None) -> None:
        if uuid is None:
            raise InputError(f"{self.path}: its OME metadata name {file.name} without a UUID, so nothing says that it is of this recording")
        if self.files.uuids.setdefault(file, uuid) != uuid:
            raise InputError(f"{self.path}: its OME metadata give {file.name} two UUIDs, {self.files.uuids[file]} and {uuid}")

    def _check_size(self) -> None:
        found = (self.first.imagelength, self.first.imagewidth)
        expected = (self.image.sizes["Y"], self.image.sizes["X"])
        if found != expected:
            raise InputError(
                f"{self.path}: images of {found[0]} x {found[1]} pixels found, its OME metadata say {expected[0]} x {expected[1]}"
            )

    def _placed(self, by_file: dict[Path, list[Run]]) -> dict[tuple[int, int], tuple[Path, int]]:
        """The file and page of each time point and channel; nothing is placed where there are focal planes, which are refused."""
        places: dict[tuple[int, int], tuple[Path, int]] = {}
        taken: dict[tuple[Path, int], tuple[int, int]] = {}
        for file, runs in by_file.items():
            for run in runs:
                n_pages = len(self.files[file].pages) if run.count is None else 0
                for (z, c, t), page in self.image.planes(run, n_pages, self.samples):
                    if z:
                        continue
                    if (t, c) in places or (file, page) in taken:
                        raise InputError(f"{file}: its OME metadata name page {page} or time point {t} of channel {c} twice")
                    places[t, c] = file, page
                    taken[file, page] = t, c
                self._expect_inside(run, n_pages, file)
        return places

    def _expect_inside(self, run: Run, n_pages: int, file: Path) -> None:
        count = n_pages - run.page if run.count is None else run.count
        if count > prod(self.sizes.values()) or any(at >= self.sizes[axis] for axis, at in zip("ZCT", run.first, strict=True)):
            raise InputError(counts_disagree(file, self.sizes, len(self.files[file].pages), self._n_wanted))


def counts_disagree(path: Path, sizes: dict[str, int], n_pages: int, n_wanted: int) -> str:
    """The refusal of a file whose metadata, pages and wanted channels do not agree, with the three numbers."""
    planes = f" of {sizes['Z']} focal planes" if sizes.get("Z", 1) > 1 else ""
    return (
        f"{path}: its metadata say {sizes['T']} time points of {sizes['C']} channel(s){planes}, which are {prod(sizes.values())} images; "
        f"{n_pages} page(s) are in the file; the sheet asks for {n_wanted} channel(s). Nothing says which page is which: export "
        "the recording again as OME-TIFF, or correct its metadata (ImageJ: Image > Properties)"
    )


def beside(path: Path, name: str) -> Path:
    """The file of that name in the folder of ``path``; folders in the name are kept where they lead further down."""
    parts = PureWindowsPath(name).parts
    return path.parent.joinpath(*(parts if ".." not in parts and not PureWindowsPath(name).anchor else parts[-1:]))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _tag(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _parsed(path: Path, text: str | bytes) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, UnicodeError, ValueError) as error:
        raise InputError(f"{path}: its OME metadata are damaged, they are no XML: {error}") from error


def _read_images(path: Path, root: ElementTree.Element) -> list[OmeImage]:
    if any(_tag(element).startswith("ModuloAlong") for element in root.iter()):
        raise InputError(f"{path}: its OME metadata have axes besides time and channel (ModuloAlong); save one recording as OME-TIFF")
    pixels = [child for element in root if _tag(element) == "Image" for child in element if _tag(child) == "Pixels"]
    try:
        return [_read_image(one) for one in pixels]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: its OME metadata cannot be used: {type(error).__name__} {error}") from error


def _read_image(pixels: ElementTree.Element) -> OmeImage:
    sizes = {axis: int(pixels.attrib[f"Size{axis}"]) for axis in "TCZYX"}
    order = pixels.attrib["DimensionOrder"]
    if sorted(order) != list("CTXYZ") or min(sizes.values()) < 1:
        raise ValueError(f"DimensionOrder {order}, sizes {sizes}")
    names = [element.get("Name", "") for element in pixels if _tag(element) == "Channel"]
    runs = [_read_run(element) for element in pixels if _tag(element) == "TiffData"]
    return OmeImage(sizes, order, names, runs or [Run((0, 0, 0), 0, None, None, None)])


def _read_run(element: ElementTree.Element) -> Run:
    first = tuple(int(element.get(f"First{axis}", 0)) for axis in "ZCT")
    page, count = int(element.get("IFD", 0)), element.get("PlaneCount")
    if min(*first, page) < 0 or (count is not None and int(count) < 0):
        raise ValueError(f"negative numbers in TiffData: {dict(element.attrib)}")
    count = int(count) if count is not None else 1 if "IFD" in element.attrib else None
    uuid = next((child for child in element if _tag(child) == "UUID"), None)
    if uuid is None:
        return Run(first, page, count, None, None)
    return Run(first, page, count, (uuid.text or "").strip() or None, uuid.get("FileName"))
