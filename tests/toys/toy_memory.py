"""A small recording in memory, and its crops."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.crops.extraction import extract_crops
from cellfate.tracks.tables import OUTCOMES

FATES = ["apoptosis", "mitosis"]


class MemoryFrames:
    """Frames (T, C, H, W) in memory that count how often each is asked for."""

    def __init__(self, images: np.ndarray):
        self.images = images
        self.path = Path("memory")
        self.channels = tuple(f"channel_{c}" for c in range(images.shape[1]))
        self.n_frames, self.shape, self.dtype = len(images), images.shape[2:], images.dtype
        self.notes: list[str] = []
        self.reads = Counter()

    def read(self, t):
        self.reads[t] += 1
        return self.images[t]


def recording(lengths, n_channels=3, dtype="uint16", n_frames=30, shape=(40, 50), seed=0):
    """Random frames and tracks: ``lengths`` maps a track to (first frame, frames, outcome, event frame)."""
    rng = np.random.default_rng(seed)
    top = np.iinfo(dtype).max
    frames = MemoryFrames(rng.integers(0, top + 1, (n_frames, n_channels, *shape), dtype=dtype))
    rows, outcomes = [], []
    for track, (first, count, outcome, event) in lengths.items():
        for frame in range(first, first + count):
            rows.append(("r1", track, None, frame, rng.uniform(0, shape[0]), rng.uniform(0, shape[1])))
        outcomes.append(("r1", track, None, f"r1/{track}", first, first + count - 1, count, outcome, event, None))
    tracks = pd.DataFrame(rows, columns=["recording", "track_id", "parent_id", "frame", "y", "x"])
    columns = list(OUTCOMES.columns)
    outcomes = pd.DataFrame(outcomes, columns=columns)
    outcomes["event_frame"] = outcomes["event_frame"].astype("Int64")
    return frames, tracks.sample(frac=1, random_state=seed), outcomes


SIX = {
    7: (0, 25, "mitosis", 25),
    2: (3, 20, "apoptosis", 22),
    9: (10, 11, "censored", None),
    4: (12, 5, "mitosis", 17),
    30: (1, 10, "mitosis", 11),
    5: (0, 6, "censored", None),
}


def extract(frames, tracks, outcomes, path, **changes):
    settings = {"recording": "r1", "size": 12, "which": "fated", "outcomes_wanted": FATES, "min_frames": 4}
    extract_crops(frames, tracks, outcomes, path, **{**settings, "frame_interval_min": 30.0, "pixel_size_um": None, **changes})
    return path
