import json

import numpy as np
import pandas as pd
import pytest
import torch
from toy_risks import TIMES, inputs_of, tracks

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.model.risks.ensemble import COLUMNS, Ensemble, load_ensemble, predict_fates, save_ensemble, summary
from cellfate.model.risks.inputs import Standard
from cellfate.model.risks.network import RiskNetwork, RiskSizes
from cellfate.model.tables import FATES

EDGES = (0.0, 1.0, 3.0, 8.0)
HORIZONS = (1.0, 2.0, 5.0)


@pytest.fixture
def data():
    return tracks(2, 6, {"slow": (0.02, 0.02), "fast": (0.1, 0.1)}, 12, seed=1)


def ensemble(members=2, followed_hours=6.0):
    sizes = RiskSizes(inputs=3, width=8, bins=3, dropout=0.5)
    torch.manual_seed(3)
    networks = tuple(RiskNetwork(sizes).eval() for _ in range(members))
    for network in networks:
        torch.nn.init.normal_(network.head[1].weight)
    columns = ("a-ring0-mean", "hours of track", "hours of film")
    standard = Standard(columns, np.array([5.0, 2, 2]), np.ones(3))
    return Ensemble(networks, standard, EDGES, TIMES, 2, followed_hours, {"negative": "death", "positive": "division"})


def test_nothing_of_a_frame_depends_on_later_frames(data):
    table, rings = data
    row = table[table["n_frames"] > 6].iloc[[0]]
    before = predict_fates([ensemble()], row, inputs_of(rings, TIMES), HORIZONS, "test")
    for frame in range(2, int(row["last_frame"].iloc[0])):
        later = rings["frame"] > frame
        changed = rings.assign(**{"a-ring0-mean": rings["a-ring0-mean"].where(~later, 7.0)})
        shorter = rings[~later]
        ends = row.assign(last_frame=frame, event_frame=pd.NA, label=pd.NA)
        for rows, own in ((row, changed), (ends, shorter)):
            found = predict_fates([ensemble()], rows, inputs_of(own, TIMES), HORIZONS, "test")
            seen = found[found["frame"] <= frame].reset_index(drop=True)
            known = before[before["frame"] <= frame].reset_index(drop=True)
            pd.testing.assert_frame_equal(seen, known)
    late = predict_fates([ensemble()], row, inputs_of(changed, TIMES), HORIZONS, "test")
    assert (late["positive"] - before["positive"]).abs().max() > 1e-3, "later frames must matter later"


def test_a_row_per_frame_and_horizon_once_enough_is_seen(data):
    table, rings = data
    found = predict_fates([ensemble()], table, inputs_of(rings, TIMES), HORIZONS, "test")
    counts = found.groupby("trajectory").size()
    assert counts.to_dict() == {row.trajectory: 3 * (row.n_frames - 2) for row in table.itertuples()}
    assert found["n_frames"].min() == 3
    assert (found["hours_since_start"] == found["frame"] / 2).all()
    assert np.allclose(found[["negative", "positive", "neither"]].sum(axis="columns"), 1)
    assert np.allclose(found["positive_given_event"], found["positive"] / (found["positive"] + found["negative"]))
    by_horizon = found.pivot(index=["trajectory", "frame"], columns="horizon_hours", values="neither")
    assert (by_horizon.diff(axis="columns").iloc[:, 1:] < 0).all(axis=None)
    check_table(found.assign(fold=0, split="test"), FATES, "fates")


def test_no_track_makes_an_empty_table(data):
    table, rings = data
    found = predict_fates([ensemble()], table.iloc[:0], inputs_of(rings, TIMES), HORIZONS, "test")
    assert len(check_table(found.assign(fold=0, split="test"), FATES, "fates")) == 0


def test_mean_and_spread_are_of_the_members():
    values = np.random.default_rng(0).uniform(0, 0.4, (3, 5, 2, 2))
    found = dict(zip(COLUMNS, summary(values).reshape(-1, 6).T, strict=True))
    assert found["positive"] == pytest.approx(values[..., 1].mean(0).ravel())
    assert found["spread_negative"] == pytest.approx(values[..., 0].std(0, ddof=1).ravel())
    assert np.isnan(summary(values[:1])[..., 4:]).all()


def test_horizons_that_nothing_was_followed_for_are_left_out(data, capsys):
    table, rings = data
    found = predict_fates([ensemble(followed_hours=2.0)], table, inputs_of(rings, TIMES), HORIZONS, "test")
    assert set(found["horizon_hours"]) == {1.0, 2.0}
    assert (
        "no training track was followed for longer than 2 hours after its first frame with a prediction: there are no risks for 5 hours"
        in capsys.readouterr().err
    )
    none = predict_fates([ensemble(followed_hours=0.5)], table, inputs_of(rings, TIMES), HORIZONS, "test")
    assert len(check_table(none.assign(fold=0, split="test"), FATES, "fates")) == 0


def test_a_folder_holds_all_that_is_needed(data, tmp_path):
    table, rings = data
    save_ensemble(tmp_path / "model", ensemble(), {"fold": 0})
    again = load_ensemble(tmp_path / "model")
    assert (again.edges, again.inputs, again.min_frames, again.followed_hours) == (EDGES, TIMES, 2, 6.0)
    before, after = (predict_fates([own], table, inputs_of(rings, TIMES), HORIZONS, "test") for own in (ensemble(), again))
    pd.testing.assert_frame_equal(before, after, check_exact=True)


def damage_weights(folder):
    (folder / "member-1.safetensors").write_bytes(b"no")


def remove_weights(folder):
    (folder / "member-1.safetensors").unlink()


def remove_settings(folder):
    (folder / "settings.json").unlink()


def damage_settings(folder):
    (folder / "settings.json").write_text("{")


def change_sizes(folder):
    settings = json.loads((folder / "settings.json").read_text())
    settings["network"]["width"] = 9
    (folder / "settings.json").write_text(json.dumps(settings))


@pytest.mark.parametrize("damage", [damage_weights, remove_weights, remove_settings, damage_settings, change_sizes])
def test_a_damaged_folder_is_named(tmp_path, damage):
    save_ensemble(tmp_path / "model", ensemble(), {})
    damage(tmp_path / "model")
    with pytest.raises(InputError, match=str(tmp_path / "model")):
        load_ensemble(tmp_path / "model")
