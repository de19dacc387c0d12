"""An exported model folder with random weights, and a recording in memory, for the tests of predictions."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from toy_crops import CHANNELS, MODEL, OUTCOMES

from cellfate.model.calibration import Calibration, save_calibration
from cellfate.model.network import FateModel, ModelSettings
from cellfate.model.saved.folder import save_model

SCALING = {"mode": "corrected", "divisor": 1.0, "mean": [1000.0] * 3, "std": [100.0] * 3, "channels": CHANNELS}


def write_model(folder: Path, **changes) -> Path:
    """A folder as export_model writes it: crops of 16 pixels of 0.5 um every 30 min."""
    torch.manual_seed(0)
    model = FateModel(ModelSettings(channels=3, **MODEL))
    with torch.no_grad():
        model.class_token.normal_()
        model.output.weight.normal_(0, 2)
        for _ in range(3):  # batch statistics that are not the initial ones
            model.embed(torch.randn(8, 3, 16, 16) * 2 + 1)
    settings = {"channels": CHANNELS, "crop_size": 16, "scaling": SCALING, "outcomes": OUTCOMES, "fold": 0, "min_frames": 5}
    save_model(folder, model, {**settings, "frame_intervals_min": [30.0], "pixel_sizes_um": [0.5], **changes})
    calibration = Calibration(
        "temperature_by_frames",
        "",
        2.0,
        slope=-0.5,
        reference_frames=16,
        first_frames=4,
        last_frames=20,
        prior=0.8,
        n_negative=4,
        n_positive=16,
    )
    save_calibration(calibration, folder / "calibration.json")
    return folder


def settings_of(folder: Path) -> dict:
    return json.loads((folder / "settings.json").read_text())


class ToyFrames:
    """Stands in for the frames of a recording: noise, 80 x 80 pixels."""

    def __init__(self, n_frames: int = 30, channels: list[str] = CHANNELS, seed: int = 0):
        rng = np.random.default_rng(seed)
        self.images = rng.normal(1000, 100, (n_frames, len(channels), 80, 80)).clip(0, 65535).astype(np.uint16)
        self.channels, self.n_frames, self.shape, self.dtype = tuple(channels), n_frames, (80, 80), self.images.dtype

    def read(self, t: int) -> np.ndarray:
        return self.images[t]


def toy_tracks(spans: dict[int, tuple[int, int]], seed: int = 1, parents: dict[int, int] | None = None) -> pd.DataFrame:
    """The tracks table of {track: (first frame, last frame)}; positions do not depend on how long the other tracks are."""
    rows = []
    for track, (first, last) in spans.items():
        positions = np.random.default_rng([seed, track]).uniform(5, 75, (100, 2))
        parent = (parents or {}).get(track)
        rows += [("r0", track, parent, frame, *positions[frame]) for frame in range(first, last + 1)]
    table = pd.DataFrame(rows, columns=["recording", "track_id", "parent_id", "frame", "y", "x"])
    return table.astype({"parent_id": "Int64"})
