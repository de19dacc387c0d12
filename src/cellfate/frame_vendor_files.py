"""Recordings in the files that microscopes write, Nikon ND2 and Zeiss CZI. Each needs a package that is not installed by default."""

import importlib
import weakref
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from cellfate.errors import InputError
from cellfate.frame_reader import Frames, pick_channels, pixel_type, time_and_channel

CZI_TYPES = {"Gray8": "uint8", "Gray16": "uint16"}


class Nd2File(Frames):
    """A Nikon ND2 file, read by the package ``nd2``. The file stays open.

    Channels are found by their names in the file. Raises InputError for several positions or focal planes.
    """

    def __init__(self, path: str | Path, channels: Sequence[str], labels: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        self.channels = tuple(channels)
        nd2 = _optional("nd2", "nd2", self.path)
        try:
            self._file = nd2.ND2File(self.path)
            sizes, self.dtype = dict(self._file.sizes), self._file.dtype
            names = [channel.channel.name for channel in self._file.metadata.channels or []]
        except Exception as error:  # a damaged file makes the parser fail in many ways
            raise InputError(f"{self.path}: not readable as ND2, the file is damaged or of another kind: {error}") from error
        weakref.finalize(self, self._file.close)
        time, channel = time_and_channel("".join(sizes), list(sizes.values()), self.path)
        self.n_frames = sizes.get(time, 1)
        self._n_found = sizes.get(channel, 1)
        self._last = channel == "S"
        self._chosen = pick_channels(names, self._n_found, channels, labels, self.path)
        self.shape = (sizes["Y"], sizes["X"])
        self.dtype = pixel_type(self.dtype, self.path)

    @classmethod
    def accepts(cls, path: Path) -> bool:
        return path.is_file() and path.suffix.lower() == ".nd2"

    def read(self, t: int) -> np.ndarray:
        self.refuse_outside(t)
        try:
            image = self._file.read_frame(t)
        except Exception as error:
            raise InputError(f"{self.path}: time point {t}: the image cannot be decoded, the file is damaged: {error}") from error
        size = (*self.shape, self._n_found) if self._last else (self._n_found, *self.shape)
        if image.size != np.prod(size):
            raise InputError(f"{self.path}: time point {t}: decoded to {image.shape}, {size} is expected")
        image = image.reshape(size)
        return np.ascontiguousarray((np.moveaxis(image, 2, 0) if self._last else image)[self._chosen], self.dtype)

    def check(self) -> None:
        """Nothing further: the list of images stands at the end of an ND2 file, which cannot be opened when it is cut short."""


class CziFile(Frames):
    """A Zeiss CZI file, read by the package ``pylibCZIrw``. The file stays open.

    Channels are found by their names in the file. Raises InputError for several scenes or focal planes, and colour images.
    """

    def __init__(self, path: str | Path, channels: Sequence[str], labels: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        self.channels = tuple(channels)
        czi = _optional("pylibCZIrw.czi", "pylibCZIrw", self.path)
        try:
            opened = czi.open_czi(str(self.path))
            self._file = opened.__enter__()
            box, types = self._file.total_bounding_box, self._file.pixel_types
            scenes, names = self._file.scenes_bounding_rectangle, _czi_channel_names(self._file.metadata)
        except Exception as error:  # a damaged file makes the parser fail in many ways
            raise InputError(f"{self.path}: not readable as CZI, the file is damaged or of another kind: {error}") from error
        weakref.finalize(self, opened.__exit__, None, None, None)
        if len(scenes) > 1:
            raise InputError(f"{self.path}: {len(scenes)} scenes (positions) found, one expected: export each to a file of its own")
        lengths = {axis: stop - start for axis, (start, stop) in box.items()}
        time_and_channel("".join(lengths), list(lengths.values()), self.path)
        self._start = {axis: start for axis, (start, _) in box.items() if axis not in "YX"}
        self.n_frames = lengths.get("T", 1)
        self._chosen = pick_channels(names, lengths.get("C", 1), channels, labels, self.path)
        found = sorted({types[self._start.get("C", 0) + c] for c in self._chosen})
        if len(found) > 1 or found[0] not in CZI_TYPES:
            raise InputError(f"{self.path}: pixel type {', '.join(found)} found, all Gray8 or all Gray16 expected (8 or 16 bit unsigned)")
        self.shape, self.dtype = (lengths["Y"], lengths["X"]), np.dtype(CZI_TYPES[found[0]])

    @classmethod
    def accepts(cls, path: Path) -> bool:
        return path.is_file() and path.suffix.lower() == ".czi"

    def read(self, t: int) -> np.ndarray:
        self.refuse_outside(t)
        image = np.empty((len(self._chosen), *self.shape), self.dtype)
        for plane, c in zip(image, self._chosen, strict=True):
            try:
                pixels = self._file.read(plane=self._place(t, c))
            except Exception as error:
                raise InputError(f"{self.path}: time point {t} of channel {c}: the image cannot be decoded: {error}") from error
            if pixels.shape[:2] != self.shape or pixels.dtype != self.dtype:
                raise InputError(f"{self.path}: time point {t} of channel {c}: decoded to {pixels.shape} {pixels.dtype}")
            plane[:] = pixels[..., 0]
        return image

    def check(self) -> None:
        """Raise an InputError for a time point without an image, which the package would read as black."""
        there = set()

        def note(_index: int, block) -> bool:
            place = block.coordinate.to_dict()
            there.add((place.get("T", 0), place.get("C", 0)))
            return True

        self._file.enumerate_subblocks(note)
        for t in range(self.n_frames):
            for c in self._chosen:
                place = self._place(t, c)
                if (place.get("T", 0), place.get("C", 0)) not in there:
                    raise InputError(f"{self.path}: time point {t} of channel {c}: this image is missing in the file")

    def _place(self, t: int, c: int) -> dict[str, int]:
        return {axis: start + {"T": t, "C": c}.get(axis, 0) for axis, start in self._start.items()}


def _optional(module: str, package: str, path: Path) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"{path}: the package {package} is needed to read {path.suffix} files: .venv/bin/pip install {package} "
            f"({error}), or save the recording as OME-TIFF"
        ) from error


def _czi_channel_names(metadata: dict) -> list[str]:
    image = metadata["ImageDocument"]["Metadata"]["Information"]["Image"]
    channels = ((image.get("Dimensions") or {}).get("Channels") or {}).get("Channel", [])
    return [channel.get("@Name", "") for channel in (channels if isinstance(channels, list) else [channels])]
