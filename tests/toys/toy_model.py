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
from cellfate.prediction.ensemble import combined
from cellfate.prediction.prefixes import complete_table

SCALING = {"mode": "corrected", "divisor": 1.0, "mean": [1000.0] * 3, "std": [100.0] * 3, "channels": CHANNELS}


SHARED = {"frame_intervals_min": [30.0], "pixel_sizes_um": [0.5]}


def write_member(folder: Path, seed: int = 0, **changes) -> Path:
    """The folder of one network with a calibration by the number of frames."""
    torch.manual_seed(seed)
    model = FateModel(ModelSettings(channels=3, **MODEL))
    with torch.no_grad():
        model.class_token.normal_()
        model.output.weight.normal_(0, 2)
        for _ in range(3):  # batch statistics that are not the initial ones
            model.embed(torch.randn(8, 3, 16, 16) * 2 + 1)
    settings = {"channels": CHANNELS, "crop_size": 16, "scaling": SCALING, "outcomes": OUTCOMES, "fold": seed, "min_frames": 5}
    save_model(folder, model, {**settings, **changes})
    span = {"reference_frames": 16, "first_frames": 4, "last_frames": 20}
    counts = {"prior": 0.8 - 0.1 * seed, "n_negative": 4, "n_positive": 16}
    save_calibration(Calibration("temperature_by_frames", "", 2.0 + seed, slope=-0.5, **span, **counts), folder / "calibration.json")
    return folder


def write_model(folder: Path, **changes) -> Path:
    """A folder as cellfate 0.1 exported it, with one network at its top: crops of 16 pixels of 0.5 um every 30 min."""
    return write_member(folder, **SHARED, **changes)


def write_ensemble(folder: Path, seen: list[dict], **changes) -> Path:
    """A folder as export_model writes it, with a member for each of ``seen``, its {recording: digest} in training."""
    members = {}
    for fold, recordings in enumerate(seen):
        write_member(folder / f"members/fold-{fold}", seed=fold)
        members[f"fold-{fold}"] = {"train": recordings, "validation": {}}
    sizes = settings_of(folder / "members/fold-0")["model"]
    how = {"batch_size": 16, "precision": "32-true", "channels_last": True, "compile": False}
    shared = {"channels": CHANNELS, "crop_size": 16, "outcomes": OUTCOMES, "model": sizes, "min_frames": 5, "embedding": how}
    (folder / "settings.json").write_text(json.dumps({**shared, **SHARED, "members": members, **changes}))
    return folder


def settings_of(folder: Path) -> dict:
    return json.loads((folder / "settings.json").read_text())


class ToyFrames:
    """Stands in for the frames of a recording: noise, 80 x 80 pixels."""

    notes = ()

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


def toy_predictions(rows: pd.DataFrame, tracks: pd.DataFrame, shifts: tuple[float, ...] = (0.0,), prior: float = 0.5) -> pd.DataFrame:
    """The predictions table of ``rows`` (track_id, frame, n_frames_seen, logit) by a member for each of ``shifts`` of the logit."""
    n, logits = rows["n_frames_seen"].to_numpy(), [rows["logit"].to_numpy() + shift for shift in shifts]
    said = combined(logits, [Calibration("prior", prior=prior)] * len(shifts), n, OUTCOMES)
    rows = pd.concat([rows.drop(columns="logit").reset_index(drop=True), said], axis=1)
    return complete_table(rows.assign(set="apoptosis|mitosis", members=len(shifts), seen_in_training="no"), tracks, OUTCOMES, "r0", 30)
