"""Recordings as OME-Zarr 0.3 to 0.5, the first and largest level of the image."""

import re
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from pathlib import Path

import numpy as np

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError
from cellfate.frames.reader import Frames, pick_channels, pixel_type, time_and_channel

CHUNK_NAME = re.compile(r"(c[./])?\d+([./]\d+)*")
KEPT_BYTES = 256 * 2**20  # of decoded chunks that hold several time points


class OmeZarr(Frames):
    """The folder of one OME-Zarr image: axes and level from ``multiscales``, names of the channels from ``omero``.

    A chunk that holds several time points is decoded once and kept while they are read in order, up to 256 MiB; above that it is
    decoded again for each. Raises InputError for a folder that is no image, and for focal planes.
    """

    def __init__(self, path: str | Path, channels: Sequence[str], labels: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        self.channels = tuple(channels)
        self._array, axes, names, notes = _open_image(self.path)
        self.notes.extend(notes)
        shape = self._array.shape
        time, channel = time_and_channel(axes, shape, self.path)
        self._axes = axes
        self._t, self._c = (axes.index(letter) if letter else None for letter in (time, channel))
        self.n_frames = shape[self._t] if time else 1
        self._chosen = pick_channels(names, shape[self._c] if channel else 1, channels, labels, self.path)
        self.shape = (shape[axes.index("Y")], shape[axes.index("X")])
        self.dtype = pixel_type(self._array.dtype, self.path)
        self._start, self._kept = 0, np.empty((0, len(channels), *self.shape), self.dtype)

    def refuse_larger(self, max_pixels: int) -> None:
        super().refuse_larger(max_pixels)
        of_chunk = prod(self._array.chunks)
        if of_chunk > max(max_pixels, prod(self._array.shape)):  # a chunk is decoded whole, whatever of it lies inside the image
            raise InputError(f"{self._folder}: chunks of {of_chunk:,} values found, more than all images together have: it is damaged")

    def read(self, t: int) -> np.ndarray:
        self.refuse_outside(t)
        if not self._start <= t < self._start + len(self._kept):
            self._start, self._kept = self._block(t)
        return self._kept[t - self._start].copy()

    def check(self) -> None:
        """Raise an InputError for a time point of which no chunk was written; a note tells of those of which some are not there.

        What a chunk holds shows when it is decoded.
        """
        self._check_names()
        counts = [-(-length // chunk) for length, chunk in zip(self._array.shape, self._array.chunks, strict=True)]
        wanted = sorted({c // self._array.chunks[self._c] for c in self._chosen}) if self._c is not None else [0]
        others = [range(count) if i not in (self._t, self._c) else range(1) for i, count in enumerate(counts)]
        step = self._array.chunks[self._t] if self._t is not None else 1
        there, partial = _Written(self._folder, self._array), []
        for t in range(-(-self.n_frames // step)):
            for c in wanted:
                written = [self._placed(place, t, c) in there for place in product(*others)]
                if not any(written):
                    raise InputError(self._nothing_of(t * step, self._placed([0] * len(counts), t, c)))
                if not all(written) and t * step not in partial:
                    partial.append(t * step)
        if partial:
            shown = ", ".join(map(str, partial[:5])) + (f" and {len(partial) - 5} more" if len(partial) > 5 else "")
            self.notes.append(f"{self.path}: parts of the images of time point {shown} were not written and are read as zeros")

    @property
    def _folder(self) -> Path:
        return self.path / self._array.path

    def _nothing_of(self, t: int, place: tuple[int, ...]) -> str:
        way_out = f". To leave out all from there on, put {t - 1} into the column last_image of the sheet" if t else ""
        return f"{self._folder / chunk_key(self._array, place)}: missing: nothing was written of time point {t}{way_out}"

    def _check_names(self) -> None:
        """Raise an InputError where all chunks have names of another kind than the metadata say: every pixel would be zero."""
        expected = self._array.metadata.encode_chunk_key((0,) * self._array.ndim)
        found = next((name for name in _first_files(self._folder, self._array.ndim + 1) if CHUNK_NAME.fullmatch(name)), None)
        if found is not None and re.sub(r"\d+", "0", found) != expected:
            raise InputError(
                f"{self._folder}: its chunks are named like {found}, but the metadata say {expected}, so that no pixel would be found: "
                f"correct dimension_separator ({'.zarray' if self._array.metadata.zarr_format == 2 else 'chunk_key_encoding, zarr.json'})"
            )

    def _placed(self, place: Sequence[int], t: int, c: int) -> tuple[int, ...]:
        place = list(place)
        for axis, value in ((self._t, t), (self._c, c)):
            if axis is not None:
                place[axis] = value
        return tuple(place)

    def _block(self, t: int) -> tuple[int, np.ndarray]:
        """The time points (T, C, H, W) of the chunks that hold ``t``, and the first of them; ``t`` alone where they are too large."""
        steps = self._array.chunks[self._t] if self._t is not None else 1
        frame_bytes = self.dtype.itemsize * len(self._chosen) * self.shape[0] * self.shape[1]
        start, stop = t // steps * steps, min((t // steps + 1) * steps, self.n_frames)
        if (stop - start) * frame_bytes > KEPT_BYTES:
            start, stop = t, t + 1
        first, last = min(self._chosen), max(self._chosen)
        chosen = [slice(None)] * len(self._axes)
        if self._t is not None:
            chosen[self._t] = slice(start, stop)
        if self._c is not None:
            chosen[self._c] = slice(first, last + 1)
        self._kept = self._kept[:0]  # before the next block is read
        try:
            block = np.asarray(self._array[tuple(chosen)])
        except Exception as error:  # stores and decoders raise many kinds
            problem = "the image cannot be decoded, a chunk is damaged"
            raise InputError(in_words(error, f"{self.path}: time point {t}", problem)) from error
        ends = [axis for axis in (self._t, self._c) if axis is not None] + [self._axes.index("Y"), self._axes.index("X")]
        singles = [axis for axis in range(block.ndim) if axis not in ends]
        block = block.transpose(*singles, *ends).reshape(stop - start, last - first + 1, *self.shape)
        return start, np.ascontiguousarray(block[:, [c - first for c in self._chosen]], self.dtype)


def chunk_key(array, place: tuple[int, ...]) -> str:
    """The name, inside the array's folder, of the file with a chunk: of the shard that holds it, where there are shards."""
    if array.shards is not None:
        place = tuple(at * chunk // shard for at, chunk, shard in zip(place, array.chunks, array.shards, strict=True))
    return array.metadata.encode_chunk_key(place)


class _Written:
    """Which chunks of an array were written: those whose file is there or, in shards, that stand in the index of their shard."""

    def __init__(self, folder: Path, array) -> None:
        self._folder, self._array = folder, array
        self._indices: dict[str, np.ndarray | None] = {}

    def __contains__(self, place: tuple[int, ...]) -> bool:
        key = chunk_key(self._array, place)
        if self._array.shards is None:
            return (self._folder / key).is_file()
        if key not in self._indices:
            self._indices = {key: _shard_index(self._folder / key, self._array)}  # places come in order, so that one is enough
        index = self._indices[key]
        return index is not None and bool(index[tuple(at % length for at, length in zip(place, index.shape, strict=True))])


def _shard_index(file: Path, array) -> np.ndarray | None:
    """Which chunks of a shard were written, as truth values in the shard's grid of chunks; None where the file is not there.

    Offset and length of each stand as 64 bit numbers at the end or start of the file; all bits are set where there is no chunk.
    """
    if not file.is_file():
        return None
    grid = tuple(shard // chunk for shard, chunk in zip(array.shards, array.chunks, strict=True))
    codec = array.metadata.codecs[0]
    kinds = [type(one).__name__ for one in codec.index_codecs]
    if kinds not in (["BytesCodec"], ["BytesCodec", "Crc32cCodec"]):
        return np.ones(grid, bool)  # an index that is compressed, which no program writes
    n_bytes, checksum = 16 * prod(grid), 4 * (len(kinds) - 1)
    size = file.stat().st_size
    if size < n_bytes + checksum:
        raise InputError(f"{file}: truncated: {size} bytes found, its index of chunks alone has {n_bytes + checksum}")
    with open(file, "rb") as stream:
        stream.seek(0 if codec.index_location.value == "start" else size - n_bytes - checksum)
        raw = stream.read(n_bytes)
    order = "<" if codec.index_codecs[0].endian is None or codec.index_codecs[0].endian.value == "little" else ">"
    index = np.frombuffer(raw, f"{order}u8").reshape(*grid, 2)
    written = index[..., 0] != np.uint64(2**64 - 1)
    ends = index[written].astype(float).sum(axis=-1)
    if ends.size and ends.max() > size:
        raise InputError(f"{file}: truncated or damaged: a chunk is said to end at byte {ends.max():.0f}, the file has {size}")
    return written


def _first_files(folder: Path, depth: int) -> Iterator[str]:
    """Names of files in a folder and in the first of its folders, of that of its folders and so on, hidden ones left out."""
    place = folder
    for _ in range(depth):
        entries = sorted(entry for entry in place.iterdir() if not entry.name.startswith("."))
        yield from (entry.relative_to(folder).as_posix() for entry in entries if entry.is_file())
        place = next((entry for entry in entries if entry.is_dir()), None)
        if place is None:
            return


def _open_image(path: Path):
    """The array of the largest level, its axes as capital letters, the names of the channels or None, and notes."""
    import zarr  # half a second

    try:
        group = zarr.open_group(path, mode="r")
        attributes = group.attrs.asdict()
    except Exception as error:  # a damaged store fails in many ways
        raise InputError(in_words(error, path, "not readable as OME-Zarr")) from error
    ome = attributes.get("ome", attributes)
    if "multiscales" not in ome:
        found = ", ".join(sorted(entry.name for entry in path.iterdir() if entry.is_dir()))
        raise InputError(
            f"{path}: no OME-Zarr image here (no multiscales); found the folders {found or 'none'}: name the folder of one image in the "
            f"sheet, such as {path / '0'}"
        )
    try:
        image = ome["multiscales"][0]
        axes = _axes_of(image, path)
        array = _largest_level(group, image, path)
        names = [channel.get("label", "") for channel in ome["omero"]["channels"]] if "omero" in ome else None
        notes = _note_of_others(ome["multiscales"], path)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: its OME-Zarr metadata (0.3 to 0.5 is needed) cannot be used: {type(error).__name__} {error}") from error
    if len(axes) != array.ndim:
        raise InputError(f"{path}: the metadata name the axes {', '.join(axes)}, the image has the shape {array.shape}")
    return array, axes, names, notes


def _axes_of(image: dict, path: Path) -> str:
    """The axes of an image as capital letters: by their types, time and channel, whatever they are called, else by their names."""
    if not image.get("axes"):
        raise InputError(f"{path}: its metadata say no axes, as before OME-Zarr 0.3, so which of them is time is not known: export it anew")
    axes = [{"name": axis} if isinstance(axis, str) else axis for axis in image["axes"]]  # texts in 0.3
    letters = [{"time": "T", "channel": "C"}.get(axis.get("type"), axis["name"].upper()) for axis in axes]
    if odd := [axis["name"] for axis, letter in zip(axes, letters, strict=True) if len(letter) != 1]:
        raise InputError(f"{path}: its metadata name an axis {odd[0]!r}; t, c, z, y and x are known, and the types time and channel")
    return "".join(letters)


def _largest_level(group, image: dict, path: Path):
    """The array of the first level, which must be the largest."""
    paths = [level["path"] for level in image["datasets"]]
    if absent := [one for one in paths[:1] if one not in group]:
        raise InputError(f"{path}: its metadata name the image {absent[0]!r}, which is not in this folder")
    first, *others = [group[one] for one in paths if one in group]
    if larger := [one for one in others if prod(one.shape) > prod(first.shape)]:
        raise InputError(
            f"{path}: the first level of its metadata, {paths[0]}, has the shape {first.shape}, a later one {larger[0].shape}: the largest "
            "must stand first in multiscales"
        )
    return first


def _note_of_others(images: list, path: Path) -> list[str]:
    if len(images) == 1:
        return []
    names = ", ".join(str(image.get("name", "without a name")) for image in images)
    return [f"{path}: its metadata describe {len(images)} images ({names}), of which the first is read"]
