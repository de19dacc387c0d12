"""How camera counts become the network's input: divided by a constant, minus a mean, over a standard deviation per channel.

With ``recording`` the counts are first taken relative to each recording's own level, so that gain and offset do not matter.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from math import sqrt
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.files import read_json, write_json
from cellfate.base.progress import progress
from cellfate.crops.crop_file import CropFile
from cellfate.crops.crop_set import CropSet
from cellfate.crops.levels import Levels, crop_levels
from cellfate.crops.published_scaling import REFERENCE_DIVISOR, REFERENCE_MEAN, REFERENCE_STD
from cellfate.model.saved.exported import SETTINGS
from cellfate.trajectories.folds import fold_trajectories


@dataclass(frozen=True)
class Scaling:
    """``x -> (x / divisor - mean) / std`` with one mean and standard deviation per channel; ``corrected`` is in camera counts.

    With ``recording``, mean and deviation are those of (counts - background) / signal with the levels of each recording, taken from the
    first ``n_first`` frames in which it has cells; :meth:`of` gives the scaling of counts of one of them.
    """

    mode: str  # corrected | reference | recording
    divisor: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channels: tuple[str, ...]
    n_first: int | None = None
    levels: Mapping[str, Levels] = field(default_factory=dict)

    def __post_init__(self) -> None:
        levels = {name: own if isinstance(own, Levels) else Levels(**own) for name, own in self.levels.items()}
        object.__setattr__(self, "levels", levels)
        for name in ("mean", "std", "channels"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not len(self.mean) == len(self.std) == len(self.channels):
            raise InputError(f"scaling has {len(self.mean)} means and {len(self.std)} deviations for {len(self.channels)} channels")

    def of(self, recording: str) -> "Scaling":
        """The scaling of one recording's counts. Raises InputError where its level is needed and not known."""
        if self.mode != "recording":
            return self
        if recording not in self.levels:
            raise InputError(f"scaling: recording needs the level of recording {recording}, which it was not made with")
        own = self.levels[recording]
        mean = [level + signal * value for level, signal, value in zip(own.background, own.signal, self.mean, strict=True)]
        std = [signal * value for signal, value in zip(own.signal, self.std, strict=True)]
        return Scaling("corrected", 1.0, tuple(mean), tuple(std), self.channels)

    def with_level(self, recording: str, levels: Levels) -> "Scaling":
        """The same with the level of one more recording."""
        return replace(self, levels={**self.levels, recording: levels})


def reference_scaling(channels: list[str]) -> Scaling:
    """The published constants. Raises an InputError unless there are three channels."""
    if len(channels) != 3:
        raise InputError(f"scaling: reference has constants for 3 channels, the crops have {len(channels)} ({', '.join(channels)})")
    return Scaling("reference", REFERENCE_DIVISOR, REFERENCE_MEAN, REFERENCE_STD, tuple(channels))


def compute_scaling(
    crops: list[str | Path], trajectories: pd.DataFrame, split: pd.DataFrame, fold: int, scaling: str, *, scaling_frames: int
) -> Scaling:
    """Scaling for one fold; with ``corrected`` and ``recording`` from all pixels of its training crops.

    Frames after a trajectory's last frame (the event cut) are left out. Pixels outside the image, which are zero in the
    crops, count as pixels: the network sees them too. The sums are whole numbers, so nothing is rounded before the end. With ``recording``
    the level of every recording, held out or not, is taken from its crops in its first ``scaling_frames`` frames that have any.
    """
    cropset = CropSet(crops)
    if scaling == "reference":
        return reference_scaling(cropset.channels)
    if scaling not in ("corrected", "recording"):
        raise InputError(f"scaling is {scaling!r}, one of corrected, recording, reference is needed")
    sums = _training_sums(cropset, trajectories, split, fold, "compute_scaling")
    if scaling == "corrected":
        return _from_sums(_Sums.of_all(sums.values()), cropset.channels)
    return _of_recordings(sums, _levels(crops, trajectories, scaling_frames), scaling_frames, cropset.channels)


def training_input(crops: list[str | Path], trajectories: pd.DataFrame, split: pd.DataFrame, fold: int, scaling: Scaling) -> np.ndarray:
    """The mean of each channel over the training crops of a fold as the network gets them, (C,): 0 unless the scaling is the reference."""
    if scaling.mode != "reference":
        return np.zeros(len(scaling.channels))
    sums = _Sums.of_all(_training_sums(CropSet(crops), trajectories, split, fold, "means of the training crops").values())
    return (np.array(sums.total, float) / sums.n_pixels / scaling.divisor - np.array(scaling.mean)) / np.array(scaling.std)


def _training_sums(cropset: CropSet, trajectories: pd.DataFrame, split: pd.DataFrame, fold: int, label: str) -> dict[str, "_Sums"]:
    """The sums of the training crops of a fold, by recording."""
    rows = fold_trajectories(trajectories, split, fold, ["train"])
    if rows.empty:
        raise InputError(f"fold {fold} has no usable training trajectory to compute the scaling from")
    sums = {recording: _Sums.empty(len(cropset.channels)) for recording in rows["recording"].unique()}
    for row in progress(list(rows.itertuples()), f"{label} fold {fold}", unit="trajectory"):
        _, pixels = cropset.read(row.recording, row.track_id, row.first_frame, row.last_frame)
        sums[row.recording].add(pixels)
    cropset.close()
    return sums


def _levels(crops: list[str | Path], trajectories: pd.DataFrame, scaling_frames: int) -> dict[str, Levels]:
    """The level of each recording that has a usable trajectory."""
    needed, found = set(trajectories.loc[trajectories["usable"], "recording"]), {}
    for path in crops:
        with CropFile(path) as file:
            if file.recording in needed:
                found[file.recording] = crop_levels(file, scaling_frames)
    return found


@dataclass
class _Sums:
    """Number of pixels, and per channel their sum and sum of squares, as whole numbers."""

    n_pixels: int
    total: list[int]
    squares: list[int]

    @classmethod
    def empty(cls, n_channels: int) -> "_Sums":
        return cls(0, [0] * n_channels, [0] * n_channels)

    @classmethod
    def of_all(cls, parts: Iterable["_Sums"]) -> "_Sums":
        parts = list(parts)
        columns = [[sum(values) for values in zip(*(getattr(p, name) for p in parts), strict=True)] for name in ("total", "squares")]
        return cls(sum(part.n_pixels for part in parts), *columns)

    def add(self, crops: np.ndarray) -> None:
        """Add the pixels of (T, C, S, S) integers, exactly: the squares of one crop stay below 2**53."""
        values = crops.astype(np.float64)
        plain, squared = values.sum(axis=(2, 3)), np.einsum("tcyx,tcyx->tc", values, values)
        self.n_pixels += crops.size // crops.shape[1]
        for channel in range(crops.shape[1]):
            self.total[channel] += sum(map(int, plain[:, channel]))
            self.squares[channel] += sum(map(int, squared[:, channel]))


def _from_sums(sums: _Sums, channels: list[str]) -> Scaling:
    n_pixels = sums.n_pixels
    mean = [total / n_pixels for total in sums.total]
    variance = [(n_pixels * s - t * t) for s, t in zip(sums.squares, sums.total, strict=True)]  # times n_pixels**2, a whole number
    for name, value, level in zip(channels, variance, mean, strict=True):
        if value == 0:
            raise InputError(f"channel {name} has the value {level:g} in every pixel of the training crops: there is nothing to scale")
    return Scaling("corrected", 1.0, tuple(mean), tuple(sqrt(v) / n_pixels for v in variance), tuple(channels))


def _of_recordings(sums: Mapping[str, _Sums], levels: Mapping[str, Levels], scaling_frames: int, channels: list[str]) -> Scaling:
    """Mean and deviation of (counts - background) / signal over the pixels of all recordings of ``sums``."""
    n_pixels = sum(own.n_pixels for own in sums.values())
    moments = np.zeros((2, len(channels)))
    for recording, own in sums.items():
        level, signal = (np.array(values) for values in (levels[recording].background, levels[recording].signal))
        total, squares = np.array(own.total, float), np.array(own.squares, float)
        moments += [(total - own.n_pixels * level) / signal, (squares - 2 * level * total + own.n_pixels * level**2) / signal**2]
    mean, second = moments / n_pixels
    std = np.sqrt(second - mean**2)
    return Scaling("recording", 1.0, tuple(map(float, mean)), tuple(map(float, std)), tuple(channels), scaling_frames, levels)


def write_scaling(scaling: Scaling, path: str | Path) -> None:
    """Write a scaling as JSON."""
    write_json(asdict(scaling), path)


def read_scaling(path: str | Path) -> Scaling:
    """Read what :func:`write_scaling` wrote."""
    return Scaling(**read_json(path))


def scaling_of(folder: str | Path) -> Scaling:
    """The scaling that the model of a folder was trained with."""
    return Scaling(**read_json(Path(folder) / SETTINGS)["scaling"])
