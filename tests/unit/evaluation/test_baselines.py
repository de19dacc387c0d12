"""Baselines: what they see of a prefix, what they can and cannot learn, and the verdict on a network beside them."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, log_loss
from toy_crops import toy_data

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.crops.rings import measure_rings
from cellfate.evaluation.baselines.fits import STRONG, choose_strength, fit_boosting, fit_logistic, logistic
from cellfate.evaluation.baselines.predict import predict_baselines
from cellfate.evaluation.baselines.prefixes import Course, last_values, prefixes, summaries
from cellfate.evaluation.baselines.scores import Comparison, score_baselines, verdict
from cellfate.evaluation.rates import VARIABLES
from cellfate.evaluation.scoring import Units
from cellfate.evaluation.tables import BASELINE_PREDICTIONS, BASELINES
from cellfate.statistics.intervals import ALIKE

OF_IMAGES = ("rings_last_frame", "rings_any_frame", "rings_prefix")
predict = partial(predict_baselines, dropped=[0, 3, 9], drug={}, every=1, min_frames=5, seed=0)


# ---- prefixes ----


def course_of(frames=(2, 3, 5, 6), values=(1.0, 3.0, 2.0, 6.0), logarithm=False):
    return Course(pd.DataFrame({"recording": "r", "track_id": 1, "frame": frames, "a": values}), logarithm)


def row_of(n_frames=4, first=2, last=6):
    known = {"trajectory": "r/1", "recording": "r", "track_id": 1, "frame_interval_min": 30.0}
    return pd.DataFrame([known | {"n_frames": n_frames, "first_frame": first, "last_frame": last}])


def test_a_prefix_drops_the_last_frames_that_are_there():
    rows = prefixes(row_of(), course_of(), [0, 1, 2, 4], min_frames=2)
    assert rows[["n", "n_frames", "last_frame"]].to_numpy().tolist() == [[0, 4, 6], [1, 3, 5], [2, 2, 3]]
    assert last_values(course_of(), rows)[:, 0].tolist() == [6, 2, 3]
    assert prefixes(row_of(), course_of(), [1], min_frames=4)["n"].tolist() == [0], "n = 0 is the whole trajectory, however short"


def test_a_trajectory_whose_frames_were_not_measured_is_named():
    with pytest.raises(InputError, match="4 frames measured of trajectory r/1, which has 5"):
        prefixes(row_of(n_frames=5, last=7), course_of(), [0], min_frames=0)


def test_a_summary_is_last_mean_slope_extremes_and_age():
    rows = prefixes(row_of(), course_of(), [1], min_frames=0)
    whole, shorter = summaries(course_of(), rows)
    slope = np.polyfit(np.array([2, 3, 5, 6]) / 2, [1, 3, 2, 6], 1)[0]
    np.testing.assert_allclose(whole, [6, 3, slope, 1, 6, 2.5], rtol=1e-6)
    np.testing.assert_allclose(shorter[[0, 1, 3, 4, 5]], [2, 2, 1, 3, 2])
    assert np.isnan(summaries(course_of(), row_of(last=2))[0, 2]), "one value has no slope"


def test_logarithms_keep_order_and_sign():
    found = course_of(values=(-100.0, 0.0, 10.0, 1000.0), logarithm=True).of(row_of().iloc[0])[1][:, 0]
    np.testing.assert_allclose(found, [-np.log(101), 0, np.log(11), np.log(1001)], rtol=1e-6)


# ---- fits ----


def test_fit_finds_what_separates_and_keeps_groups_whole():
    rng = np.random.default_rng(1)
    labels, groups = np.tile([0, 1], 40), np.repeat(np.arange(8), 10)
    values = rng.normal(size=(80, 3))
    values[:, 1] += 3 * labels
    assert balanced_accuracy_score(labels, fit_logistic(values, labels, groups, seed=0).predict(values)) > 0.9
    assert choose_strength(values, labels, np.zeros(80), seed=0) == STRONG, "one group: nothing can be chosen"
    with pytest.raises(InputError, match=r"class \[1\] alone"):
        fit_logistic(values, np.ones(80, int), groups, seed=0)


def test_a_recording_that_has_the_outcome_does_not_stop_the_choice():
    labels, groups = np.repeat([0, 1], 20), np.repeat(np.arange(4), 10)
    values = np.random.default_rng(0).normal(size=(40, 2)) + labels[:, None]
    logistic(choose_strength(values, labels, groups, seed=0)).fit(values, labels)


def test_few_cells_of_either_outcome_do_not_stop_the_choice():
    labels, groups = np.tile([0, 1], 3), np.repeat(np.arange(3), 2)
    values = np.random.default_rng(0).normal(size=(6, 2)) + labels[:, None]
    for n in (6, 4):
        logistic(choose_strength(values[:n], labels[:n], groups[:n], seed=0)).fit(values[:n], labels[:n])
    alone = np.arange(6)
    logistic(choose_strength(values, labels, alone, seed=0)).fit(values, labels)


def test_boosted_trees_know_the_share_of_outcomes():
    rng = np.random.default_rng(0)
    labels = (rng.random(400) < 0.9).astype(int)
    nothing = fit_boosting(rng.normal(size=(400, 1)) * 0, labels, seed=0).probability(np.zeros((1, 1)))
    assert nothing[0] == pytest.approx(0.5, abs=0.02), "where a value tells nothing both outcomes are as likely"


# ---- all baselines on toy recordings ----


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """Six recordings in which a square brightens over the last eight frames in class 1."""
    paths, trajectories, split = toy_data(tmp_path_factory.mktemp("toy"), n_recordings=6, n_tracks=10)
    rings = pd.concat([measure_rings(path, n_rings=3, percentile=90) for path in paths], ignore_index=True)
    known = {"treatment": "cisplatin", "dose": "high", "group": None, "frame_interval_min": 30.0}
    return trajectories.assign(lineage=trajectories["trajectory"], **known), split, rings


@pytest.fixture(scope="module")
def predictions(toy):
    trajectories, split, rings = toy
    return check_table(predict(trajectories, split, rings, None), BASELINE_PREDICTIONS, "toy")


def scores_at(predictions, n):
    rows = predictions[predictions["n"] == n]
    return {name: balanced_accuracy_score(one["label"], one["probability"] > 0.5) for name, one in rows.groupby("method")}


def test_every_baseline_predicts_each_test_prefix_once(predictions):
    assert set(predictions["method"]) == {"majority", *VARIABLES, *OF_IMAGES}
    assert set(predictions["recording"]) == {"r1"}
    dropped = predictions[predictions["n"].isin([0, 3, 9])]
    assert dropped.groupby(["method", "n"])["trajectory"].nunique().eq(10).all()
    assert not predictions.duplicated(["method", "trajectory", "n"]).any()
    further = predictions[~predictions["n"].isin([0, 3, 9])]
    assert set(further["method"]) == {"rings_any_frame", "rings_prefix"}, "those that are fitted once are there at every landmark"


def test_brightness_that_tells_the_fate_is_found_and_one_dose_tells_nothing(predictions):
    found = scores_at(predictions, 0)
    assert [found[name] for name in OF_IMAGES] == [1, 1, 1]
    assert found["majority"] == found["dose"] == found["recording"] == 0.5


@pytest.mark.parametrize(("rarer", "majority"), [(0, 1.0), (1, 0.0)])
def test_the_majority_is_that_of_training_whichever_it_is(toy, rarer, majority):
    trajectories, split, rings = toy
    parts = trajectories["trajectory"].map(split.set_index("trajectory")["split"])
    rare = trajectories[(parts == "train") & (trajectories["label"] == rarer)].index
    fewer = trajectories.assign(usable=trajectories["usable"] & ~trajectories.index.isin(rare[::3]))
    found = predict(fewer, split, rings, None, dropped=[0])
    assert set(found.loc[found["method"] == "majority", "probability"]) == {majority}


def test_dropped_frames_are_not_seen(toy, predictions):
    trajectories, _, rings = toy
    ends = rings[["recording", "track_id"]].merge(trajectories[["recording", "track_id", "last_frame"]])["last_frame"].to_numpy()
    columns = [column for column in rings if "ring" in column]
    changed = rings.copy()
    changed.loc[rings["frame"].to_numpy() > ends - 9, columns] = 1e6
    before, after = Course(rings, logarithm=True), Course(changed, logarithm=True)
    rows = prefixes(trajectories, before, [9], min_frames=5)
    for described in (last_values, summaries):
        same = (described(before, rows) == described(after, rows)).all(axis=1)
        assert same.tolist() == (rows["n"] == 9).tolist()
    assert scores_at(predictions, 9)["rings_last_frame"] < 1


def test_features_of_all_tracks_are_a_further_baseline(toy):
    trajectories, split, rings = toy
    features = rings[["recording", "track_id", "frame"]].assign(area=rings["p53-ring0-mean"])
    found = predict(trajectories, split, features.merge(rings), features.iloc[::2])
    assert scores_at(found, 0)["features_prefix"] == 1


# ---- network beside baselines ----


UNITS = Units("recording", ("apoptosis", "mitosis"))


def network_of(predictions, right):
    """The network's predictions table at n = 0 and 3, right for a share of the trajectories."""
    rows = predictions[(predictions["method"] == "majority") & predictions["n"].isin([0, 3])].reset_index(drop=True)
    hit = np.arange(len(rows)) % 10 < 10 * right
    probability = np.where(hit == (rows["label"] == 1), 0.9, 0.1)
    rows = rows.assign(probability=probability, logit=probability - 0.5)
    full = rows.assign(condition=np.where(rows["n"] == 0, "full", "truncation"), split="test")
    return pd.concat([full, full[full["n"] == 0].assign(condition="truncation")], ignore_index=True)


def compared(toy, predictions, right):
    comparison = Comparison("cisplatin", [0, 3], "fixed", UNITS, calibrated=True)
    return check_table(score_baselines(network_of(predictions, right), predictions, *toy[:2], comparison), BASELINES, "toy")


def all_in_full(table, method):
    return table[(table["method"] == method) & (table["condition"] == "full") & (table["scope"] == "all")].iloc[0]


def test_a_baseline_that_wins_is_named_first(toy, predictions):
    table = compared(toy, predictions, right=0.8)
    text = verdict(table)
    assert text.startswith("The network is no better than 3 of 10 simple baselines: “rings of the last frame, logistic”")
    assert "network less baseline -0.200 (no interval: apoptosis: 1 recording, at least 3 are needed)" in text
    row = all_in_full(table, "rings_prefix")
    assert row["lead"] == pytest.approx(-0.2)
    assert (row["units"], row["units_negative"], row["units_positive"]) == (1, 1, 1)
    assert row["reason"] == row["lead_reason"] == "apoptosis: 1 recording, at least 3 are needed"


def made_up(**methods):
    """Predictions of network and baselines on eight recordings of 20: each is (share that is right, how sure it is of it)."""
    rng = np.random.default_rng(0)
    names = [f"r{number // 20}/{number}" for number in range(160)]
    known = {"recording": [name.split("/")[0] for name in names], "treatment": "cisplatin", "label": np.arange(160) % 2}
    rows = pd.DataFrame({"trajectory": names, "fold": 0, "n": 0, **known})
    said = {}
    for method, (right, sure) in methods.items():
        hits = rng.permutation(np.arange(160) < 160 * right)
        said[method] = rows.assign(method=method, probability=np.where(hits == (rows["label"] == 1), sure, 1 - sure))
    network = said.pop("network")
    network = network.assign(split="test", condition="full", logit=network["probability"] - 0.5)
    trajectories = rows.assign(group=None, usable=True)
    training = trajectories.assign(trajectory="t" + trajectories["trajectory"], label=(np.arange(160) % 4 > 0).astype(int))
    split = pd.DataFrame({"trajectory": [*names, *training["trajectory"]], "fold": 0, "split": ["test"] * 160 + ["train"] * 160})
    return network, pd.concat(said.values()), pd.concat([trajectories, training]), split


def judged(calibrated=False, **methods):
    table = score_baselines(*made_up(**methods), Comparison(None, [], "all", UNITS, calibrated))
    return check_table(table, BASELINES, "made up")


def test_a_network_that_leads_says_so_and_a_tie_is_no_lead():
    ahead = verdict(judged(network=(0.9, 0.9), length=(0.5, 0.6), dose=(0.55, 0.6)))
    assert ahead.startswith("The network is better than each of 2 simple baselines.")
    assert "log-loss" not in ahead
    even = verdict(judged(network=(0.72, 0.8), length=(0.69, 0.7)))
    assert even.startswith("The network is not shown to be better than 1 of 1 simple baselines")


def test_log_loss_is_named_where_it_says_otherwise():
    by_loss = "In log-loss, which judges the probabilities: the network is"
    rash = verdict(judged(network=(0.9, 0.99999), length=(0.75, 0.75)))
    assert rash.startswith("The network is better than each")
    assert rash.endswith(f"{by_loss} no better than 1 of 1 simple baselines: “the length of the track”.")
    calm = verdict(judged(network=(0.75, 0.75), length=(0.76, 0.999)))
    assert calm.startswith("The network is no better than 1 of 1 simple baselines")
    assert calm.endswith(f"{by_loss} better than each of 1 simple baselines.")


@pytest.mark.parametrize(("calibrated", "odds"), [(False, 1), (True, 3)])
def test_log_losses_and_their_lead_are_those_of_scikit_learn_at_the_base_rate(calibrated, odds):
    known = {"network": (0.9, 0.9), "length": (0.6, 0.7)}
    network, baselines, _, _ = made_up(**known)
    table, own = judged(calibrated, **known), log_loss(network["label"], network["probability"])
    shifted = baselines["probability"] * odds / (baselines["probability"] * odds + 1 - baselines["probability"])
    row = all_in_full(table, "length")
    assert all_in_full(table, "network")["log_loss"] == pytest.approx(own)
    assert row["log_loss"] == pytest.approx(log_loss(baselines["label"], shifted))
    assert row["log_loss_lead"] == pytest.approx(row["log_loss"] - own)
    assert row["log_loss_lead_low"] < row["log_loss_lead"] < row["log_loss_lead_high"]


def test_the_majority_has_the_base_rate_as_its_probability():
    network, baselines, trajectories, split = made_up(network=(0.9, 0.9), majority=(0.5, 1.0))
    table = score_baselines(network, baselines.assign(probability=1.0), trajectories, split, Comparison(None, [], "all", UNITS, True))
    row = all_in_full(table, "majority")
    assert row["log_loss"] == pytest.approx(-(np.log(0.75) + np.log(0.25)) / 2)
    assert (row["value"], row["reason"]) == (0.5, ALIKE)


def test_scopes_conditions_and_cohorts_are_those_of_the_network(toy, predictions):
    table = compared(toy, predictions, right=0.8)
    sets = table[["scope", "condition", "n", "cohort"]].drop_duplicates().to_numpy().tolist()
    truncated = [["cisplatin", "truncation", n, cohort] for cohort in ("all", "fixed") for n in (0, 3)]
    assert sets == [["all", "full", 0, "all"], ["cisplatin", "full", 0, "all"], *truncated]
    assert table["lead"].isna().sum() == len(sets), "the network has no lead over itself"


def test_a_trajectory_that_a_baseline_lacks_is_named(toy, predictions):
    lacking = predictions.drop(predictions.index[(predictions["method"] == "length") & (predictions["n"] == 3)][0])
    with pytest.raises(InputError, match="length has no prediction of trajectory r1/0 without its last 3 frames"):
        compared(toy, lacking, right=1)
