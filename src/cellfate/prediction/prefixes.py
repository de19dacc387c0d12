"""Fate probabilities of tracked cells over time: at each frame from the frames up to it alone."""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.progress import progress
from cellfate.base.tables import write_table
from cellfate.model.calibration import read_calibration
from cellfate.model.embedding_file import EmbeddingFile, embedded_by
from cellfate.model.inference import GROUP, open_model
from cellfate.model.prefixes import prefix_lengths, prefix_logits
from cellfate.model.saved.card import held_out_line
from cellfate.model.saved.exported import outcome_columns, read_settings, statement
from cellfate.model.saved.members import CALIBRATION, Member, members_named
from cellfate.model.saved.sets import SETS, read_sets, set_words
from cellfate.prediction.ensemble import SPREAD, combined
from cellfate.prediction.tables import FATE_PREDICTIONS


def predict_recording(
    embeddings: str | Path,
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

    ``embeddings`` is the file of :func:`cellfate.prediction.embedding.embed_recording`, which names the members of the model that
    predict. A track has a row at its ``min_frames``-th frame and at every ``every``-th after it. Columns: those of FATE_PREDICTIONS in
    :mod:`cellfate.prediction.tables`, and a probability of each outcome; ``given`` says what they are conditional on.
    """
    outcomes = read_settings(model_folder)["outcomes"]
    made = embedded_by(embeddings)
    members = members_named(model_folder, made["members"], embeddings)
    logits = []
    for member in members:
        rows = _member_rows(embeddings, member, min_frames, every, threads, accelerator)
        logits.append(rows["logit"].to_numpy(float))
    calibrations = [read_calibration(member.folder / CALIBRATION) for member in members]
    said = combined(logits, calibrations, rows["n_frames_seen"].to_numpy(), outcomes)
    rows = pd.concat([rows.drop(columns="logit"), said], axis=1)
    sets = sets_of(rows[outcome_columns(outcomes)[1]].to_numpy(), rows["n_frames_seen"].to_numpy(), model_folder, outcomes)
    rows = rows.assign(set=sets, members=len(members), seen_in_training=made["seen_in_training"])
    return complete_table(rows, tracks, outcomes, recording, frame_interval_min)


def sets_of(probability: np.ndarray, n_frames: np.ndarray, model_folder: str | Path, outcomes: Mapping[str, str]) -> list[str]:
    """The set of outcomes of each prefix (N,) by the limits of the exported model; both outcomes where it has none."""
    limits = read_sets(Path(model_folder) / SETS)
    holds = np.ones((len(probability), 2), bool) if limits is None else limits.sets(probability, n_frames)
    return set_words(holds, (outcomes["negative"], outcomes["positive"]))


def _member_rows(path: str | Path, member: Member, min_frames: int, every: int, threads: int, accelerator: str) -> pd.DataFrame:
    """What one member says: track_id, frame, n_frames_seen and its logit, in the order of the tracks."""
    model = open_model(member.folder, threads=threads, accelerator=accelerator)
    parts = []
    with EmbeddingFile(path, member.name) as embeddings:
        for start in progress(range(0, len(embeddings.trajectories), GROUP), f"predict_recording {member.name}", unit="group"):
            names = embeddings.trajectories[start : start + GROUP]
            read = [embeddings.read(name) for name in names]
            lengths = [prefix_lengths(len(frames), min_frames, every) for frames, _ in read]
            logits = prefix_logits(model, [vectors for _, vectors in read], lengths)
            for name, (frames, _), n, found in zip(names, read, lengths, logits, strict=True):
                track_id, seen = int(name.rsplit("/", 1)[1]), np.array(n, int)
                parts.append(pd.DataFrame({"track_id": track_id, "frame": frames[seen - 1], "n_frames_seen": seen, "logit": found}))
    columns = {"track_id": "int64", "frame": "int64", "n_frames_seen": "int64", "logit": "float64"}
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(columns))
    return rows.astype(columns)


def write_predictions(
    embeddings: str | Path, tracks: pd.DataFrame, model_folder: str | Path, parquet: str | Path, csv: str | Path, **options: object
) -> None:
    """Predict one recording from its embeddings file and write the table twice; ``options`` are those of :func:`predict_recording`.

    How good the model was on held-out cells is said on standard error.
    """
    print(f"{options['recording']}: {held_out_line(model_folder)}", file=sys.stderr, flush=True)
    predictions = predict_recording(embeddings, tracks, model_folder, **options)
    write_table(predictions, parquet, FATE_PREDICTIONS)
    write_table(predictions, csv, FATE_PREDICTIONS)


def complete_table(
    rows: pd.DataFrame, tracks: pd.DataFrame, outcomes: Mapping[str, str], recording: str, frame_interval_min: float
) -> pd.DataFrame:
    """Add positions, hours and the condition to rows of track_id, frame, n_frames_seen and what was predicted."""
    positions = tracks[["track_id", "frame", "y", "x"]]
    rows = rows.merge(positions, on=["track_id", "frame"], how="left", validate="one_to_one")
    started = rows["track_id"].map(tracks.groupby("track_id")["frame"].min())
    hours = (rows["frame"] - started).astype(float) * frame_interval_min / 60
    rows = rows.assign(recording=recording, hours_since_start=hours, given=statement(outcomes))
    start = ["recording", "track_id", "frame", "hours_since_start", "y", "x", "n_frames_seen", "logit", *outcome_columns(outcomes)]
    return rows[[*start, "call", "threshold", "set", *SPREAD, "members", "seen_in_training", "given"]]
