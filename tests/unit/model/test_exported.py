import json
import re
import shutil
import subprocess

import pandas as pd
import pytest
from toy_crops import CHANNELS, OUTCOMES
from toy_model import write_member

from cellfate.base.errors import InputError
from cellfate.base.files import sha256
from cellfate.model.saved.card import card_text, shown_scores
from cellfate.model.saved.export import Run, commit_of, export_model
from cellfate.model.saved.exported import check_interval, check_recordings, crop_size, first_prediction, read_settings
from cellfate.model.saved.folder import load_model
from cellfate.model.saved.members import read_members
from cellfate.model.saved.sets import save_sets
from cellfate.model.shift.seen import TRAINING, read_seen

SETTINGS = {"frame_intervals_min": [30.0], "pixel_sizes_um": [0.5], "crop_size": 112, "model": {"input_size": 48}}


def sheet(**changes) -> pd.DataFrame:
    row = {"recording": "r", "frame_interval_min": 30.0, "pixel_size_um": 0.5, "channels": ",".join(CHANNELS)}
    return pd.DataFrame([{**row, "recording": f"r{i}", **changes} for i in range(4)])


@pytest.fixture
def exported(tmp_path):
    """Export a fold's model: r0 and r1 train, r2 validates, r3 tests."""
    fold = write_member(tmp_path / "fold")
    shutil.move(fold / "calibration.json", tmp_path / "calibration.json")
    recordings = ["r0", "r0", "r1", "r2", "r3", "r3"]
    trajectories = pd.DataFrame(
        {
            "trajectory": [f"{r}/{i}" for i, r in enumerate(recordings)],
            "recording": recordings,
            "treatment": "cisplatin",
            "outcome": ["mitosis", "apoptosis", "mitosis", "mitosis", "mitosis", "apoptosis"],
            "usable": [True, True, True, True, True, False],
            "n_frames": [11, 21, 31, 41, 99, 99],
            "first_frame": 3,
            "last_frame": [13, 23, 33, 83, 101, 101],  # of the fourth every second frame is missing
            "frame_interval_min": 30.0,
        }
    )
    parts = ["train", "train", "train", "validation", "test", "test"]
    split = pd.DataFrame({"trajectory": trajectories["trajectory"], "fold": 0, "split": parts})
    metric = {"scope": "all", "condition": "full", "n": 0, "cohort": "all", "class": "all", "ci_low": 0.7, "ci_high": None}
    metric |= {"units_negative": 2, "units_positive": 5, "method": None, "reason": "2 recordings, at least 3 are needed"}
    metrics = pd.DataFrame([{**metric, "metric": "auroc", "value": 0.9, "n_trajectories": 1}])
    scores = {"ece": 0.1, "brier": 0.2, "brier_skill": 0.1, "count": 1}
    reliability = pd.DataFrame([{"condition": "full", "stage": "calibrated", **scores}])
    rows = sheet()
    rows.loc[[2, 3], ["frame_interval_min", "pixel_size_um"]] = 10, 0.1  # not of training recordings
    rows.loc[1, "pixel_size_um"] = None
    columns = ["scope", "condition", "method", "value", "ci_low", "ci_high", "lead", "lead_low", "lead_high"]
    baselines = pd.DataFrame([("all", "full", "majority", 0.5, None, None, 0.3, 0.1, None)], columns=columns)
    digests = {"r0": "a", "r1": None, "r2": "c", "r3": "d"}
    (tmp_path / "training_data.json").write_text('{"recordings": {}, "trained": {"0": ["r0", "r1"]}}')
    save_sets(None, 0.95, tmp_path / "sets.json")
    export_model(
        tmp_path / "exported",
        [fold],
        [tmp_path / "calibration.json"],
        Run(rows, trajectories, split, metrics, reliability, baselines, digests),
        risks=None,
        sets=tmp_path / "sets.json",
        training=tmp_path / "training_data.json",
        dataset="toy",
        protocol="corrected",
        verdict="The network is better.",
        embedding={"batch_size": 64},
        min_frames=7,
        config_digest="abc",
        repository=tmp_path,
    )
    return tmp_path / "exported"


def test_a_score_of_calibration_is_of_the_cells_of_all_its_bins():
    columns = ["scope", "class", "metric", "value", "ci_low", "ci_high", "n_trajectories", "units_negative", "units_positive"]
    metrics = pd.DataFrame([("all", "all", "auroc", 0.9, 0.8, 0.95, 12, 2, 3)], columns=columns).assign(method="bootstrap", reason=None)
    bins = {"condition": ["full"] * 4 + ["last_5"], "stage": ["raw", "raw", "calibrated", "calibrated", "raw"], "count": [5, 7, 4, 8, 99]}
    reliability = pd.DataFrame(bins).assign(ece=[0.1, 0.1, 0.05, 0.05, 0.9], brier=0.2, brier_skill=None)
    scores = shown_scores(metrics, reliability)
    assert scores["ece_raw"] == {"value": 0.1, "n": 12}
    assert scores["ece_calibrated"] == {"value": 0.05, "n": 12}
    assert scores["brier_skill_raw"] == {"value": None, "n": 12}
    assert scores["auroc"]["n"] == 12
    assert scores["auroc"]["units"] == [2, 3]


def test_the_folder_is_all_that_is_needed(exported, tmp_path):
    moved = tmp_path / "elsewhere/model"
    shutil.copytree(exported, moved)
    shutil.rmtree(tmp_path / "fold")
    settings = read_settings(moved)
    assert settings["frame_intervals_min"] == [30.0]
    assert settings["pixel_sizes_um"] == [0.5]
    assert first_prediction(moved) == settings["min_frames"] == 7
    (member,) = read_members(moved)
    assert member.recordings == {"r0": "a", "r1": None, "r2": "c"}
    assert settings["members"]["fold-0"]["validation"] == {"r2": "c"}
    model, own = load_model(member.folder)
    assert model.settings.channels == 3
    assert own["scaling"]["channels"] == settings["channels"]
    assert read_seen(moved / TRAINING).trained == {0: ["r0", "r1"]}


def test_a_control_is_said_before_all_else_and_refused(exported):
    card = json.loads((exported / "card.json").read_text())
    assert "control" not in card_text(card)
    card["members"]["fold-0"]["shuffle_labels"] = True
    assert card_text(card).splitlines()[2].startswith("**A control, not a model for use. It learned from outcomes that were exchanged")
    (member,) = read_members(exported)
    path = member.folder / "settings.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"training": {"shuffle_labels": True}}))
    with pytest.raises(InputError, match="a control that learned from outcomes exchanged at random"):
        read_settings(exported)


def test_the_card_says_what_the_model_is(exported):
    card = json.loads((exported / "card.json").read_text())
    member = card["members"]["fold-0"]
    assert member["trajectories"] == {"test": {"mitosis": 1}, "train": {"mitosis": 2, "apoptosis": 1}, "validation": {"mitosis": 1}}
    assert member["recordings"] == {"test": 1, "train": 2, "validation": 1}
    score = card["held_out"]["auroc"]
    assert (score["value"], score["ci_low"], score["ci_high"], score["n"], score["units"]) == (0.9, 0.7, None, 1, [2, 5])
    assert member["weights_sha256"] == sha256(exported / "members/fold-0/weights.safetensors")
    assert card["outcomes"] == OUTCOMES
    assert card["commit"] is None  # the folder is no repository
    assert card["seen"] == {
        "recordings": ["r0", "r1", "r2"],
        "treatments": ["cisplatin"],
        "trajectories": {"apoptosis": 1, "mitosis": 3},
        "n_frames": [11, 26.0, 41],
        "hours": [5.0, 12.5, 40.0],
    }
    (baseline,) = card["baselines"]
    assert (baseline["method"], baseline["lead"], baseline["lead_high"]) == ("majority", 0.3, None)
    text = (exported / "MODEL_CARD.md").read_text()
    assert text == card_text(card)
    for words in (
        "given that the track ends in apoptosis or mitosis",
        "- one network",
        "| fold-0 | 2: 1 + 2 | 1: 0 + 1 | 1: 0 + 1 |",
        "| auroc | 0.900 (no interval: 2 recordings, at least 3 are needed) | 1 |",
        "The network is better.",
        "- tracks of 11 to 41 frames, 5 to 40 h",
        "- treatments other than cisplatin",
        "prior and temperature 2 x (n / 16) ^ -0.5",
    ):
        assert words in text, words


def test_a_folder_that_is_no_exported_model(tmp_path, exported):
    with pytest.raises(InputError, match="nowhere: no such folder"):
        read_settings(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"calibration.json not found"):
        read_settings(tmp_path / "fold")
    (exported / "members/fold-0/calibration.json").unlink()
    with pytest.raises(InputError, match=r"members/fold-0/calibration.json not found"):
        read_settings(exported)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": "circadian,p53,phase"}, "sheet.tsv: line 2: recording r0: channels are circadian, p53, phase"),
        ({"frame_interval_min": 20.0}, "sheet.tsv: line 2: recording r0: frame_interval_min is 20"),
        ({"pixel_size_um": 5.0}, "sheet.tsv: line 2: recording r0: pixel_size_um is 5"),
    ],
)
def test_recordings_that_do_not_fit_are_refused(exported, changes, message):
    check_recordings(exported, sheet(), "sheet.tsv", allow_other_interval=False)
    with pytest.raises(InputError, match=message):
        check_recordings(exported, sheet(**changes), "sheet.tsv", allow_other_interval=False)


@pytest.mark.parametrize("interval", [30, 29, 31.5])
def test_intervals_that_pass(interval):
    assert check_interval(SETTINGS, interval, "here", allow_other_interval=False) is None


@pytest.mark.parametrize("interval", [28, 32, 5, 60])
def test_intervals_that_do_not(interval):
    with pytest.raises(InputError, match=r"here: frame_interval_min is .* trained at 30 min and .*allow_other_interval"):
        check_interval(SETTINGS, interval, "here", allow_other_interval=False)
    assert "cannot be trusted" in check_interval(SETTINGS, interval, "here", allow_other_interval=True)


def test_the_crop_shows_as_many_micrometres_as_in_training():
    assert crop_size(SETTINGS, 0.5, "here") == 112
    assert crop_size(SETTINGS, 0.25, "here") == 224
    assert crop_size(SETTINGS, 1.0, "here") == 56
    with pytest.raises(InputError, match=r"here: pixel_size_um is 2, .* 28 pixels here, fewer than the 48"):
        crop_size(SETTINGS, 2.0, "here")


@pytest.mark.parametrize(("known", "own"), [([], 0.25), ([0.5], None), ([0.5, 0.6], 0.25)])
def test_without_pixel_sizes_the_crop_has_as_many_pixels(known, own):
    assert crop_size({**SETTINGS, "pixel_sizes_um": known}, own, "here") == 112


def test_the_commit_is_that_of_a_repository_and_not_of_one_around_a_copy(tmp_path):
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(tmp_path))
    assert commit_of(tmp_path) is None
    for command in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "first")):
        subprocess.run([*git, *command], check=True)
    assert re.fullmatch("[0-9a-f]{12}", commit_of(tmp_path))
    (tmp_path / "copy").mkdir()
    assert commit_of(tmp_path / "copy") is None
    assert commit_of(tmp_path / "nowhere") is None
