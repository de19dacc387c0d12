"""The folder that export_model writes of the models of toy folds."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from toy_model import ToyFrames

from cellfate.crops.crop_set import digests_of
from cellfate.model.saved.export import Run, export_model
from cellfate.model.saved.export_risks import RisksOfRun
from cellfate.model.saved.sets import save_sets

PARTS = {  # of the recordings, in each fold
    0: {"r0": "train", "r1": "train", "r2": "validation", "r3": "test"},
    1: {"r3": "train", "r0": "train", "r1": "validation", "r2": "test"},
}


def frames_of(recording: str) -> ToyFrames:
    """Thirty frames of a recording, always the same."""
    frames = ToyFrames(30, seed=int(recording[1:]))
    frames.path = "nowhere"
    return frames


def export(
    folder: Path,
    trajectories: pd.DataFrame,
    split: pd.DataFrame,
    crops: Sequence[Path],
    *,
    folds: Sequence[int],
    embedding: dict,
    min_frames: int,
    risks: RisksOfRun | None,
) -> Path:
    """Export ``fold-{fold}/model`` and ``fold-{fold}/calibration.json`` of ``folder`` to its ``model``; nobody measured the scores."""
    names = list(dict.fromkeys(trajectories["recording"]))
    sheet = pd.DataFrame({"recording": names, "frame_interval_min": 30.0, "pixel_size_um": 0.5, "treatment_start_h": 1.0})
    metric = {"scope": "all", "class": "all", "metric": "auroc", "value": 0.9, "ci_low": None, "ci_high": None, "n_trajectories": 12}
    metrics = pd.DataFrame([{**metric, "units_negative": 2, "units_positive": 2, "method": None, "reason": "2 recordings"}])
    reliability = pd.DataFrame([{"condition": "full", "stage": "calibrated", "ece": 0.1, "brier": 0.2, "brier_skill": 0.1, "count": 12}])
    columns = ["scope", "condition", "method", "value", "ci_low", "ci_high", "lead", "lead_low", "lead_high"]
    baselines = pd.DataFrame([("all", "full", "network", 0.8, *[None] * 5)], columns=columns)
    save_sets(None, 0.95, folder / "sets.json")
    (folder / "training_data.json").write_text("{}")
    export_model(
        folder / "model",
        [folder / f"fold-{fold}/model" for fold in folds],
        [folder / f"fold-{fold}/calibration.json" for fold in folds],
        Run(sheet, trajectories, split, metrics, reliability, baselines, digests_of(crops)),
        risks=risks,
        sets=folder / "sets.json",
        training=folder / "training_data.json",
        dataset="toy",
        protocol="p",
        verdict="The network is better than each of 3 simple baselines.",
        embedding=embedding,
        min_frames=min_frames,
        config_digest="abc",
        repository=folder,
    )
    return folder / "model"
