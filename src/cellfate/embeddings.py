"""One vector per frame from the trained backbone, kept on disk: whatever is asked of the frames later, the ResNet runs once."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch

from cellfate.augmentation import prepare
from cellfate.cropset import CropSet, fold_trajectories
from cellfate.dataset import downsample
from cellfate.errors import InputError
from cellfate.files import replacing, sha256
from cellfate.model import WEIGHTS, FateModel, device_for, load_model
from cellfate.progress import progress
from cellfate.scaling import Scaling


def embed_frames(
    crops: list[str | Path],
    trajectories: pd.DataFrame,
    split: pd.DataFrame,
    model_folder: str | Path,
    path: str | Path,
    *,
    fold: int,
    splits: list[str],
    batch_size: int = 64,
    threads: int = 1,
    accelerator: str = "auto",
) -> None:
    """Embed every frame of the trajectories in the given parts of the fold, up to each trajectory's last frame.

    ``batch_size`` is in frames and does not change the values beyond rounding. Tracks without a fate whose crops were not
    extracted are left out and counted in a line on standard error. ``accelerator`` is auto, cpu or gpu. Raises an InputError when
    the crops' channels or size are not those that the model was trained on.
    """
    torch.set_num_threads(threads)
    model, settings = load_model(model_folder)
    cropset = CropSet(crops)
    for name, found in (("channels", cropset.channels), ("crop_size", cropset.crop_size)):
        if found != settings[name]:
            raise InputError(f"{model_folder}: the model was trained with {name} {settings[name]}, the crops have {found}")
    rows = _with_crops(fold_trajectories(trajectories, split, fold, splits), cropset, fold)
    model = model.to(device_for(accelerator))
    scaling = Scaling(**settings["scaling"])
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs.update(fold=int(fold), model_sha256=sha256(Path(model_folder) / WEIGHTS))
        writer = _Writer(file, model.settings.features)
        for row in progress(list(rows.itertuples()), f"embed_frames fold {fold}", unit="trajectory"):
            frames, pixels = cropset.read(row.recording, row.track_id, row.first_frame, row.last_frame)
            writer.add(row.trajectory, frames, embed_crops(model, pixels, scaling, batch_size))
        writer.finish()
    cropset.close()


def embed_crops(model: FateModel, crops: np.ndarray, scaling: Scaling, batch_size: int = 64) -> np.ndarray:
    """Crops (T, C, S, S) in counts -> embeddings (T, D) float32, by a model in evaluation mode on whatever device it is."""
    device = model.class_token.device
    parts = []
    with torch.inference_mode():
        for start in range(0, len(crops), batch_size):
            frames = prepare(downsample(crops[start : start + batch_size], model.settings.input_size), scaling)
            parts.append(model.embed(frames.to(device)).cpu())
    return torch.cat(parts).numpy()


def _with_crops(rows: pd.DataFrame, cropset: CropSet, fold: int) -> pd.DataFrame:
    there = np.array([row.split != "unlabelled" or cropset.has(row.recording, row.track_id) for row in rows.itertuples()], bool)
    if not there.all():
        print(f"embed_frames fold {fold}: {(~there).sum()} tracks without a fate have no crops and are left out", file=sys.stderr)
    return rows[there]


class _Writer:
    """Appends trajectories to the datasets of an embeddings file."""

    def __init__(self, file: h5py.File, features: int) -> None:
        self.file = file
        self.embeddings = file.create_dataset("embeddings", (0, features), "float32", maxshape=(None, features), chunks=(64, features))
        self.frame = file.create_dataset("frame", (0,), "int32", maxshape=(None,), chunks=(1024,))
        self.names: list[str] = []
        self.stops: list[int] = []

    def add(self, trajectory: str, frames: np.ndarray, embeddings: np.ndarray) -> None:
        start = len(self.frame)
        stop = start + len(frames)
        self.embeddings.resize(stop, axis=0)
        self.frame.resize(stop, axis=0)
        self.embeddings[start:stop] = embeddings
        self.frame[start:stop] = frames
        self.names.append(trajectory)
        self.stops.append(stop)

    def finish(self) -> None:
        self.file.create_dataset("trajectory", data=np.array(self.names, object), dtype=h5py.string_dtype())
        stops = np.array(self.stops, np.int64)
        self.file["stop"] = stops
        self.file["start"] = np.concatenate([[0], stops[:-1]]).astype(np.int64)[: len(stops)]


class EmbeddingFile:
    """The embeddings of one fold; a context manager. ``trajectories`` lists the ids in the order of the file."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise InputError(f"{self.path}: no such embeddings file")
        self._file = h5py.File(self.path, "r")
        self.attrs = dict(self._file.attrs)
        self.trajectories: list[str] = list(self._file["trajectory"].asstr()[:]) if len(self._file["trajectory"]) else []
        ranges = zip(self._file["start"][:], self._file["stop"][:], strict=True)
        self._rows = dict(zip(self.trajectories, ranges, strict=True))

    def __enter__(self) -> "EmbeddingFile":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def read(self, trajectory: str) -> tuple[np.ndarray, np.ndarray]:
        """Frame numbers (T,) int32 and embeddings (T, D) float32 of one trajectory; an InputError when it is not there."""
        if trajectory not in self._rows:
            raise InputError(f"{self.path}: no embeddings of trajectory {trajectory}")
        start, stop = self._rows[trajectory]
        return self._file["frame"][start:stop], self._file["embeddings"][start:stop]
