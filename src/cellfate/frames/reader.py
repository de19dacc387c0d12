"""What every reader of a recording's frames offers, and what all of them refuse."""

import functools
import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np

from cellfate.base.causes import cause_of, in_words
from cellfate.base.errors import InputError

PIXEL_TYPES = (np.dtype("uint8"), np.dtype("uint16"))
MAX_PIXELS = 100_000_000  # of an image, where nobody says another limit: as source.max_pixels in config.yaml
UNNAMED_AXES = "IQ"  # tifffile's letters for an axis of images whose meaning the file does not say
AXIS_NAMES = {
    "Z": "focal planes",
    "P": "positions",
    "S": "colour samples",
    "H": "phases",
    "M": "mosaic tiles",
    "V": "views",
    "R": "rotations",
}


class Frames(ABC):
    """One recording. ``shape`` is (height, width) in pixels, ``dtype`` uint8 or uint16, ``channels`` the channels' names in order."""

    path: Path
    channels: tuple[str, ...]
    n_frames: int
    shape: tuple[int, int]
    dtype: np.dtype

    def __init_subclass__(cls, **options) -> None:
        """Of what goes wrong in a reader because of a file, the user sees an InputError with the recording's name."""
        super().__init_subclass__(**options)
        for name in {"read", "check"} & set(vars(cls)):
            setattr(cls, name, _in_words_of_user(getattr(cls, name)))

    @abstractmethod
    def read(self, t: int) -> np.ndarray:
        """Frame ``t`` (0-based) as an array (channels, height, width); in memory the axes may lie in another order."""

    @abstractmethod
    def check(self) -> None:
        """Raise an InputError when a frame is missing, damaged or unlike the others. Reads headers only."""

    @property
    def notes(self) -> list[str]:
        """What the user should know of how the files are read, and no error is; more may come with :meth:`check`."""
        return self.__dict__.setdefault("_notes", [])

    def where(self, t: int) -> str:
        """The name of frame ``t`` for a message: its file, or the recording's with the time point."""
        return f"{self.path}: time point {t}"

    def leave_out_after(self, last_image: int) -> None:
        """Let the recording end with frame ``last_image`` (0-based); later ones are neither read nor checked."""
        if not 0 <= last_image < self.n_frames:
            raise InputError(f"{self.path}: last_image is {last_image}, the recording has the frames 0 to {self.n_frames - 1}")
        self.n_frames = last_image + 1

    def settle(self) -> None:  # noqa: B027  most have nothing to decide
        """Decide what depends on which frames count, and raise an InputError where these do not fit: after :meth:`leave_out_after`."""

    def refuse_larger(self, max_pixels: int) -> None:
        """Raise an InputError for images of more than ``max_pixels``, which a small file can hold and no memory may: nothing is decoded."""
        n_pixels = self.shape[0] * self.shape[1]
        if n_pixels > max_pixels:
            raise InputError(
                f"{self.path}: images of {self.shape[0]} x {self.shape[1]} = {n_pixels:,} pixels found, at most {max_pixels:,} are read: "
                "where they are meant and the memory is there, raise source.max_pixels (cellfate predict: --max-pixels)"
            )

    def refuse_outside(self, t: int) -> None:
        """Raise an InputError unless frame ``t`` is one of the recording's."""
        if not 0 <= t < self.n_frames:
            raise InputError(f"{self.path}: frame {t} asked for, the recording has the frames 0 to {self.n_frames - 1}")


def _in_words_of_user(method: Callable) -> Callable:
    @functools.wraps(method)
    def guarded(self, *arguments):
        with damage_in_words(self.path):
            return method(self, *arguments)

    return guarded


@contextmanager
def damage_in_words(source: str | Path) -> Iterator[None]:
    """Turn whatever a library raises because of a file into an InputError that names ``source``."""
    try:
        yield
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{source}: the images need more memory than there is: a huge image, or a damaged header") from error
    except OSError as error:
        plain = error.strerror and cause_of(error) is None
        raise InputError(f"{source}: cannot be read: {error.strerror}" if plain else in_words(error, source)) from error
    except Exception as error:  # a damaged file makes libraries fail in many ways
        raise InputError(in_words(error, source)) from error


def pixel_type(found: np.dtype, source: str | Path) -> np.dtype:
    """``found`` in the machine's byte order; InputError unless it is 8 or 16 bit unsigned."""
    native = np.dtype(found).newbyteorder("=")
    if native not in PIXEL_TYPES:
        raise InputError(f"{source}: pixel type {native} found, 8 or 16 bit unsigned expected")
    return native


def time_and_channel(axes: str, shape: Sequence[int], source: str | Path) -> tuple[str, str]:
    """The letters of the axes of time and of the channels, '' where there is none, of an array with the given axes.

    ``axes`` are letters as OME has them, in any order. Time is T or, without it, the only axis that has no name. Channels are C or
    the colour samples S. Raises InputError when another axis (focal planes, positions) is longer than 1, or an image has no Y and X.
    """
    length = dict(zip(axes, shape, strict=True)) if len(set(axes)) == len(axes) else {}
    if not {"Y", "X"} <= set(length):
        raise InputError(f"{source}: axes {axes} {tuple(shape)} found: which of them is time is not said; {SAY_AXES}")
    longer = [axis for axis in axes if length[axis] > 1 and axis not in "YX"]
    time = "T" if "T" in axes else next((axis for axis in longer if axis in UNNAMED_AXES), "")
    channel = "S" if "S" in longer and "C" not in longer else "C" if "C" in axes else ""
    for axis in longer:
        if axis == "Z":
            raise InputError(
                f"{source}: a stack of {length['Z']} focal planes found (axes {axes}), one plane per time point expected: project it or "
                "choose a plane first; where these are time points, say so in the file (ImageJ: Image > Properties, slices and frames)"
            )
        if axis not in (time, channel):
            found = f"{length[axis]} {AXIS_NAMES.get(axis, f'images along axis {axis}')} found (axes {axes})"
            raise InputError(f"{source}: {found}, one recording of time points and channels expected; {SAY_AXES}")
    return time, channel


SAY_AXES = "save one position per file, as OME-TIFF or ImageJ hyperstack"


def pick_channels(
    found: Sequence[str] | None, n_found: int, channels: Sequence[str], labels: Sequence[str] | None, source: str | Path
) -> list[int]:
    """Where the wanted channels stand in a file of ``n_found`` channels.

    ``found`` are the names that the file gives its channels (None or empty names: it gives none), ``labels`` those to look for, one
    per wanted channel. Without names, or without ``labels``, the channels are taken in the file's order, and there must be as many
    as wanted. Raises InputError that lists what was found.
    """
    named = list(found or [])
    if any(named) and len(named) != n_found:
        raise InputError(
            f"{source}: the metadata name {len(named)} channels ({', '.join(named)}), the images have {n_found}; the sheet asks for "
            f"{len(channels)}: nothing says which is which; correct the metadata, or export the recording again"
        )
    if labels is None or len(named) != n_found or not all(named):
        if n_found != len(channels):
            raise InputError(f"{source}: {n_found} channel(s) found, {len(channels)} expected ({', '.join(channels)})")
        return list(range(n_found))
    for label in labels:
        if named.count(label) != 1:
            problem = "no channel" if label not in named else f"{named.count(label)} channels"
            raise InputError(
                f"{source}: {problem} named {label!r} in the file; found: {', '.join(named)}. Give these names in the sheet, in channels "
                "or, to keep other names, in channel_labels"
            )
    return [named.index(label) for label in labels]


def optional_package(module: str, package: str, path: Path) -> ModuleType:
    """The module of a package that only some formats need; an InputError that says how to install it where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"{path}: the package {package} is needed to read {path.suffix} files: .venv/bin/pip install {package} "
            f"({error}), or save the recording as OME-TIFF"
        ) from error
