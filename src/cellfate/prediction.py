"""Fate probabilities of tracked cells over time: at each frame from the frames up to it alone.

Every network call has a shape that does not depend on how long a track is, so that the value at a frame is the same, bit for bit,
whether the recording goes on or stops there.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch

from cellfate.calibration import Calibration, read_calibration
from cellfate.channels import check_channels
from cellfate.crops import cut, validate_positions
from cellfate.embeddings import EmbeddingFile, embed_crops
from cellfate.exported_model import CALIBRATION, WEIGHTS, check_interval, crop_size, outcome_columns, read_settings, statement
from cellfate.files import replacing, sha256
from cellfate.frames import Frames
from cellfate.inference import open_model
from cellfate.model import FateModel
from cellfate.progress import progress
from cellfate.scaling import Scaling

BLOCK = 16  # crops in one call of the backbone, prefixes in one call of the transformer


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
    model, scaling = open_model(model_folder, threads, accelerator), Scaling(**settings["scaling"])
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


def prefix_blocks(n_frames: int, min_frames: int, every: int) -> Iterator[list[int]]:
    """The numbers of frames that are predicted from, ``BLOCK`` together; those of the last block may go beyond ``n_frames``."""
    first = min_frames
    while first <= n_frames:
        yield [first + every * i for i in range(BLOCK)]
        first += every * BLOCK


def predict_prefixes(model: FateModel, embeddings: np.ndarray, min_frames: int, every: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of frames (N,) and logits (N,) of the first n frames of one track, n = min_frames, min_frames + every, ...

    ``embeddings`` is (T, D). Logit n is computed from ``embeddings[:n]`` by a pass of its own; nothing later enters it.
    """
    vectors = torch.as_tensor(embeddings)
    lengths, logits = [], []
    device = model.class_token.device
    with torch.inference_mode():
        for block in prefix_blocks(len(vectors), min_frames, every):
            padded = torch.zeros(BLOCK, block[-1], vectors.shape[1])
            for row, n in zip(padded, block, strict=True):
                row[: min(n, len(vectors))] = vectors[:n]
            found, _ = model.classify(padded.to(device), torch.tensor(block, device=device))
            within = [n for n in block if n <= len(vectors)]
            lengths += within
            logits.append(found.double().cpu().numpy()[: len(within)])
    return np.array(lengths, int), np.concatenate(logits) if logits else np.empty(0)


def predict_recording(
    embeddings: EmbeddingFile,
    tracks: pd.DataFrame,
    model_folder: str | Path,
    *,
    recording: str,
    frame_interval_min: float,
    min_frames: int,
    every: int = 1,
    threads: int = 1,
    accelerator: str = "auto",
) -> pd.DataFrame:
    """The fate_predictions table of one recording: one row per track and predicted frame, in that order.

    A track has a row at its ``min_frames``-th frame and at every ``every``-th after it. Columns: see
    :mod:`cellfate.tables`, and a probability of each outcome; ``given`` says what they are conditional on.
    """
    settings = read_settings(model_folder)
    calibration = read_calibration(Path(model_folder) / CALIBRATION)
    model = open_model(model_folder, threads, accelerator)
    parts = []
    for name in progress(embeddings.trajectories, f"predict_recording {recording}", unit="track"):
        frames, vectors = embeddings.read(name)
        n_seen, logits = predict_prefixes(model, vectors, min_frames, every)
        track_id = int(name.rsplit("/", 1)[1])
        parts.append(pd.DataFrame({"track_id": track_id, "frame": frames[n_seen - 1], "n_frames_seen": n_seen, "logit": logits}))
    columns = {"track_id": "int64", "frame": "int64", "n_frames_seen": "int64", "logit": "float64"}
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(columns))
    return complete_table(rows.astype(columns), tracks, calibration, settings["outcomes"], recording, frame_interval_min)


def complete_table(
    rows: pd.DataFrame, tracks: pd.DataFrame, calibration: Calibration, outcomes: dict[str, str], recording: str, frame_interval_min: float
) -> pd.DataFrame:
    """Add positions, hours, probabilities and the condition to rows of track_id, frame, n_frames_seen and logit."""
    positions = tracks[["track_id", "frame", "y", "x"]]
    rows = rows.merge(positions, on=["track_id", "frame"], how="left", validate="one_to_one")
    started = rows["track_id"].map(tracks.groupby("track_id")["frame"].min())
    probability = calibration.probability(rows["logit"].to_numpy(float))
    negative, positive = outcome_columns(outcomes)
    hours = (rows["frame"] - started).astype(float) * frame_interval_min / 60
    rows = rows.assign(recording=recording, hours_since_start=hours, given=statement(outcomes))
    rows[negative], rows[positive] = 1 - probability, probability
    start = ["recording", "track_id", "frame", "hours_since_start", "y", "x", "n_frames_seen", "logit"]
    return rows[[*start, negative, positive, "given"]]
