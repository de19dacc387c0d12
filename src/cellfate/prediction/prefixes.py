"""Fate probabilities of tracked cells over time: at each frame from the frames up to it alone.

Every network call has a shape that does not depend on how long a track is, so that the value at a frame is the same, bit for bit,
whether the recording goes on or stops there.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cellfate.base.progress import progress
from cellfate.base.tables import write_table
from cellfate.model.calibration import PrefixCalibration, fit_prefix_calibration, read_prefix_calibration
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.inference import open_model
from cellfate.model.network import FateModel
from cellfate.model.saved.exported import CALIBRATION, outcome_columns, read_settings, statement
from cellfate.prediction.tables import FATE_PREDICTIONS

BLOCK = 16  # prefixes in one call of the transformer


def prefix_blocks(n_frames: int, min_frames: int, every: int) -> Iterator[list[int]]:
    """The numbers of frames that are predicted from, ``BLOCK`` together; those of the last block may go beyond ``n_frames``."""
    first = min_frames
    while first <= n_frames:
        yield [first + every * i for i in range(BLOCK)]
        first += every * BLOCK


def predict_prefixes(model: FateModel, embeddings: np.ndarray, min_frames: int, *, every: int) -> tuple[np.ndarray, np.ndarray]:
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
    every: int,
    threads: int,
    accelerator: str,
) -> pd.DataFrame:
    """The fate_predictions table of one recording: one row per track and predicted frame, in that order.

    A track has a row at its ``min_frames``-th frame and at every ``every``-th after it. Columns: see
    :mod:`cellfate.base.tables`, and a probability of each outcome; ``given`` says what they are conditional on.
    """
    settings = read_settings(model_folder)
    calibration = read_prefix_calibration(Path(model_folder) / CALIBRATION)
    model = open_model(model_folder, threads=threads, accelerator=accelerator)
    parts = []
    for name in progress(embeddings.trajectories, f"predict_recording {recording}", unit="track"):
        frames, vectors = embeddings.read(name)
        n_seen, logits = predict_prefixes(model, vectors, min_frames, every=every)
        track_id = int(name.rsplit("/", 1)[1])
        parts.append(pd.DataFrame({"track_id": track_id, "frame": frames[n_seen - 1], "n_frames_seen": n_seen, "logit": logits}))
    columns = {"track_id": "int64", "frame": "int64", "n_frames_seen": "int64", "logit": "float64"}
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(columns))
    return complete_table(rows.astype(columns), tracks, calibration, settings["outcomes"], recording, frame_interval_min)


def write_predictions(
    embeddings: str | Path, tracks: pd.DataFrame, model_folder: str | Path, parquet: str | Path, csv: str | Path, **options: object
) -> None:
    """Predict one recording from its embeddings file and write the table twice; ``options`` are those of :func:`predict_recording`."""
    with EmbeddingFile(embeddings) as opened:
        predictions = predict_recording(opened, tracks, model_folder, **options)
    write_table(predictions, parquet, FATE_PREDICTIONS)
    write_table(predictions, csv, FATE_PREDICTIONS)


def complete_table(
    rows: pd.DataFrame,
    tracks: pd.DataFrame,
    calibration: PrefixCalibration,
    outcomes: dict[str, str],
    recording: str,
    frame_interval_min: float,
) -> pd.DataFrame:
    """Add positions, hours, probabilities and the condition to rows of track_id, frame, n_frames_seen and logit."""
    positions = tracks[["track_id", "frame", "y", "x"]]
    rows = rows.merge(positions, on=["track_id", "frame"], how="left", validate="one_to_one")
    started = rows["track_id"].map(tracks.groupby("track_id")["frame"].min())
    probability = calibration.probability(rows["logit"].to_numpy(float), rows["n_frames_seen"].to_numpy())
    negative, positive = outcome_columns(outcomes)
    hours = (rows["frame"] - started).astype(float) * frame_interval_min / 60
    rows = rows.assign(recording=recording, hours_since_start=hours, given=statement(outcomes))
    rows[negative], rows[positive] = 1 - probability, probability
    start = ["recording", "track_id", "frame", "hours_since_start", "y", "x", "n_frames_seen", "logit"]
    return rows[[*start, negative, positive, "given"]]


def calibrate_prefixes(
    embeddings: EmbeddingFile,
    trajectories: pd.DataFrame,
    split: pd.DataFrame,
    model_folder: str | Path,
    *,
    fold: int,
    min_frames: int,
    calibration: bool,
    threads: int,
    accelerator: str,
) -> PrefixCalibration:
    """Fit the calibration by number of frames on every prefix, of at least ``min_frames``, of the fold's validation trajectories.

    Without ``calibration`` the probabilities stay as they are. Raises InputError when a part of the fold is empty.
    """
    if not calibration:
        return PrefixCalibration()
    of_fold = split[split["fold"] == fold].set_index("trajectory")["split"]
    labels = trajectories[trajectories["usable"]].set_index("trajectory")["label"]
    model = open_model(model_folder, threads=threads, accelerator=accelerator)
    parts = []
    for name in progress([n for n in embeddings.trajectories if of_fold[n] == "validation"], "calibrate_prefixes", unit="trajectory"):
        n_frames, logits = predict_prefixes(model, embeddings.read(name)[1], min_frames, every=1)
        parts.append(pd.DataFrame({"trajectory": name, "n_frames": n_frames, "logit": logits, "label": labels[name]}))
    columns = ["trajectory", "n_frames", "logit", "label"]
    prefixes = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return fit_prefix_calibration(prefixes, labels.reindex(of_fold.index[of_fold == "train"]).dropna().to_numpy(float))
