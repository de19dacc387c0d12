"""Trajectories as training examples: read, downsampled, augmented."""

from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import Dataset

from cellfate.base.errors import InputError
from cellfate.base.memory import available_bytes
from cellfate.base.progress import progress
from cellfate.crops.crop_set import CropSet
from cellfate.model.inputs import downsample, prepare
from cellfate.model.scaling import Scaling
from cellfate.training.augmentation import AugmentationSettings, prepare_augmented
from cellfate.training.samplers import AUGMENTATION_STREAM, LABEL_STREAM, Draw


class Example(NamedTuple):
    """One trajectory as the network takes it: frames (T, C, S, S) float32."""

    frames: Tensor
    label: float
    trajectory: str


class Batch(NamedTuple):
    """Several trajectories: frames one after another (sum of lengths, C, S, S), lengths (B,), labels (B,) float32, ids."""

    frames: Tensor
    lengths: Tensor
    labels: Tensor
    trajectories: list[str]


class CountsBatch(NamedTuple):
    """Several trajectories as they were read: crops (T, C, S, S) in counts of each, seeds of their augmentation (None: plain)."""

    crops: list[Tensor]
    seeds: list[tuple[int, ...] | None]
    labels: Tensor
    trajectories: list[str]
    recordings: list[str]


class TrajectoryDataset(Dataset):
    """The trajectories of a table (see :func:`cellfate.trajectories.folds.fold_trajectories`) with their crops.

    ``dataset[row]`` is the plain example, ``dataset[Draw(...)]`` the augmented one. Crops are read from disk each time, or
    with ``cache`` once at the start and kept in memory at ``input_size`` in the camera's integers; the examples are equal.
    """

    def __init__(
        self,
        rows: pd.DataFrame,
        cropset: CropSet,
        scaling: Scaling,
        input_size: int,
        augmentation: AugmentationSettings | None = None,
        *,
        seed: int,
        cache: bool,
        label: str = "reading crops",
    ) -> None:
        self.rows = list(rows.itertuples(index=False))
        self.cropset = cropset
        self.scaling = scaling
        self.input_size = input_size
        self.augmentation = augmentation
        self.seed = seed
        if tuple(cropset.channels) != scaling.channels:
            raise InputError(f"the crops have channels {', '.join(cropset.channels)}, the scaling has {', '.join(scaling.channels)}")
        self._cached = [self._read(row) for row in progress(self.rows, label, unit="trajectory")] if cache else None

    def _read(self, row: NamedTuple) -> np.ndarray:
        _, crops = self.cropset.read(row.recording, row.track_id, row.first_frame, row.last_frame)
        return downsample(crops, self.input_size)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, item: int | Draw) -> Example:
        crops, seed, row = self.counts(item)
        scaling = self.scaling.of(row.recording)
        frames = prepare(crops, scaling) if seed is None else prepare_augmented(crops, scaling, self.augmentation, seed)
        return Example(frames, _label(row), row.trajectory)

    def counts(self, item: int | Draw) -> tuple[np.ndarray, tuple[int, ...] | None, NamedTuple]:
        """The crops of a trajectory or draw, the seed of its augmentation (None: plain) and its row."""
        draw = item if isinstance(item, Draw) else None
        index = draw.row if draw else item
        row = self.rows[index]
        crops = self._cached[index] if self._cached is not None else self._read(row)
        return crops, None if draw is None else (AUGMENTATION_STREAM, self.seed, draw.epoch, draw.place), row


class CountsDataset(Dataset):
    """The examples of a :class:`TrajectoryDataset` as they were read, for :func:`prepare_batch` to prepare on a GPU."""

    def __init__(self, dataset: TrajectoryDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, item: int | Draw) -> CountsBatch:
        crops, seed, row = self.dataset.counts(item)
        return CountsBatch([torch.from_numpy(crops)], [seed], torch.tensor([_label(row)]), [row.trajectory], [row.recording])


def _label(row: NamedTuple) -> float:
    return float("nan") if pd.isna(row.label) else float(row.label)


def collate(examples: list[Example]) -> Batch:
    """Examples as one batch without padding."""
    return Batch(
        torch.cat([example.frames for example in examples]),
        torch.tensor([len(example.frames) for example in examples]),
        torch.tensor([example.label for example in examples], dtype=torch.float32),
        [example.trajectory for example in examples],
    )


def collate_counts(parts: list[CountsBatch]) -> CountsBatch:
    """One batch of the parts."""
    crops, seeds, labels, trajectories, recordings = zip(*parts, strict=True)
    crops, seeds, trajectories, recordings = (list(chain.from_iterable(lists)) for lists in (crops, seeds, trajectories, recordings))
    return CountsBatch(crops, seeds, torch.cat(labels), trajectories, recordings)


def prepare_batch(batch: CountsBatch, scaling: Scaling, augmentation: AugmentationSettings, device: torch.device) -> Batch:
    """What :func:`collate` makes of the same examples, but for rounding, computed on ``device``; lengths stay on the CPU."""
    frames = []
    for crops, seed, recording in zip(batch.crops, batch.seeds, batch.recordings, strict=True):
        counts, own = crops.to(device, non_blocking=True), scaling.of(recording)
        frames.append(prepare(counts, own) if seed is None else prepare_augmented(counts, own, augmentation, seed))
    lengths = torch.tensor([len(part) for part in frames])
    return Batch(torch.cat(frames), lengths, batch.labels.to(device, non_blocking=True), batch.trajectories)


def shuffled_labels(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """``rows`` with their labels exchanged at random within each part of the split, so that each keeps as many of either outcome.

    Across recordings, so that what a recording has in common tells nothing of the labels either.
    """
    rng = np.random.default_rng([LABEL_STREAM, seed])
    return rows.assign(label=rows.groupby("split")["label"].transform(lambda labels: labels.to_numpy()[rng.permutation(len(labels))]))


def check_cache_fits(rows: pd.DataFrame, cropset: CropSet, input_size: int, devices: int) -> None:
    """Raise an InputError where the crops of ``rows``, kept in memory by each of ``devices`` processes, need more than is left."""
    n_frames = int((rows["last_frame"] - rows["first_frame"] + 1).sum())
    needed = devices * n_frames * len(cropset.channels) * input_size**2 * cropset.itemsize
    left = available_bytes()
    if left is not None and needed > left:
        times = f" in {devices} processes" if devices > 1 else ""
        raise InputError(
            f"training.cache is true, and the crops of {len(rows)} trajectories, {n_frames} frames, need {needed / 1e9:.1f} GB of memory"
            f"{times}, but {left / 1e9:.1f} GB are left for this job: take training.cache: false, a smaller model.input_size, "
            "or give the job more (--set-resources train_model:mem_mb=...)"
        )


def check_classes(rows: pd.DataFrame, part: str, fold: int, outcomes: dict[str, str]) -> None:
    """Raise an InputError unless the part of the fold has usable trajectories of both outcomes."""
    counts = {outcomes["negative"]: int((rows["label"] == 0).sum()), outcomes["positive"]: int((rows["label"] == 1).sum())}
    if min(counts.values()) == 0:
        shown = " and ".join(f"{n} {name}" for name, n in counts.items())
        raise InputError(f"the {part} part of fold {fold} has {shown} trajectories that are long enough: both outcomes are needed")
