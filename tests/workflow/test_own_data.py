"""What users bring: recordings of their own with tracks as CSV, a trained checkpoint, and an impatient cluster."""

import os
import re
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
import torch
import yaml
from project import ROOT, environment, tiny_rows
from safetensors.torch import save_file

from cellfate.model.network import FateModel, ModelSettings
from cellfate.model.saved.published import published_name

METRICS = "results/{}/corrected/tables/test_metrics.csv"


def as_csv(project) -> list[dict]:
    """The simulated recordings as if they were a user's: tracks and outcomes as plain CSV, a sheet that names them."""
    rows = tiny_rows(4)
    for row in rows:
        name = row["recording"]
        tracks = pd.read_parquet(project.folder / f"results/tiny/tracks/{name}.parquet")
        outcomes = pd.read_parquet(project.folder / f"results/tiny/tracks/{name}.outcomes.parquet")
        tracks[["track_id", "parent_id", "frame", "y", "x"]].to_csv(project.folder / f"{name}.csv", index=False)
        outcomes[["track_id", "outcome", "event_frame"]].to_csv(project.folder / f"{name}_outcomes.csv", index=False)
        row.update(tracks=f"{name}.csv", tracks_format="csv")
    project.write_sheet("mine.tsv", rows)
    return rows


def test_own_recordings_with_csv_tracks_folds_and_all_tracks(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    as_csv(project)
    mine = {"dataset": "mine", "recordings": "mine.tsv", "source": {"kind": "local"}}
    project.write_config("mine.yaml", mine | {"split": {"folds": 3}, "embedding": {"tracks": "all"}, "risks": {"enabled": False}})
    overlays = ("demo/config.yaml", "tiny.yaml", "mine.yaml")
    jobs = project.jobs("--", METRICS.format("mine"), overlays=overlays)
    assert "simulate_recording" not in jobs
    assert (jobs["read_tracks"], jobs["train_model"], jobs["predict_trajectories"]) == (4, 3, 3)
    project.snakemake("--", METRICS.format("mine"), overlays=overlays)
    folder = project.folder / "results/mine/corrected"
    predictions = pd.concat(pd.read_parquet(path) for path in folder.glob("fold-*/predictions.parquet"))
    full = predictions[predictions["condition"] == "full"]
    trajectories = pd.read_parquet(folder / "trajectories.parquet")
    fated = set(trajectories.loc[trajectories["usable"], "trajectory"])
    held_out = full[full["split"] == "test"]
    assert held_out["trajectory"].is_unique
    assert set(held_out["trajectory"]) == fated
    unlabelled = full[full["split"] == "unlabelled"]
    assert len(unlabelled) > 0
    assert unlabelled["label"].isna().all()
    predicted = "results/mine/predictions/r0.parquet"
    project.snakemake("--", predicted, overlays=overlays)
    assert_as_reported(pd.read_parquet(project.folder / predicted), held_out[held_out["recording"] == "r0"])


def assert_as_reported(predicted: pd.DataFrame, reported: pd.DataFrame) -> None:
    """The exported model, which uses the member that did not see the recording, gives the report's probabilities: equal floats."""
    assert len(reported) > 0
    assert set(predicted["members"]) == {1}
    assert set(predicted["seen_in_training"]) == {"no"}
    own = reported.assign(track_id=reported["trajectory"].str.split("/").str[1].astype(int))
    merged = own.merge(predicted, left_on=["track_id", "n_frames"], right_on=["track_id", "n_frames_seen"], suffixes=("", "_new"))
    assert len(merged) == len(own)
    assert merged["probability_mitosis"].tolist() == merged["probability"].tolist()
    assert merged["logit_new"].tolist() == merged["logit"].tolist()
    assert ((merged["call"] == "mitosis") == (merged["logit"] > 0)).all()


@pytest.mark.whole
def test_a_published_checkpoint_is_used_instead_of_training(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    settings = yaml.safe_load((ROOT / "demo/config.yaml").read_text())["model"]
    settings |= {
        "input_size": 16,
        "encoder_layers": 1,
        "encoder_heads": 4,
        "dropout": 0.0,
        "positions": "end",
        "pad_through_backbone": False,
    }
    torch.manual_seed(0)
    model = FateModel(ModelSettings(channels=3, **settings))
    save_file(
        {published_name(name): value.contiguous() for name, value in model.state_dict().items()}, project.folder / "model.safetensors"
    )
    project.write_config("mine.yaml", {"protocol": "imported", "scaling": "reference", "training": {"checkpoint": "model.safetensors"}})
    overlays = ("demo/config.yaml", "tiny.yaml", "mine.yaml")
    metrics = "results/tiny/imported/tables/test_metrics.csv"
    project.snakemake("--", metrics, overlays=overlays)
    assert (project.folder / metrics).exists()
    log = (project.folder / "logs/tiny/imported/fold-0/train_model.log").read_text()
    assert "epoch 1/" not in log


@pytest.mark.whole
def test_a_training_killed_with_its_snakemake_goes_on(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    project.write_config("long.yaml", {"protocol": "long", "training": {"max_epochs": 8, "patience": 8}})
    overlays = ("demo/config.yaml", "tiny.yaml", "long.yaml")
    target = "results/tiny/long/fold-0/model"
    log = project.folder / "logs/tiny/long/fold-0/train_model.log"
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", *overlays, "--", target]
    running = subprocess.Popen(
        command, cwd=project.folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while running.poll() is None and not (log.exists() and "epoch 3/8" in log.read_text()):
        time.sleep(0.02)
    assert running.poll() is None
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert not (project.folder / target).exists()
    project.snakemake("--unlock", overlays=overlays)
    project.snakemake("--", target, overlays=overlays)
    epochs = [int(epoch) for epoch in re.findall(r"epoch (\d+)/8", log.read_text())]
    assert epochs[0] >= 3
    assert epochs[-1] == 8
    assert list(pd.read_csv(project.folder / target / "curves.csv")["epoch"]) == list(range(1, 9))
