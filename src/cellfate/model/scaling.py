"""How camera counts become the network's input: divided by a constant, minus a mean, over a standard deviation per channel."""

from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.files import read_json, write_json
from cellfate.base.progress import progress
from cellfate.crops.crop_set import CropSet
from cellfate.crops.published_scaling import REFERENCE_DIVISOR, REFERENCE_MEAN, REFERENCE_STD
from cellfate.model.saved.exported import SETTINGS
from cellfate.trajectories.folds import fold_trajectories


@dataclass(frozen=True)
class Scaling:
    """``x -> (x / divisor - mean) / std`` with one mean and standard deviation per channel; ``corrected`` is in camera counts."""

    mode: str  # corrected | reference
    divisor: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channels: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("mean", "std", "channels"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not len(self.mean) == len(self.std) == len(self.channels):
            raise InputError(f"scaling has {len(self.mean)} means and {len(self.std)} deviations for {len(self.channels)} channels")


def reference_scaling(channels: list[str]) -> Scaling:
    """The published constants. Raises an InputError unless there are three channels."""
    if len(channels) != 3:
        raise InputError(f"scaling: reference has constants for 3 channels, the crops have {len(channels)} ({', '.join(channels)})")
    return Scaling("reference", REFERENCE_DIVISOR, REFERENCE_MEAN, REFERENCE_STD, tuple(channels))


def compute_scaling(crops: list[str | Path], trajectories: pd.DataFrame, split: pd.DataFrame, fold: int, scaling: str) -> Scaling:
    """Scaling for one fold; with ``corrected`` from all pixels of its training crops.

    Frames after a trajectory's last frame (the event cut) are left out. Pixels outside the image, which are zero in the
    crops, count as pixels: the network sees them too. The sums are whole numbers, so nothing is rounded before the end.
    """
    cropset = CropSet(crops)
    if scaling == "reference":
        return reference_scaling(cropset.channels)
    if scaling != "corrected":
        raise InputError(f"scaling is {scaling!r}, one of corrected, reference is needed")
    return _from_sums(*_training_sums(cropset, trajectories, split, fold, "compute_scaling"), cropset.channels)


def training_input(crops: list[str | Path], trajectories: pd.DataFrame, split: pd.DataFrame, fold: int, scaling: Scaling) -> np.ndarray:
    """The mean of each channel over the training crops of a fold as the network gets them, (C,): 0 where the scaling is corrected."""
    if scaling.mode == "corrected":
        return np.zeros(len(scaling.channels))
    n_pixels, total, _ = _training_sums(CropSet(crops), trajectories, split, fold, "means of the training crops")
    return (np.array(total, float) / n_pixels / scaling.divisor - np.array(scaling.mean)) / np.array(scaling.std)


def _training_sums(
    cropset: CropSet, trajectories: pd.DataFrame, split: pd.DataFrame, fold: int, label: str
) -> tuple[int, list[int], list[int]]:
    """How many pixels the training crops of a fold have in a channel, and the sums of each channel's values and squares."""
    rows = fold_trajectories(trajectories, split, fold, ["train"])
    if rows.empty:
        raise InputError(f"fold {fold} has no usable training trajectory to compute the scaling from")
    n_pixels, total, squares = 0, [0] * len(cropset.channels), [0] * len(cropset.channels)
    for row in progress(list(rows.itertuples()), f"{label} fold {fold}", unit="trajectory"):
        _, pixels = cropset.read(row.recording, row.track_id, row.first_frame, row.last_frame)
        n_pixels += pixels.size // pixels.shape[1]
        for channel, (plain, squared) in enumerate(_sums(pixels)):
            total[channel] += plain
            squares[channel] += squared
    cropset.close()
    return n_pixels, total, squares


def _sums(crops: np.ndarray) -> list[tuple[int, int]]:
    """Sum and sum of squares per channel of (T, C, S, S) integers, exact: the squares of one crop stay below 2**53."""
    values = crops.astype(np.float64)
    plain = values.sum(axis=(2, 3))
    squared = np.einsum("tcyx,tcyx->tc", values, values)
    return [(sum(map(int, plain[:, c])), sum(map(int, squared[:, c]))) for c in range(crops.shape[1])]


def _from_sums(n_pixels: int, total: list[int], squares: list[int], channels: list[str]) -> Scaling:
    mean = [t / n_pixels for t in total]
    variance = [(n_pixels * s - t * t) for s, t in zip(squares, total, strict=True)]  # times n_pixels**2, a whole number
    for name, value, level in zip(channels, variance, mean, strict=True):
        if value == 0:
            raise InputError(f"channel {name} has the value {level:g} in every pixel of the training crops: there is nothing to scale")
    return Scaling("corrected", 1.0, tuple(mean), tuple(sqrt(v) / n_pixels for v in variance), tuple(channels))


def write_scaling(scaling: Scaling, path: str | Path) -> None:
    """Write a scaling as JSON."""
    write_json(asdict(scaling), path)


def read_scaling(path: str | Path) -> Scaling:
    """Read what :func:`write_scaling` wrote."""
    return Scaling(**read_json(path))


def scaling_of(folder: str | Path) -> Scaling:
    """The scaling that the model of a folder was trained with."""
    return Scaling(**read_json(Path(folder) / SETTINGS)["scaling"])
