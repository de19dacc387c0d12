"""Recordings as OME-Zarr 0.4 and 0.5, the first and largest level of the image."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from cellfate.base.errors import InputError
from cellfate.frames.reader import Frames, pick_channels, pixel_type, time_and_channel

KEPT_BYTES = 256 * 2**20  # of decoded chunks that hold several time points


class OmeZarr(Frames):
    """The folder of one OME-Zarr image: axes and level from ``multiscales``, names of the channels from ``omero``.

    A chunk that holds several time points is decoded once and kept while they are read in order, up to 256 MiB; above that it is
    decoded again for each. Raises InputError for a folder that is no image, and for focal planes.
    """

    def __init__(self, path: str | Path, channels: Sequence[str], labels: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        self.channels = tuple(channels)
        self._array, axes, names = _open_image(self.path)
        shape = self._array.shape
        time, channel = time_and_channel(axes, shape, self.path)
        self._axes = axes
        self._t, self._c = (axes.index(letter) if letter else None for letter in (time, channel))
        self.n_frames = shape[self._t] if time else 1
        self._chosen = pick_channels(names, shape[self._c] if channel else 1, channels, labels, self.path)
        self.shape = (shape[axes.index("Y")], shape[axes.index("X")])
        self.dtype = pixel_type(self._array.dtype, self.path)
        self._start, self._kept = 0, np.empty((0, len(channels), *self.shape), self.dtype)

    def read(self, t: int) -> np.ndarray:
        self.refuse_outside(t)
        if not self._start <= t < self._start + len(self._kept):
            self._start, self._kept = self._block(t)
        return self._kept[t - self._start].copy()

    def check(self) -> None:
        """Raise an InputError for a time point of which no chunk was written. What a chunk holds shows when it is decoded."""
        array = self._array
        grid = array.shards or array.chunks
        counts = [-(-length // chunk) for length, chunk in zip(array.shape, grid, strict=True)]
        wanted = sorted({c // grid[self._c] for c in self._chosen}) if self._c is not None else [0]
        others = [range(count) if i not in (self._t, self._c) else range(1) for i, count in enumerate(counts)]
        for t in range(counts[self._t] if self._t is not None else 1):
            for c in wanted:
                places = (self._placed(place, t, c) for place in product(*others))
                if not any(self._file(place).is_file() for place in places):
                    first = t * grid[self._t] if self._t is not None else 0
                    raise InputError(
                        f"{self._file(self._placed([0] * len(counts), t, c))}: missing: nothing was written of time point {first}"
                    )

    def _placed(self, place: Sequence[int], t: int, c: int) -> tuple[int, ...]:
        place = list(place)
        for axis, value in ((self._t, t), (self._c, c)):
            if axis is not None:
                place[axis] = value
        return tuple(place)

    def _file(self, place: tuple[int, ...]) -> Path:
        return self.path / self._array.path / self._array.metadata.encode_chunk_key(place)

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
            raise InputError(f"{self.path}: time point {t}: the image cannot be decoded, a chunk is damaged: {error}") from error
        ends = [axis for axis in (self._t, self._c) if axis is not None] + [self._axes.index("Y"), self._axes.index("X")]
        singles = [axis for axis in range(block.ndim) if axis not in ends]
        block = block.transpose(*singles, *ends).reshape(stop - start, last - first + 1, *self.shape)
        return start, np.ascontiguousarray(block[:, [c - first for c in self._chosen]], self.dtype)


def _open_image(path: Path):
    """The array of the largest level, its axes as capital letters, and the names of the channels or None."""
    import zarr  # half a second

    try:
        group = zarr.open_group(path, mode="r")
        attributes = group.attrs.asdict()
    except Exception as error:  # a damaged store fails in many ways
        raise InputError(f"{path}: not readable as OME-Zarr: {error}") from error
    ome = attributes.get("ome", attributes)
    if "multiscales" not in ome:
        found = ", ".join(sorted(entry.name for entry in path.iterdir() if entry.is_dir()))
        raise InputError(
            f"{path}: no OME-Zarr image here (no multiscales); found the folders {found or 'none'}: name the folder of one image in the "
            f"sheet, such as {path / '0'}"
        )
    try:
        image = ome["multiscales"][0]
        axes = "".join(axis["name"].upper() for axis in image["axes"])
        array = group[image["datasets"][0]["path"]]
        names = [channel.get("label", "") for channel in ome["omero"]["channels"]] if "omero" in ome else None
    except Exception as error:
        raise InputError(f"{path}: its OME-Zarr metadata (0.4 or 0.5 is needed) cannot be used: {type(error).__name__} {error}") from error
    if len(axes) != array.ndim:
        raise InputError(f"{path}: the metadata name the axes {axes}, the image has the shape {array.shape}")
    return array, axes, names
