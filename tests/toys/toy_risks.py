"""Tracks of known hazards as tables of trajectories, rings, and split."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from toy_crops import CHANNELS

from cellfate.crops.rings import ring_columns
from cellfate.model.risks.ensemble import Ensemble, save_ensemble
from cellfate.model.risks.inputs import FrameInputs, InputSettings, Standard
from cellfate.model.risks.network import RiskNetwork, RiskSizes

INPUTS = InputSettings(hours_of_track=False, hours_of_film=False, course_hours=None, features=False, scale_frames=None)
TIMES = InputSettings(hours_of_track=True, hours_of_film=True, course_hours=None, features=False, scale_frames=None)
TRAINING = {
    "members": 2,
    "max_epochs": 4,
    "patience": 4,
    "batch_size": 32,
    "learning_rate": 0.01,
    "weight_decay": 0.0,
    "event_free_share": 0.5,
    "random_start": 0.5,
}
NETWORK = {"width": 16, "dropout": 0.0}
OUTCOMES = {"negative": "death", "positive": "division"}


def tracks(n_recordings: int, n_each: int, hazards: dict[str, tuple[float, float]], n_frames: int, seed: int, min_frames: int = 2):
    """Trajectories and rings of cells of the kinds in ``hazards`` ({kind: hazards of death and division an hour}), frames of 30 min.

    A ring is bright in the second kind. Events come at random, in a track of at least ``min_frames`` + 1 frames; half of the tracks
    are lost at random.
    """
    rng = np.random.default_rng(seed)
    rows, rings = [], []
    for recording in range(n_recordings):
        for track in range(n_each):
            kind = track % len(hazards)
            rates = list(hazards.values())[kind]
            event_hours = rng.exponential(1 / sum(rates))
            event_frame = min_frames + 1 + int(event_hours * 2)  # the first frame at which it has happened
            lost = int(rng.integers(min_frames + 1, 2 * n_frames))
            fated = event_frame < min(n_frames, lost)
            n = event_frame if fated else min(n_frames, lost)
            label = int(rng.random() < rates[1] / sum(rates)) if fated else None
            name = {
                "trajectory": f"r{recording}/{track}",
                "recording": f"r{recording}",
                "track_id": track,
                "lineage": f"r{recording}/{track}",
            }
            outcome = "censored" if label is None else list(OUTCOMES.values())[label]
            ends = {"label": label, "outcome": outcome, "first_frame": 0, "last_frame": n - 1, "n_frames": n}
            rows.append({**name, **ends, "event_frame": event_frame if fated else None, "usable": fated})
            counts = 100 * (1 + 9 * kind) + rng.normal(size=n)
            rings.append(pd.DataFrame({"recording": f"r{recording}", "track_id": track, "frame": range(n), "a-ring0-mean": counts}))
    table = pd.DataFrame(rows).assign(frame_interval_min=30.0, group="g", treatment="none")
    return table.astype({"label": "Int64", "event_frame": "Int64"}), pd.concat(rings, ignore_index=True)


def inputs_of(rings: pd.DataFrame, settings: InputSettings = INPUTS) -> FrameInputs:
    return FrameInputs(rings, None, None, {}, settings)


def split_of(trajectories: pd.DataFrame) -> pd.DataFrame:
    """All tracks in the part of their recording: r0 validation, r1 test, the others training."""
    parts = {"r0": "validation", "r1": "test"}
    return pd.DataFrame(
        {"trajectory": trajectories["trajectory"], "fold": 0, "split": trajectories["recording"].map(parts).fillna("train")}
    )


def add_risks(model: Path, embedding: list[str], min_frames: int = 5, **changes) -> Path:
    """Give an exported model one fold of two networks of risks with random weights; ``embedding`` are columns of a user's table."""
    columns = [*ring_columns(CHANNELS, 2), *(f"embedding {name}" for name in embedding), "hours of track", "hours of film"]
    torch.manual_seed(3)
    networks = tuple(RiskNetwork(RiskSizes(inputs=len(columns), width=8, bins=2, dropout=0.0)).eval() for _ in range(2))
    for network in networks:
        torch.nn.init.normal_(network.head[1].weight)
    standard = Standard(tuple(columns), np.zeros(len(columns)), np.full(len(columns), 3.0))
    ensemble = Ensemble(networks, standard, (0.0, 2.0, 6.0), TIMES, min_frames, 6.0, OUTCOMES)
    save_ensemble(model / "risks/fold-0", ensemble, {"fold": 0})
    settings = json.loads((model / "settings.json").read_text())
    settings["risks"] = {
        "members": {"fold-0": {"train": {}, "validation": {}}},
        "rings": {"n_rings": 2, "percentile": 90},
        "longer_than": min_frames,
        "inputs": asdict(TIMES),
        "embedding": embedding,
        "outlines": {},
        "horizons_hours": [2.0, 5.0],
        "treatment_starts_h": [],
        **changes,
    }
    (model / "settings.json").write_text(json.dumps(settings))
    return model
