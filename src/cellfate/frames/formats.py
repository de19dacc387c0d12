"""The frames of one recording, whatever files they are in: one image of all channels per time point, read one at a time.

Readers are named here and imported only when they are needed, so that a job depends on the code of the reader of its own recording and
on no other. A further file format is a further subclass of :class:`cellfate.frames.reader.Frames` and one row of ``FORMATS``.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cellfate.base.errors import InputError
from cellfate.base.names import is_of_system
from cellfate.frames.reader import MAX_PIXELS, Frames, damage_in_words

ZARR_MARKS = (".zattrs", ".zgroup", "zarr.json")


@dataclass(frozen=True)
class Format:
    """``reader`` is ``module:name`` of what opens a path, given the channels and their labels; ``accepts`` says which paths."""

    reader: str
    accepts: Callable[[Path], bool]

    @property
    def module(self) -> str:
        return self.reader.partition(":")[0]


def is_file_with(*endings: str) -> Callable[[Path], bool]:
    """Whether a path has one of the endings and is no folder; it need not exist yet."""
    return lambda path: path.suffix.lower() in endings and not path.is_dir()


# asked in this order; what is no file is a folder of images
FORMATS = (
    Format("cellfate.frames.ome_zarr:OmeZarr", lambda path: any((path / mark).exists() for mark in ZARR_MARKS)),
    Format("cellfate.frames.stacks:TiffStack", is_file_with(".tif", ".tiff", ".ome")),
    Format("cellfate.frames.nd2:Nd2File", is_file_with(".nd2")),
    Format("cellfate.frames.czi:CziFile", is_file_with(".czi")),
    Format("cellfate.frames.folders:open_folder", lambda path: not path.is_file()),
)
FILES_OF_PATTERN = Format("cellfate.frames.folders:open_files", lambda path: "{time}" in str(path))
JOINED = Format("cellfate.frames.folders:JoinedChannels", lambda path: "{channel}" in str(path))  # one file or folder a channel


def open_frames(
    images: str | Path,
    channels: Sequence[str],
    channel_labels: Sequence[str] | None = None,
    last_image: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Frames:
    """Open the frames of one recording; docs/recordings.md shows what they may be.

    ``images`` is a folder, a file, or a pattern with ``{time}``, ``{channel}`` or both in its path. ``channels`` are the names under
    which the recording's channels are known here, ``channel_labels`` those in the files where they differ. Files without names hold
    the channels in this order. Frames after ``last_image`` (0-based) are left out. Images of more than ``max_pixels`` are refused. Only
    the first header is read here; :meth:`Frames.check` looks at all of them. Raises InputError, and nothing else, for what is wrong
    with the files.
    """
    with damage_in_words(images):
        frames = _open(images, channels, channel_labels)
        frames.refuse_larger(max_pixels)
        if last_image is not None:
            frames.leave_out_after(last_image)
        frames.settle()
    return frames


def _open(images: str | Path, channels: Sequence[str], channel_labels: Sequence[str] | None) -> Frames:
    labels = list(channel_labels or channels)
    if len(labels) != len(channels):
        raise InputError(
            f"{images}: {len(labels)} channel_labels ({', '.join(labels)}) for {len(channels)} channels ({', '.join(channels)})"
        )
    if "{" not in str(images):
        return _open_path(Path(images), channels, labels)
    if FILES_OF_PATTERN.accepts(images):
        return _loaded(FILES_OF_PATTERN)(images, channels, labels)
    pairs = zip(labels, channels, strict=True)
    parts = [_open_path(Path(str(images).replace("{channel}", label)), [name], None) for label, name in pairs]
    return _loaded(JOINED)(images, channels, parts)


def _open_path(path: Path, channels: Sequence[str], labels: Sequence[str] | None) -> Frames:
    if not path.exists():
        above = next(folder for folder in path.absolute().parents if folder.is_dir())
        names = sorted(entry.name for entry in above.iterdir() if not is_of_system(entry.name))
        shown = (", ".join(names[:5]) or "nothing") + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        raise InputError(f"{path}: no such folder or file of images; found in {above}: {shown}")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path}: an empty file of 0 bytes")
    found = _format_of(path)
    if found is None:
        raise InputError(f"{path}: a file of an unknown kind; known are TIFF, PNG, OME-Zarr, ND2 and CZI, and folders of TIFF or PNG files")
    return _loaded(found)(path, channels, labels)


def _format_of(path: Path) -> Format | None:
    return next((kind for kind in FORMATS if kind.accepts(path)), None)


def _loaded(kind: Format) -> Callable[..., Frames]:
    return getattr(importlib.import_module(kind.module), kind.reader.partition(":")[2])


def reader_modules(images: str) -> list[str]:
    """The modules that :func:`open_frames` would open ``images`` with, from the path alone: nothing is read, it need not exist yet."""
    if "{" not in images:
        kinds = [_format_of(Path(images))]
    elif FILES_OF_PATTERN.accepts(Path(images)):
        kinds = [FILES_OF_PATTERN]
    else:
        kinds = [JOINED, _format_of(Path(images))]
    return list(dict.fromkeys(kind.module for kind in kinds if kind is not None))
