"""One vector per frame from the trained backbone, kept on disk: whatever is asked of the frames later, the ResNet runs once."""

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import repeat
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from cellfate.base.errors import InputError
from cellfate.base.files import sha256
from cellfate.base.hdf5 import writing_hdf5
from cellfate.base.progress import progress
from cellfate.crops.crop_set import CropSet
from cellfate.model.embedding_file import EmbeddingWriter
from cellfate.model.inputs import downsample, prepare
from cellfate.model.network import FateModel, device_for
from cellfate.model.saved.folder import load_model
from cellfate.model.saved.members import WEIGHTS
from cellfate.model.scaling import Scaling
from cellfate.trajectories.folds import fold_trajectories


def embed_frames(
    crops: list[str | Path],
    trajectories: pd.DataFrame,
    split: pd.DataFrame,
    model_folder: str | Path,
    path: str | Path,
    *,
    fold: int,
    splits: list[str],
    batch_size: int,
    precision: str,
    channels_last: bool,
    compile: bool,
    threads: int,
    accelerator: str,
) -> None:
    """Embed every frame of the trajectories in the given parts of the fold, up to each trajectory's last frame.

    ``batch_size`` is in frames, whatever trajectories they come from, and does not change the values beyond rounding; nor do
    ``channels_last`` and ``compile``. ``precision`` bf16-mixed rounds to 8 bits within the ResNet. On a GPU all ``threads`` but one
    read crops meanwhile. Tracks without a fate whose crops were not extracted are left out and counted in a line on standard
    error. ``accelerator`` is auto, cpu or gpu. Raises an InputError when the crops' channels or size are not those that the model
    was trained on.
    """
    torch.set_num_threads(threads)
    model, settings = load_model(model_folder)
    cropset = CropSet(crops)
    for name, found in (("channels", cropset.channels), ("crop_size", cropset.crop_size)):
        if found != settings[name]:
            raise InputError(f"{model_folder}: the model was trained with {name} {settings[name]}, the crops have {found}")
    rows = _with_crops(fold_trajectories(trajectories, split, fold, splits), cropset, fold)
    device = device_for(accelerator)
    model = fast_model(model.to(device), channels_last, compile)
    scaling = Scaling(**settings["scaling"])
    crops_of = crop_loader(rows, cropset, model.settings.input_size, threads - 1 if device == "cuda" else 0, pin_memory=device == "cuda")
    with writing_hdf5(path) as file:
        file.attrs.update(fold=int(fold), model_sha256=sha256(Path(model_folder) / WEIGHTS))
        writer = EmbeddingWriter(file, model.settings.features)
        found = embed_trajectories(
            model, crops_of, map(scaling.of, rows["recording"]), batch_size=batch_size, precision=precision, channels_last=channels_last
        )
        for trajectory in progress(rows["trajectory"].tolist(), f"embed_frames fold {fold}", unit="trajectory"):
            writer.add(trajectory, *next(found))
        writer.finish()
    cropset.close()


class _Crops(Dataset):
    """Frame numbers (T,) and crops (T, C, size, size) in counts of each trajectory of a table."""

    def __init__(self, rows: pd.DataFrame, cropset: CropSet, size: int) -> None:
        self.rows = list(rows.itertuples(index=False))
        self.cropset = cropset
        self.size = size

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        row = self.rows[index]
        frames, crops = self.cropset.read(row.recording, row.track_id, row.first_frame, row.last_frame)
        return torch.from_numpy(frames), torch.from_numpy(downsample(crops, self.size))


def crop_loader(rows: pd.DataFrame, cropset: CropSet, size: int, workers: int, pin_memory: bool) -> DataLoader:
    """Frame numbers and crops of one trajectory after another, read ahead by ``workers`` processes (0: by this one)."""
    cropset.close()  # no open file is shared with the workers
    return DataLoader(_Crops(rows, cropset, size), batch_size=None, num_workers=workers, pin_memory=pin_memory)


def fast_model(model: FateModel, channels_last: bool, compile: bool) -> FateModel:
    """The model with its ResNet in channels-last memory order and compiled for blocks of one size, where wanted; changed in place."""
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    if compile:
        model.backbone.compile(dynamic=False)
    return model


def embed_trajectories(
    model: FateModel,
    trajectories: Iterable[tuple[Tensor, Tensor]],
    scaling: Scaling | Iterable[Scaling],
    *,
    batch_size: int,
    precision: str,
    channels_last: bool,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frame numbers (T,) and embeddings (T, D) float32 of each trajectory, given its frame numbers and crops (T, C, S, S) in counts.

    ``scaling`` is one for all, or one for each trajectory. The model, in evaluation mode, gets ``batch_size`` frames at a time, of as
    many trajectories as it takes; the last call is filled up with zeros, so that every call has one shape. While a GPU computes a block,
    the next one is read.
    """
    numbers: deque[Tensor] = deque()

    def crops() -> Iterator[tuple[Tensor, Scaling]]:
        scalings = repeat(scaling) if isinstance(scaling, Scaling) else scaling
        for (frames, counts), own in zip(trajectories, scalings, strict=False):  # repeat has no end
            numbers.append(frames)
            yield counts, own

    ready = np.empty((0, model.settings.features), np.float32)
    for block in _embedded(model, _blocks(crops(), batch_size, model.class_token.device), precision, channels_last):
        ready = np.concatenate([ready, block])
        while numbers and len(ready) >= len(numbers[0]):
            frames = numbers.popleft()
            yield frames.numpy(), ready[: len(frames)]
            ready = ready[len(frames) :]


def _blocks(pieces: Iterable[tuple[Tensor, Scaling]], size: int, device: torch.device) -> Iterator[tuple[Tensor, int]]:
    """The network's input in blocks of ``size`` frames, and how many of them are real."""
    waiting: list[Tensor] = []
    n_waiting = 0
    for piece, scaling in pieces:
        waiting.append(prepare(piece.to(device, non_blocking=True), scaling))
        n_waiting += len(piece)
        if n_waiting >= size:
            *full, rest = torch.cat(waiting).split([size] * (n_waiting // size) + [n_waiting % size])
            yield from ((block, size) for block in full)
            waiting, n_waiting = [rest], len(rest)
    if n_waiting:
        rest = torch.cat(waiting)
        yield torch.cat([rest, rest.new_zeros(size - n_waiting, *rest.shape[1:])]), n_waiting


def _embedded(model: FateModel, blocks: Iterable[tuple[Tensor, int]], precision: str, channels_last: bool) -> Iterator[np.ndarray]:
    """The embeddings of each block, fetched from the device after the next block was handed to it."""
    late: deque[tuple[Tensor, int]] = deque()
    for frames, n_real in blocks:
        late.append((_embed(model, frames, precision, channels_last), n_real))
        if len(late) > 1:
            yield _fetched(*late.popleft())
    yield from (_fetched(*last) for last in late)


def _embed(model: FateModel, frames: Tensor, precision: str, channels_last: bool) -> Tensor:
    """Embeddings (N, D) of the network's input (N, C, S, S), both on the model's device."""
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    with torch.inference_mode(), torch.autocast(frames.device.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
        return model.embed(frames.contiguous(memory_format=memory_format))


def embed_prepared(model: FateModel, frames: Tensor, *, batch_size: int, precision: str, channels_last: bool) -> np.ndarray:
    """Embeddings (T, D) float32 of frames (T, C, S, S) that are the network's input already, as :func:`embed_trajectories` has them."""
    blocks = ((block.to(model.class_token.device), len(block)) for block in frames.split(batch_size))
    return np.concatenate(list(_embedded(model, blocks, precision, channels_last)))


def _fetched(embeddings: Tensor, n_real: int) -> np.ndarray:
    return embeddings[:n_real].cpu().numpy()


def embed_crops(model: FateModel, crops: np.ndarray, scaling: Scaling, *, precision: str, channels_last: bool) -> np.ndarray:
    """Crops (T, C, S, S) in counts -> embeddings (T, D) float32, in one call of a model in evaluation mode on whatever device it is.

    Those of :func:`embed_frames`, bit for bit on the same device, where T is its ``batch_size`` (on one thread of the CPU a row does not
    depend on its place in a block) and the model is made by :func:`fast_model`, as there.
    """
    counts = torch.from_numpy(downsample(crops, model.settings.input_size))
    frames = prepare(counts.to(model.class_token.device), scaling)
    return _fetched(_embed(model, frames, precision, channels_last), len(frames))


def _with_crops(rows: pd.DataFrame, cropset: CropSet, fold: int) -> pd.DataFrame:
    there = np.array([row.split != "unlabelled" or cropset.has(row.recording, row.track_id) for row in rows.itertuples()], bool)
    if not there.all():
        print(f"embed_frames fold {fold}: {(~there).sum()} tracks without a fate have no crops and are left out", file=sys.stderr)
    return rows[there]
