"""Fate probabilities of tracked cells over time: at each frame from the frames up to it alone."""

from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.progress import progress
from cellfate.base.tables import write_table
from cellfate.model.calibration import Calibration, read_calibration
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.inference import open_model
from cellfate.model.prefixes import prefix_lengths, prefix_logits
from cellfate.model.saved.exported import CALIBRATION, outcome_columns, read_settings, statement
from cellfate.prediction.tables import FATE_PREDICTIONS

TRACKS = 64  # in memory at once


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
    calibration = read_calibration(Path(model_folder) / CALIBRATION)
    model = open_model(model_folder, threads=threads, accelerator=accelerator)
    parts = []
    for start in progress(range(0, len(embeddings.trajectories), TRACKS), f"predict_recording {recording}", unit="group"):
        names = embeddings.trajectories[start : start + TRACKS]
        read = [embeddings.read(name) for name in names]
        lengths = [prefix_lengths(len(frames), min_frames, every) for frames, _ in read]
        logits = prefix_logits(model, [vectors for _, vectors in read], lengths)
        for name, (frames, _), n, found in zip(names, read, lengths, logits, strict=True):
            track_id, seen = int(name.rsplit("/", 1)[1]), np.array(n, int)
            parts.append(pd.DataFrame({"track_id": track_id, "frame": frames[seen - 1], "n_frames_seen": seen, "logit": found}))
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
    calibration: Calibration,
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
