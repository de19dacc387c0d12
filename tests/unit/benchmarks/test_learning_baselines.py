"""Baselines: their numbers by hand, what they can and cannot learn, and their intervals."""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score
from toy_crops import toy_data

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))  # its files import each other by their names

from learning_baselines import BASELINES, central_intensity, mean_over_runs, pooled_pixels, predict_baselines, shortened
from learning_draws import balanced_accuracy_draws, interval

baselines_of = partial(predict_baselines, fold=0, seed=0)


def test_central_intensity_is_the_mean_above_background_of_the_central_square():
    crops = np.zeros((2, 2, 6, 6), np.uint16)
    crops[0, 0, 2:4, 2:4] = 100
    crops[1, 0, 2:4, 2:4] = 300
    crops[:, 0, 0, 0] = 9999
    crops[:, 1] = 50
    background = np.array([[10, 50], [20, 40]], float)
    np.testing.assert_allclose(central_intensity(crops, background, side=2), [(90 + 280) / 2, 5])


def test_pooled_pixels_are_block_means_and_leave_out_the_rest():
    crop = np.arange(25, dtype=np.uint16).reshape(1, 5, 5)
    np.testing.assert_allclose(pooled_pixels(crop, block=2), [3, 5, 13, 15])


@pytest.fixture(scope="module")
def predictions(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder: Path = tmp_path_factory.mktemp("toy")
    paths, trajectories, split = toy_data(folder, n_recordings=6, n_tracks=6)
    trajectories = trajectories.assign(treatment="cisplatin", dose="high")
    return baselines_of(paths, trajectories, split)


def test_every_baseline_predicts_each_test_trajectory_once(predictions: pd.DataFrame):
    assert tuple(predictions["method"].unique()) == BASELINES
    assert set(predictions["recording"]) == {"r1"}
    assert (predictions.groupby("method")["trajectory"].nunique() == 6).all()
    assert (predictions.groupby("method").size() == 6).all()


def test_brightness_that_tells_the_fate_is_found_and_one_dose_tells_nothing(predictions: pd.DataFrame):
    score = {name: balanced_accuracy_score(rows["label"], rows["predicted"]) for name, rows in predictions.groupby("method")}
    assert score["last_frame_pixels"] == score["last_frame_rings"] == score["mean_intensity"] == 1
    assert score["majority"] == score["dose"] == 0.5


def test_dropped_frames_are_read_by_neither_fit_nor_prediction(tmp_path: Path):
    paths, trajectories, split = toy_data(tmp_path, n_recordings=6, n_tracks=6)
    found = baselines_of(paths, trajectories.assign(treatment="cisplatin", dose="high"), split, dropped=9)
    score = {name: balanced_accuracy_score(rows["label"], rows["predicted"]) for name, rows in found.groupby("method")}
    assert score["last_frame_rings"] < 1  # the square brightens over the last eight frames
    assert (found["dropped"] == 9).all()


def test_shortened_trajectories_end_earlier_and_too_short_ones_go():
    rows = pd.DataFrame({"first_frame": [0, 5], "last_frame": [9, 7], "n_frames": [10, 3]})
    assert shortened(rows, 3).to_dict("records") == [{"first_frame": 0, "last_frame": 6, "n_frames": 7}]


def test_majority_has_the_base_rate_of_the_training_trajectories(predictions: pd.DataFrame):
    np.testing.assert_allclose(predictions.loc[predictions["method"] == "majority", "probability"], 0.5)


def table(recordings: list[str], labels: list[int], predicted: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"recording": recordings, "unit": recordings, "label": labels, "predicted": predicted})


def test_draws_are_the_scores_of_resampled_recordings():
    rng = np.random.default_rng(3)
    rows = table(list(np.repeat(list("abcd"), 6)), list(rng.integers(0, 2, 24)), list(rng.integers(0, 2, 24)))
    value, draws = balanced_accuracy_draws(rows, 50, seed=5)
    assert value == pytest.approx(balanced_accuracy_score(rows["label"], rows["predicted"]))
    chosen = np.random.default_rng(5).integers(0, 4, size=(50, 4))
    by_name = dict(list(rows.groupby("recording")))
    for names, drawn in zip(chosen, draws, strict=True):
        again = pd.concat([by_name["abcd"[n]] for n in names])
        assert drawn == pytest.approx(balanced_accuracy_score(again["label"], again["predicted"]))


def test_a_draw_without_one_outcome_is_left_out():
    _, draws = balanced_accuracy_draws(table(["a", "a", "b", "b"], [0, 0, 1, 1], [0, 0, 1, 1]), 200, seed=0)
    assert np.isnan(draws).any()
    assert interval(draws) == (1, 1)


def test_mean_over_runs_gives_mean_spread_and_a_narrower_interval():
    rng = np.random.default_rng(4)
    names, labels = list(np.repeat([f"r{n}" for n in range(9)], 10)), list(rng.integers(0, 2, 90))
    runs = {seed: table(names, labels, [v if rng.random() < 0.8 else 1 - v for v in labels]) for seed in (1, 2, 3)}
    mean, spread, values, draws = mean_over_runs(runs, resamples=1000)
    expected = [balanced_accuracy_score(rows["label"], rows["predicted"]) for rows in runs.values()]
    np.testing.assert_allclose(values, expected)
    assert (mean, spread) == pytest.approx((np.mean(expected), np.std(expected, ddof=1)))
    low, high = interval(draws)
    single = interval(mean_over_runs({1: runs[1]}, resamples=1000)[3])
    assert low < mean < high
    assert high - low < single[1] - single[0]
    assert np.isnan(mean_over_runs({1: runs[1]}, resamples=10)[1])
