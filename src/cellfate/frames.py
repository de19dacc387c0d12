"""The frames of one recording, whatever files they are in: one image of all channels per time point, read one at a time.

A further file format is a further subclass of :class:`cellfate.frame_reader.Frames` in ``FORMATS``.
"""

from collections.abc import Sequence
from pathlib import Path

from cellfate.errors import InputError
from cellfate.frame_files import ChannelFolders, FrameFiles, FrameFolder, JoinedChannels, files_by_time
from cellfate.frame_reader import Frames
from cellfate.frame_stacks import TiffStack
from cellfate.frame_vendor_files import CziFile, Nd2File
from cellfate.frame_zarr import OmeZarr

# asked in this order; a folder of images comes last
FORMATS: tuple[type[Frames], ...] = (OmeZarr, TiffStack, Nd2File, CziFile, ChannelFolders, FrameFolder)


def open_frames(images: str | Path, channels: Sequence[str], channel_labels: Sequence[str] | None = None) -> Frames:
    """Open the frames of one recording; docs/recordings.md shows what they may be.

    ``images`` is a folder, a file, or a pattern with ``{time}``, ``{channel}`` or both in its path. ``channels`` are the names under
    which the recording's channels are known here, ``channel_labels`` those in the files where they differ. Files without names hold
    the channels in this order. Only the first header is read here; :meth:`Frames.check` looks at all of them.
    """
    labels = list(channel_labels or channels)
    if len(labels) != len(channels):
        raise InputError(
            f"{images}: {len(labels)} channel_labels ({', '.join(labels)}) for {len(channels)} channels ({', '.join(channels)})"
        )
    if "{" in str(images):
        return _open_pattern(str(images), channels, labels)
    return _open_path(Path(images), channels, labels)


def _open_path(path: Path, channels: Sequence[str], labels: Sequence[str] | None) -> Frames:
    if not path.exists():
        raise InputError(f"{path}: no such folder or file of images")
    for kind in FORMATS:
        if kind.accepts(path):
            return kind(path, channels, labels)
    raise InputError(f"{path}: a file of an unknown kind; known are TIFF, PNG, OME-Zarr, ND2 and CZI, and folders of TIFF or PNG files")


def _open_pattern(pattern: str, channels: Sequence[str], labels: Sequence[str]) -> Frames:
    if "{channel}" not in pattern:
        return FrameFiles(pattern, channels, files_by_time(pattern, None))
    pairs = list(zip(channels, labels, strict=True))
    if "{time}" in pattern:
        parts = [FrameFiles(pattern.replace("{channel}", label), [name], files_by_time(pattern, label)) for name, label in pairs]
    else:
        parts = [_open_path(Path(pattern.replace("{channel}", label)), [name], None) for name, label in pairs]
    return JoinedChannels(pattern, channels, parts)
