"""Recordings in Nikon ND2 files, read by the package ``nd2``, which the package leaves to the extra ``nd2``."""

import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError
from cellfate.frames.colours import ColourChoice
from cellfate.frames.reader import Frames, optional_package, pick_channels, pixel_type, time_and_channel


class Nd2File(Frames):
    """A Nikon ND2 file, read by the package ``nd2``. The file stays open.

    Channels are found by their names in the file. Raises InputError for several positions or focal planes.
    """

    def __init__(self, path: str | Path, channels: Sequence[str], labels: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        self.channels = tuple(channels)
        nd2 = optional_package("nd2", "nd2", self.path)
        try:
            self._file = nd2.ND2File(self.path)
            weakref.finalize(self, self._file.close)
            sizes, self.dtype = dict(self._file.sizes), self._file.dtype
            names = [channel.channel.name for channel in self._file.metadata.channels or []]
        except Exception as error:  # a damaged file makes the parser fail in many ways
            raise InputError(in_words(error, self.path, "not readable as ND2, the file is damaged or of another kind")) from error
        time, channel = time_and_channel("".join(sizes), list(sizes.values()), self.path)
        self.n_frames = sizes.get(time, 1)
        self._n_found = sizes.get(channel, 1)
        self._last = channel == "S"
        self.shape = (sizes["Y"], sizes["X"])
        self.dtype = pixel_type(self.dtype, self.path)
        self._colours: ColourChoice | None = None
        if self._last and len(channels) < self._n_found:
            self._chosen = list(range(self._n_found))  # until :meth:`settle`
        else:
            self._chosen = pick_channels(None if self._last else names, self._n_found, channels, labels, self.path)

    def settle(self) -> None:
        if self._last and len(self.channels) < self._n_found:
            samples = (self.read(t) for t in sorted({0, self.n_frames // 2, self.n_frames - 1}))
            self._colours = ColourChoice(samples, self.channels, self._n_found, self.path)
            self.notes.append(self._colours.note)

    def read(self, t: int) -> np.ndarray:
        self.refuse_outside(t)
        try:
            image = self._file.read_frame(t)
        except Exception as error:
            problem = "the image cannot be decoded, the file is damaged"
            raise InputError(in_words(error, f"{self.path}: time point {t}", problem)) from error
        size = (*self.shape, self._n_found) if self._last else (self._n_found, *self.shape)
        if image.size != np.prod(size):
            raise InputError(f"{self.path}: time point {t}: decoded to {image.shape}, {size} is expected")
        image = image.reshape(size)
        image = np.ascontiguousarray((np.moveaxis(image, 2, 0) if self._last else image)[self._chosen], self.dtype)
        return image if self._colours is None else self._colours.of(image, self.where(t))

    def check(self) -> None:
        """Nothing further: the list of images stands at the end of an ND2 file, which cannot be opened when it is cut short."""
