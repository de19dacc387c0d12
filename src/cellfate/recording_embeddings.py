"""An embedding of each tracked cell in each frame of a recording, by a model that was trained elsewhere; no crop is kept."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch

from cellfate.channels import check_channels
from cellfate.crops import cut, validate_positions
from cellfate.embeddings import embed_crops, fast_model
from cellfate.exported_model import WEIGHTS, check_interval, crop_size, read_settings
from cellfate.files import replacing, sha256
from cellfate.frames import Frames
from cellfate.model import FateModel, device_for, load_model
from cellfate.progress import progress
from cellfate.scaling import Scaling

BLOCK = 16  # crops in one call of the backbone, whatever the number of cells: values do not depend on it in their last bits


def embed_recording(
    frames: Frames,
    tracks: pd.DataFrame,
    model_folder: str | Path,
    path: str | Path,
    *,
    recording: str,
    frame_interval_min: float,
    pixel_size_um: float | None,
    min_frames: int,
    allow_other_interval: bool = False,
    threads: int = 1,
    accelerator: str = "auto",
) -> None:
    """Embed every frame of every track with at least ``min_frames`` frames; no crop is kept.

    ``tracks`` is the declared table, ``model_folder`` an exported model. Each frame is decoded once and each crop passes the
    backbone once. The file is that of :class:`cellfate.embeddings.EmbeddingFile`, a trajectory is ``<recording>/<track_id>``.
    Crops have the size in micrometres that the model was trained with, where both pixel sizes are known. Raises InputError for
    positions outside the frames, and for channels, a frame interval or a pixel size that the model cannot be used with.
    """
    settings = read_settings(model_folder)
    source = f"recording {recording}"
    order = check_channels(settings, frames.channels, source)
    if warning := check_interval(settings, frame_interval_min, source, allow_other_interval):
        print(f"WARNING: {warning}", file=sys.stderr, flush=True)
    size = crop_size(settings, pixel_size_um, source)
    validate_positions(tracks, frames.n_frames, frames.shape, recording)
    long_enough = tracks["track_id"].map(tracks["track_id"].value_counts()) >= min_frames
    rows = tracks[long_enough].sort_values(["track_id", "frame"], ignore_index=True)
    torch.set_num_threads(threads)
    model = fast_model(load_model(model_folder)[0].to(device_for(accelerator)), channels_last=True, compile=False)
    scaling = Scaling(**settings["scaling"])
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs.update(recording=recording, model_sha256=sha256(Path(model_folder) / WEIGHTS))
        embeddings = file.create_dataset("embeddings", (len(rows), model.settings.features), "float32")
        by_frame = list(rows.groupby("frame", sort=True))
        for frame, cells in progress(by_frame, f"embed_recording {recording}", unit="frame"):
            image = frames.read(int(frame))[order]
            crops = np.stack([cut(image, y, x, size) for y, x in zip(cells["y"], cells["x"], strict=True)])
            embeddings[cells.index.to_numpy()] = embed_in_blocks(model, crops, scaling)
        _write_index(file, rows, recording)


def _write_index(file: h5py.File, rows: pd.DataFrame, recording: str) -> None:
    track_ids, start, counts = np.unique(rows["track_id"].to_numpy(np.int64), return_index=True, return_counts=True)
    names = np.array([f"{recording}/{track}" for track in track_ids], object)
    file.create_dataset("trajectory", data=names, dtype=h5py.string_dtype())
    file["frame"] = rows["frame"].to_numpy(np.int32)
    file["start"], file["stop"] = start.astype(np.int64), (start + counts).astype(np.int64)


def embed_in_blocks(model: FateModel, crops: np.ndarray, scaling: Scaling) -> np.ndarray:
    """Crops (N, C, S, S) in counts -> embeddings (N, D), always ``BLOCK`` crops a call; the last call is filled up with zeros."""
    missing = -len(crops) % BLOCK
    filled = np.concatenate([crops, np.zeros((missing, *crops.shape[1:]), crops.dtype)])
    return embed_crops(model, filled, scaling, BLOCK)[: len(crops)]
