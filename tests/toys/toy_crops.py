"""Crop files and tables of tiny recordings for the tests of the learning part."""

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

CHANNELS = ["circadian", "p53", "cell_cycle"]
OUTCOMES = {"negative": "apoptosis", "positive": "mitosis"}
AUGMENTATION = {
    "flip": 0.5,
    "jitter": 0.2,
    "jitter_strength": 0.2,
    "blur": 0.2,
    "blur_kernel": [5, 9],
    "blur_sigma": [0.1, 2.0],
    "end_mask": 0.5,
    "end_mask_fraction": [0.1, 0.5],
    "start_mask": 0.0,
    "start_mask_fraction": [0.3, 0.93],
}
MODEL = {
    "block": "basic",
    "layers": [1, 1],
    "width": 4,
    "input_size": 16,
    "encoder_layers": 1,
    "encoder_heads": 2,
    "feedforward": 8,
    "dropout": 0.0,
    "positions": "start",
    "pad_through_backbone": False,
}
TRAINING = {
    "shuffle_labels": False,
    "max_epochs": 4,
    "patience": 50,
    "batch_size": 4,
    "learning_rate": 1e-3,
    "weight_decay": 1e-3,
    "precision": "32-true",
    "devices": 1,
    "accelerator": "cpu",
    "cache": True,
    "deterministic": True,
    "channels_last": False,
    "fused": False,
    "compile": False,
}


def write_crop_file(
    path: Path, recording: str, tracks: dict[int, tuple[np.ndarray, np.ndarray]], channels: list[str] | None = None
) -> Path:
    """A crop file from {track: (frame numbers (T,), crops (T, C, S, S))}."""
    ids = sorted(tracks)
    lengths = np.array([len(tracks[i][0]) for i in ids])
    stops = np.cumsum(lengths)
    crops = np.concatenate([tracks[i][1] for i in ids])
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["crops"] = crops
        file["frame"] = np.concatenate([tracks[i][0] for i in ids]).astype(np.int32)
        file["y"] = file["x"] = np.zeros(len(crops))
        file["track_id"], file["start"], file["stop"] = np.array(ids), stops - lengths, stops
        file["event_frame"] = np.full(len(ids), -1)
        file["background"] = np.zeros((int(crops.shape[0]), crops.shape[1]), np.float32)
        file.attrs.update(
            recording=recording,
            channels=json.dumps(channels or CHANNELS[: crops.shape[1]]),
            crop_size=crops.shape[-1],
            frame_interval_min=30.0,
            pixel_size_um=float("nan"),
            source="toy",
            software="toy",
            n_frames=1000,
            frame_shape=(100, 100),
            max_value=int(crops.max()),
        )
    return path


def toy_trajectory(rng: np.random.Generator, label: int, n_frames: int, size: int = 16, n_channels: int = 3) -> np.ndarray:
    """Noise around 1000 counts; in class 1 a square in the middle of channel 1 brightens over the last eight frames."""
    crops = rng.normal(1000, 100, (n_frames, n_channels, size, size))
    if label == 1:
        middle = slice(size // 4, size - size // 4)
        crops[-8:, 1 % n_channels, middle, middle] += np.linspace(300, 2000, 8)[-n_frames:, None, None]
    return crops.clip(0, 65535).astype(np.uint16)


def toy_data(
    folder: Path,
    n_recordings: int = 3,
    n_tracks: int = 6,
    frames: tuple[int, int] = (12, 16),
    size: int = 16,
    n_channels: int = 3,
    seed: int = 0,
) -> tuple[list[Path], pd.DataFrame, pd.DataFrame]:
    """Crop files, trajectories and split tables; recording r0 validates, r1 tests, the others train. Odd tracks are class 1."""
    rng = np.random.default_rng(seed)
    paths, rows = [], []
    for r in range(n_recordings):
        tracks = {}
        for track in range(n_tracks):
            n = int(rng.integers(*frames, endpoint=True))
            tracks[track] = (np.arange(3, 3 + n), toy_trajectory(rng, track % 2, n, size, n_channels))
            rows.append(_row(f"r{r}", track, track % 2, 3, 2 + n))
        paths.append(write_crop_file(folder / f"r{r}.h5", f"r{r}", tracks))
    trajectories = pd.DataFrame(rows)
    trajectories["label"] = trajectories["label"].astype("Int64")
    parts = {"r0": "validation", "r1": "test"}
    split = pd.DataFrame(
        {"trajectory": trajectories["trajectory"], "fold": 0, "split": [parts.get(r, "train") for r in trajectories["recording"]]}
    )
    return paths, trajectories, split


def _row(recording: str, track: int, label: int, first: int, last: int) -> dict:
    return {
        "trajectory": f"{recording}/{track}",
        "recording": recording,
        "track_id": track,
        "label": label,
        "first_frame": first,
        "last_frame": last,
        "n_frames": last - first + 1,
        "usable": True,
    }
