import json

import numpy as np
import pandas as pd
import pytest
from toy_risks import NETWORK, OUTCOMES, TRAINING, inputs_of, split_of, tracks

from cellfate.base.errors import InputError
from cellfate.model.risks.ensemble import load_ensemble, predict_fates
from cellfate.model.risks.tracks import NONE
from cellfate.training import risks
from cellfate.training.risks import epoch_order, random_start, train_risks

HAZARDS = {"slow": (0.03, 0.01), "fast": (0.03, 0.15)}  # deaths and divisions an hour


def train(folder, trajectories, rings, **changes):
    settings = {
        "fold": 0,
        "seed": 5,
        "outcomes": OUTCOMES,
        "bins_hours": [0, 2, 5, 10],
        "network": NETWORK,
        "training": TRAINING,
        "min_frames": 2,
        "resume": folder / ".resume",
        "files": [],
        "code": [],
        "threads": 1,
    }
    train_risks(trajectories, split_of(trajectories), inputs_of(rings), folder / "model", **{**settings, **changes})
    return load_ensemble(folder / "model")


@pytest.fixture(scope="module")
def small():
    return tracks(5, 12, HAZARDS, 16, seed=2)


@pytest.fixture(scope="module")
def trained(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("risks")
    return folder, train(folder, *small)


def weights(folder):
    return [(folder / "model" / f"member-{member}.safetensors").read_bytes() for member in (0, 1)]


def test_simulated_hazards_come_back(tmp_path):
    """Two kinds of cells, told apart by their ring alone: risks of held-out ones within three sampling errors of the truth."""
    trajectories, rings = tracks(16, 60, HAZARDS, 24, seed=1)
    training = TRAINING | {"members": 1, "max_epochs": 8, "patience": 8}
    ensemble = train(tmp_path, trajectories, rings, training=training)
    rows = trajectories[trajectories["recording"] == "r1"]
    found = predict_fates([ensemble], rows, inputs_of(rings), [5.0], "test")
    kind = found["track_id"] % 2
    for number, (death, division) in enumerate(HAZARDS.values()):
        within = 1 - np.exp(-5 * (death + division))
        own = trajectories[(trajectories["track_id"] % 2 == number) & (trajectories["recording"] != "r1")]
        for outcome, hazard in (("negative", death), ("positive", division)):
            n_events = (own["label"] == (outcome == "positive")).sum()
            truth = within * hazard / (death + division)
            error = truth / np.sqrt(n_events)
            assert abs(found.loc[kind == number, outcome].mean() - truth) < 3 * error


def test_the_same_seed_gives_the_same_weights_and_another_does_not(small, trained, tmp_path):
    train(tmp_path, *small)
    assert weights(tmp_path) == weights(trained[0])
    assert weights(tmp_path)[0] != weights(tmp_path)[1]
    train(tmp_path, *small, seed=6)
    assert weights(tmp_path)[0] != weights(trained[0])[0]


def test_the_best_epoch_is_kept_and_the_curve_written(trained):
    curves = pd.read_csv(trained[0] / "model" / "curves.csv")
    assert curves.groupby("member")["epoch"].apply(list).to_dict() == {0: [1, 2, 3, 4], 1: [1, 2, 3, 4]}
    assert (curves["learning_rate"].diff()[1:4] < 0).all()
    assert not list(trained[0].glob(".resume*"))


def test_a_killed_training_ends_with_the_same_weights(small, trained, tmp_path, monkeypatch, capsys):
    learn, calls = risks._learn, []

    def killed(*args):
        calls.append(args)
        if len(calls) == 7:  # in the third epoch of the second member
            raise KeyboardInterrupt
        return learn(*args)

    monkeypatch.setattr(risks, "_learn", killed)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, *small)
    assert not (tmp_path / "model").exists()
    train(tmp_path, *small)
    assert len(calls) == 7 + 2, "epochs that were finished are not repeated"
    assert "member 2/2: continues after epoch 2 of 4" in capsys.readouterr().err
    assert weights(tmp_path) == weights(trained[0])


def test_other_events_begin_anew(small, tmp_path, monkeypatch):
    calls = []
    learn = risks._learn

    def killed(*args):
        calls.append(args)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return learn(*args)

    monkeypatch.setattr(risks, "_learn", killed)
    trajectories, rings = small
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, trajectories, rings)
    train(tmp_path, trajectories.assign(event_frame=trajectories["event_frame"] + 1), rings)
    assert len(calls) == 4 + 8


def test_patience_ends_a_member(small, tmp_path):
    train(tmp_path, *small, training=TRAINING | {"max_epochs": 30, "patience": 1, "learning_rate": 0.3, "members": 1})
    curves = pd.read_csv(tmp_path / "model" / "curves.csv")
    assert len(curves) < 30
    assert curves["val_loss"].idxmin() == len(curves) - 2


def test_a_loss_that_is_not_finite_is_an_error(small, tmp_path):
    trajectories, rings = small
    broken = rings.assign(**{"a-ring0-mean": np.where(rings.index == 3, np.inf, rings["a-ring0-mean"])})
    with pytest.raises(InputError, match=r"loss not finite in epoch 1; risks\.training\.learning_rate is 0\.01"):
        train(tmp_path, trajectories, broken)


def test_a_part_without_an_event_is_an_error(small, tmp_path):
    trajectories, rings = small
    quiet = trajectories["recording"] == "r0"
    none = trajectories.assign(label=trajectories["label"].mask(quiet), event_frame=trajectories["event_frame"].mask(quiet))
    with pytest.raises(InputError, match="none of the 12 tracks of the validation part ends in death or division"):
        train(tmp_path, none, rings)


def test_tracks_without_rings_are_left_out(small, tmp_path):
    trajectories, rings = small
    train(tmp_path, trajectories, rings[rings["recording"] != "r4"])
    assert json.loads((tmp_path / "model" / "settings.json").read_text())["tracks"] == {"train": 24, "validation": 12}


def test_an_epoch_has_all_events_and_a_share_of_the_others():
    events = np.array([NONE] * 40 + [0] * 3 + [1] * 5)
    seen = set()
    for seed in range(20):
        order = epoch_order(events, 0.5, np.random.default_rng(seed))
        assert sorted(order[events[order] != NONE]) == list(range(40, 48))
        assert len(set(order)) == len(order) == 28
        seen |= set(order.tolist())
    assert seen == set(range(48))


def test_random_starts_leave_a_landmark():
    rng = np.random.default_rng(0)
    drawn = [random_start(12, 4, 0.5, rng) for _ in range(2000)]
    assert set(drawn) == set(range(8))
    assert 0.4 < np.mean(np.array(drawn) == 0) < 0.65
    assert {random_start(12, 4, 0.0, rng) for _ in range(20)} == {0}
    assert {random_start(5, 4, 1.0, rng) for _ in range(20)} == {0}
