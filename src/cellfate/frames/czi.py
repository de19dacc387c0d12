"""Recordings in Zeiss CZI files, read by the package ``pylibCZIrw``, which the package leaves to the extra ``czi``."""

import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError
from cellfate.frames.reader import Frames, optional_package, pick_channels, time_and_channel

CZI_TYPES = {"Gray8": "uint8", "Gray16": "uint16"}


class CziFile(Frames):
    """A Zeiss CZI file, read by the package ``pylibCZIrw``. The file stays open.

    Channels are found by their names in the file. Raises InputError for several scenes or focal planes, and colour images.
    """

    def __init__(self, path: str | Path, channels: Sequence[str], labels: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        self.channels = tuple(channels)
        czi = optional_package("pylibCZIrw.czi", "pylibCZIrw", self.path)
        try:
            opened = czi.open_czi(str(self.path))
            self._file = opened.__enter__()
            box, types = self._file.total_bounding_box, self._file.pixel_types
            scenes, names = self._file.scenes_bounding_rectangle, _czi_channel_names(self._file.metadata)
        except Exception as error:  # a damaged file makes the parser fail in many ways
            raise InputError(in_words(error, self.path, "not readable as CZI, the file is damaged or of another kind")) from error
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

    def read(self, t: int) -> np.ndarray:
        self.refuse_outside(t)
        image = np.empty((len(self._chosen), *self.shape), self.dtype)
        for plane, c in zip(image, self._chosen, strict=True):
            try:
                pixels = self._file.read(plane=self._place(t, c))
            except Exception as error:
                where = f"{self.path}: time point {t} of channel {c}"
                raise InputError(in_words(error, where, "the image cannot be decoded")) from error
            if pixels.shape[:2] != self.shape or pixels.dtype != self.dtype:
                found = f"decoded to {pixels.shape} {pixels.dtype}, {self.shape} {self.dtype} expected"
                raise InputError(f"{self.path}: time point {t} of channel {c}: {found}")
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


def _czi_channel_names(metadata: dict) -> list[str]:
    image = metadata["ImageDocument"]["Metadata"]["Information"]["Image"]
    channels = ((image.get("Dimensions") or {}).get("Channels") or {}).get("Channel", [])
    return [channel.get("@Name", "") for channel in (channels if isinstance(channels, list) else [channels])]
