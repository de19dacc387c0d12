from itertools import combinations
from math import comb

import numpy as np
import pytest
from scipy import stats

from cellfate import statistics
from cellfate.statistics import (
    benjamini_hochberg,
    bootstrap_counts,
    circular_shift_p_value,
    cliffs_delta,
    deltas_of_masks,
    deltas_of_shifts,
    effect_band,
    high_attention,
    median_with_interval,
    permutation_p_value,
    permutation_p_values,
    resampling_units,
)


def brute_delta(x, y):
    return np.mean([np.sign(a - b) for a in x for b in y])


def scipy_p(x, y, resamples):
    def difference(a, b, axis):
        return a.mean(axis=axis) - b.mean(axis=axis)

    return stats.permutation_test((x, y), difference, vectorized=True, n_resamples=resamples, rng=np.random.default_rng(5)).pvalue


def test_cliffs_delta_equals_the_double_loop_with_and_without_ties():
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, y = rng.normal(size=rng.integers(1, 9)), rng.normal(0.5, 1, size=rng.integers(1, 9))
        assert cliffs_delta(x, y) == pytest.approx(brute_delta(x, y), abs=1e-12)
        x, y = rng.integers(0, 4, 7), rng.integers(0, 4, 5)
        assert cliffs_delta(x, y) == pytest.approx(brute_delta(x, y), abs=1e-12)
    assert cliffs_delta([3, 4], [1, 2]) == 1
    assert cliffs_delta([1, 1], [1, 1]) == 0


def test_cliffs_delta_is_scipys_u_statistic():
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 6, 12), rng.integers(0, 6, 20)
    assert cliffs_delta(x, y) == pytest.approx(2 * stats.mannwhitneyu(x, y).statistic / (12 * 20) - 1)


def test_deltas_of_masks_leave_out_missing_values():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(3, 12))
    values[1, [0, 5]] = np.nan
    values[2, 2:] = np.nan  # two values, one on either side
    masks = rng.random((4, 12)) < 0.4
    masks[:, :2], masks[:, 2:6], masks[:, 10:] = [True, False], [True, True, False, False], [True, False]
    found = deltas_of_masks(values, masks)
    for k, f in np.ndindex(4, 2):
        known = ~np.isnan(values[f])
        inside, outside = values[f][masks[k] & known], values[f][~masks[k] & known]
        assert found[k, f] == pytest.approx(brute_delta(inside, outside), abs=1e-12)
    assert np.isnan(found[:, 2]).all()


def test_deltas_of_shifts_move_the_mask_around_the_circle():
    rng = np.random.default_rng(3)
    values, high = rng.normal(size=(2, 9)), np.array([1, 1, 0, 0, 1, 0, 0, 0, 0], bool)
    found = deltas_of_shifts(values, high)
    for shift in range(9):
        rolled = np.roll(high, shift)
        for f in range(2):
            assert found[shift, f] == pytest.approx(brute_delta(values[f][rolled], values[f][~rolled]), abs=1e-12)


def test_high_attention_is_at_or_above_the_percentile_of_all_frames():
    weights = np.arange(1, 12.0)  # the 90th percentile of 1..11 is 10
    assert list(np.flatnonzero(high_attention(weights))) == [9, 10]
    assert high_attention(np.ones(5)).all()


@pytest.mark.parametrize(("n", "m"), [(3, 5), (4, 4), (2, 9), (6, 2)])
def test_exact_p_values_equal_scipys(n, m):
    rng = np.random.default_rng(n)
    for values in (rng.normal(size=n + m), rng.integers(0, 3, n + m).astype(float)):
        assert comb(n + m, n) < 50_000
        assert permutation_p_value(values[:n], values[n:]) == pytest.approx(scipy_p(values[:n], values[n:], np.inf), abs=1e-12)


def test_exact_p_value_by_hand():
    # x is the largest two of five: 1 of the 10 exchanges is as large, so 2 * 1 / 10
    assert permutation_p_value([9, 8], [1, 2, 3]) == pytest.approx(0.2)


@pytest.mark.parametrize("shift", [0.0, 0.6, 1.2])
@pytest.mark.parametrize("m", [6, 50])
def test_random_p_values_agree_with_scipy(shift, m):
    rng = np.random.default_rng(7)
    x, y = rng.normal(shift, 1, m), rng.normal(0, 1, 54)
    ours = permutation_p_value(x, y, resamples=20_000, seed=1)
    theirs = scipy_p(x, y, 20_000)
    assert ours == pytest.approx(theirs, abs=5 * np.sqrt(2 * max(theirs, 1e-4) * 2 / 20_000))


def test_p_value_with_ties_agrees_with_scipy():
    rng = np.random.default_rng(8)
    x, y = rng.integers(0, 3, 12).astype(float), rng.integers(0, 2, 50) * 0.1
    x = np.round(x * 0.1, 1)
    theirs = scipy_p(x, y, 20_000)
    assert permutation_p_value(x, y, 20_000) == pytest.approx(theirs, abs=5 * np.sqrt(4 * max(theirs, 1e-4) / 20_000))


def test_smallest_p_value_is_two_of_n_plus_one_and_constant_values_give_one():
    values = np.vstack([np.arange(100.0), np.ones(100)])
    p = permutation_p_values(values, np.arange(100) >= 90, resamples=50_000)
    assert p[0] == pytest.approx(2 / 50_001)
    assert p[1] == 1


def test_p_values_are_deterministic_and_seeded():
    rng = np.random.default_rng(9)
    values, high = rng.normal(size=(2, 60)), np.arange(60) < 6
    first = permutation_p_values(values, high, 5000, seed=[3, 4])
    assert (first == permutation_p_values(values, high, 5000, seed=[3, 4])).all()
    assert (first != permutation_p_values(values, high, 5000, seed=[3, 5])).any()


def test_p_values_drop_missing_frames_per_feature_and_skip_small_sides():
    rng = np.random.default_rng(10)
    values, high = rng.normal(size=(3, 14)), np.arange(14) >= 10
    values[1, [0, 13]] = np.nan
    values[2, 11:] = np.nan
    p = permutation_p_values(values, high)
    assert p[0] == pytest.approx(scipy_p(values[0, 10:], values[0, :10], np.inf))
    assert p[1] == pytest.approx(scipy_p(values[1, 10:13], values[1, 1:10], np.inf))
    assert np.isnan(p[2])


def test_random_masks_are_uniform_subsets():
    masks = np.vstack(list(statistics._random_masks(5, 2, 40_000, np.random.default_rng(0))))
    assert (masks.sum(axis=1) == 2).all()
    counts = [int((masks[:, [a, b]].sum(axis=1) == 2).sum()) for a, b in combinations(range(5), 2)]
    assert stats.chisquare(counts).pvalue > 1e-3


def test_median_interval_is_near_the_exact_one():
    values = np.random.default_rng(11).normal(size=101)
    median, low, high = median_with_interval(values, resamples=20_000)
    ordered = np.sort(values)
    rank = stats.binom.ppf([0.025, 0.975], 101, 0.5).astype(int)  # order statistics of the exact interval
    assert median == np.median(values)
    assert ordered[rank[0] - 3] <= low <= ordered[rank[0] + 3]
    assert ordered[rank[1] - 3] <= high <= ordered[rank[1] + 3]


def test_bootstrap_medians_equal_numpys_on_the_resampled_groups():
    values = np.array([1.0, 2, 5, 7, 9, 11])
    codes = np.array([0, 0, 1, 1, 1, 2])
    found = statistics._bootstrap_medians(values, codes, 300, np.random.default_rng(4))
    counts = bootstrap_counts(3, 300, np.random.default_rng(4))
    expected = [np.median(np.concatenate([np.repeat(values[codes == g], c) for g, c in enumerate(row)])) for row in counts]
    assert found == pytest.approx(expected)


def test_grouped_interval_is_wider_where_groups_differ():
    rng = np.random.default_rng(12)
    groups = np.repeat(np.arange(8), 40)
    values = rng.normal(size=8)[groups] + rng.normal(0, 0.2, 320)
    _, low, high = median_with_interval(values)
    _, grouped_low, grouped_high = median_with_interval(values, groups)
    assert grouped_high - grouped_low > 2 * (high - low)


def test_median_of_few_values():
    assert median_with_interval([0.5])[0] == 0.5
    assert np.isnan(median_with_interval([0.5, 0.6], ["a", "a"])[1:]).all()
    assert np.isnan(median_with_interval([np.nan])).all()


def test_bootstrap_counts_draw_with_replacement():
    counts = bootstrap_counts(5, 20_000, np.random.default_rng(0))
    assert (counts.sum(axis=1) == 5).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(5), abs=0.05)
    assert counts.var(axis=0) == pytest.approx(np.full(5, 0.8), abs=0.05)  # binomial(5, 1/5)


def test_circular_shift_p_value_against_all_combinations():
    shifted = [np.array([0.9, 0.1, -0.3]), np.array([0.7, 0.0, 0.4, -0.2])]
    medians = np.array([(a + b) / 2 for a in shifted[0] for b in shifted[1]])
    exact = 2 * min((medians >= 0.8).mean(), (medians <= 0.8).mean())
    assert circular_shift_p_value(shifted, draws=50_000) == pytest.approx(exact, abs=0.01)


def test_circular_shift_p_value_skips_shifts_and_trajectories_without_a_delta():
    some = [np.array([0.9, np.nan, 0.1]), np.array([np.nan, 0.2, 0.3])]
    assert circular_shift_p_value(some, draws=10_000) == pytest.approx(2 * 0.5, abs=0.05)
    assert np.isnan(circular_shift_p_value([np.array([np.nan, 0.5])]))


def test_benjamini_hochberg_by_hand():
    # sorted 0.01 0.02 0.03 0.5: times 4 / rank 0.04 0.04 0.04 0.5
    q = benjamini_hochberg([0.02, np.nan, 0.5, 0.01, 0.03])
    assert q[[0, 2, 3, 4]] == pytest.approx([0.04, 0.5, 0.04, 0.04])
    assert np.isnan(q[1])


@pytest.mark.parametrize(
    ("delta", "band"), [(0.1469, "negligible"), (-0.147, "small"), (0.33, "medium"), (-0.474, "large"), (1.0, "large"), (np.nan, None)]
)
def test_effect_bands(delta, band):
    assert effect_band(delta) == band


def test_resampling_units_are_recordings_unless_there_is_one():
    assert list(resampling_units(["a", "b"], ["1", "2"])) == ["a", "b"]
    assert list(resampling_units(["a", "a"], ["1", "2"])) == ["1", "2"]
