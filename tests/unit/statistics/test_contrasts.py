import numpy as np
import pytest

from cellfate.statistics.contrasts.blocks import block_length, deltas_of_blocks
from cellfate.statistics.contrasts.by_unit import mean_interval, median_interval, opposite_share
from cellfate.statistics.contrasts.matched import exchanged, matched_contrast
from cellfate.statistics.effect_sizes import cliffs_delta


def cells(seed=0, recordings=6, each=10, effect=0.0, shift=0.0):
    """Values, outcomes and recordings; ``shift`` is by how much recordings differ, with more of outcome 1 in those that are higher."""
    rng = np.random.default_rng(seed)
    units = np.repeat(np.arange(recordings), each)
    labels = (rng.random(len(units)) < np.linspace(0.2, 0.8, recordings)[units]).astype(int)
    return rng.normal(size=len(units)) + effect * labels + shift * units, labels, units


def test_one_recording_is_cliffs_delta():
    values, labels, units = cells(recordings=1, each=30, effect=1.0)
    found = matched_contrast(values, labels, units, draws=200, seed=1)
    assert found.delta == pytest.approx(cliffs_delta(values[labels == 1], values[labels == 0]))
    assert found.interval.reason == "1 recording, at least 3 are needed, with both outcomes"
    assert (found.both, found.alone) == (1, 0)


def test_recordings_that_differ_make_no_difference_of_outcomes():
    found = matched_contrast(*cells(shift=50.0), draws=500, seed=1)
    plain = matched_contrast(*cells(shift=0.0), draws=500, seed=1)
    assert found.delta == pytest.approx(plain.delta)
    assert found.p_value == plain.p_value > 0.05
    values, labels, _ = cells(shift=50.0)
    assert cliffs_delta(values[labels == 1], values[labels == 0]) > 0.3


def test_an_effect_is_found_with_its_sign_and_interval():
    found = matched_contrast(*cells(effect=2.0, each=20), draws=500, seed=1)
    assert found.p_value == pytest.approx(2 / 501)
    assert 0.3 < found.interval.low < found.delta < found.interval.high <= 1
    assert 0 < found.opposite < 0.3
    values, labels, units = cells(effect=2.0, each=20)
    mirrored = matched_contrast(-values, labels, units, draws=500, seed=1)
    assert mirrored.delta == pytest.approx(-found.delta)
    assert mirrored.opposite == pytest.approx(found.opposite)


def test_recordings_with_one_outcome_are_counted_and_left_out():
    values, labels, units = cells(effect=2.0)
    labels = np.where(units < 2, 0, labels)
    found = matched_contrast(values, labels, units, draws=200, seed=1)
    kept = units >= 2
    same = matched_contrast(values[kept], labels[kept], units[kept], draws=200, seed=1)
    assert (found.both, found.alone) == (4, 2)
    assert (found.delta, found.p_value) == (same.delta, same.p_value)


def test_an_absent_outcome_has_no_test_and_a_reason():
    values, _, units = cells()
    found = matched_contrast(values, np.zeros(len(values), int), units, draws=200, seed=1)
    assert np.isnan([found.delta, found.p_value, found.opposite]).all()
    assert found.interval.reason == "no recording has both outcomes"


def test_a_constant_feature_is_no_effect():
    values, labels, units = cells()
    found = matched_contrast(np.zeros(len(values)), labels, units, draws=200, seed=1)
    assert (found.delta, found.p_value) == (0, 1)
    assert found.interval.reason == "every cell contributes the same"


def test_exchanges_keep_each_recordings_outcomes():
    _, labels, units = cells()
    drawn = exchanged(labels, units, 50, 3)
    assert (drawn[0] == labels).all()
    for unit in np.unique(units):
        assert (drawn[:, units == unit].sum(axis=1) == labels[units == unit].sum()).all()
    assert (drawn != labels).any(axis=1).sum() == 50


def test_intervals_of_medians_and_means_hold_them():
    rng = np.random.default_rng(0)
    units = np.repeat(np.arange(6), 15)
    values = rng.normal(size=90) + rng.normal(0, 0.5, 6)[units]
    of_median, of_mean = (interval(values, units, unit="recording") for interval in (median_interval, mean_interval))
    assert of_median.low < np.median(values) < of_median.high
    assert of_mean.low < values.mean() < of_mean.high
    assert median_interval(values[units < 2], units[units < 2], unit="recording").reason == "2 recordings, at least 3 are needed"
    assert mean_interval(values[:0], units[:0], unit="recording").reason == "no value"


def test_opposite_share():
    assert opposite_share(np.array([0.5, 0.4, -0.1, 0.3])) == 0.25
    assert opposite_share(np.array([-0.5, -0.4, 0.1, 0.0])) == 0.25
    assert np.isnan(opposite_share(np.array([])))


def test_blocks_follow_the_autocorrelation():
    rng = np.random.default_rng(0)
    white = [rng.normal(size=(3, 80)) for _ in range(20)]
    walks = [np.cumsum(one, axis=1) for one in white]
    assert block_length(white) == 2
    assert block_length(walks) > 8
    assert block_length([np.full((3, 80), np.nan)]) == 2


def test_exchanged_blocks_keep_the_number_of_high_frames():
    rng = np.random.default_rng(0)
    values, high = rng.normal(size=(2, 60)), np.arange(60) >= 50
    deltas = deltas_of_blocks(values, high, 10, draws=100, seed=1)
    assert deltas.shape == (101, 2)
    assert deltas[0, 0] == pytest.approx(cliffs_delta(values[0, high], values[0, ~high]))
    assert deltas[1:].std() > 0.05
    assert np.isfinite(deltas).all()
