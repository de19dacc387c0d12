"""The trajectories and frames that figure 6 shows: the best predicted ones of each outcome, with crops of high and low attention."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.hdf5 import open_hdf5, reading, writing_hdf5
from cellfate.crops.crop_file import CropFile
from cellfate.explanation.analysis import Analysis
from cellfate.explanation.frame_weights import own_occlusion
from cellfate.explanation.tables import EXAMPLES
from cellfate.statistics.effect_sizes import high_attention

FRAMES_SHOWN = 10  # crops per trajectory, half of them of high attention


def select_examples(
    analysis: Analysis,
    *,
    per_outcome: int,
    min_frames: int,
    high_percentile: float,
    frames_shown: int = FRAMES_SHOWN,
) -> pd.DataFrame:
    """The examples table: every frame of the chosen trajectories, negative outcome first.

    Per outcome the ``per_outcome`` correctly classified trajectories of the analysis with at least ``min_frames``
    frames and the highest probability of their outcome. ``group`` is high or low attention; ``position`` numbers the frames
    whose crops are shown (:func:`shown_frames`), null for the others.
    """
    known, correct = analysis.known, analysis.correct()
    correct = correct[correct["trajectory"].map(known["n_frames"]) >= min_frames]
    ranked = correct.sort_values(["own_probability", "trajectory"], ascending=[False, True], kind="stable")
    attention = analysis.attention.assign(occlusion=own_occlusion(analysis.attention, analysis.trajectories))
    tables, position = [], 0
    for outcome in analysis.fates:
        for row in ranked[ranked["outcome"] == outcome].head(per_outcome).itertuples():
            rows = attention[(attention["trajectory"] == row.trajectory) & (attention["fold"] == row.fold)].sort_values("frame")
            if rows.empty:
                raise InputError(f"attention: trajectory {row.trajectory} of fold {row.fold} is missing")
            table = _example_rows(rows, outcome, known.loc[row.trajectory, "frame_interval_min"], high_percentile, frames_shown, position)
            position += int(table["position"].notna().sum())
            tables.append(table)
    columns = list(EXAMPLES.columns)
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def _example_rows(rows: pd.DataFrame, outcome: str, minutes: float, percentile: float, frames_shown: int, first: int) -> pd.DataFrame:
    """All frames of one trajectory; the shown ones are numbered from ``first``."""
    weights = rows["weight"].to_numpy(float)
    high = high_attention(weights, percentile)
    shown = shown_frames(weights, high, frames_shown)
    position = pd.array([pd.NA] * len(rows), dtype="Int64")
    position[shown] = np.arange(first, first + len(shown))
    return rows.assign(
        outcome=outcome,
        hours_before_end=rows["frames_before_end"] * minutes / 60,
        group=np.where(high, "high", "low"),
        position=position,
    )


def shown_frames(weights: np.ndarray, high: np.ndarray, count: int = FRAMES_SHOWN) -> np.ndarray:
    """Positions (at most ``count``, rising) of the frames to show: the highest weights of ``high``, and low ones evenly spaced."""
    highest = np.flatnonzero(high)
    highest = highest[np.argsort(-weights[highest], kind="stable")][: count // 2]
    low = np.flatnonzero(~high)
    spaced = low[np.unique(np.linspace(0, len(low) - 1, min(count - len(highest), len(low))).round().astype(int))] if len(low) else low
    return np.sort(np.concatenate([highest, spaced]))


def write_example_crops(table: pd.DataFrame, crop_files: Sequence[str | Path], path: str | Path) -> None:
    """Write the crops of the shown frames: dataset ``crops`` (K, C, S, S), row ``position``; attribute ``channels`` (JSON).

    The crops keep the camera's integers. Raises InputError when a recording has no crop file or a frame no crop.
    """
    shown = table[table["position"].notna()].sort_values("position")
    files = {crops.recording: crops for crops in map(CropFile, crop_files)}
    first = next(iter(files.values()))
    stack, channels = np.empty((0, *first.shape[1:]), first.dtype), first.channels
    images = []
    for row in shown.itertuples():
        recording, track = row.trajectory.rsplit("/", 1)
        if recording not in files:
            raise InputError(f"crops: no file of recording {recording}; there are {', '.join(sorted(files))}")
        frames, crops = files[recording].read(int(track), int(row.frame), int(row.frame))
        if len(frames) == 0:
            raise InputError(f"{files[recording].path}: track {track} has no crop of frame {row.frame}")
        images.append(crops[0])
    with writing_hdf5(path) as file:
        file["crops"] = np.stack(images) if images else stack
        file.attrs["channels"] = json.dumps(channels)
    for crops in files.values():
        crops.close()


def read_example_crops(path: str | Path) -> tuple[np.ndarray, list[str]]:
    """The crops (K, C, S, S) and their channels' names."""
    with open_hdf5(path, "the crops of examples") as file, reading(path, "the crops of examples"):
        return file["crops"][:], json.loads(file.attrs["channels"])
