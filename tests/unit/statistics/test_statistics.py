from functools import partial
from itertools import combinations
from math import comb

import numpy as np
import pytest
from scipy import stats

from cellfate.statistics import bootstrap, permutation
from cellfate.statistics import effect_sizes as statistics
from cellfate.statistics.bootstrap import bootstrap_counts, median_with_interval, resampling_units
from cellfate.statistics.courses import additive_course, remove_course
from cellfate.statistics.effect_sizes import (
    cliffs_delta,
    deltas_of_masks,
    deltas_of_shifts,
    deltas_of_trajectories,
    effect_band,
    high_attention,
)
from cellfate.statistics.permutation import benjamini_hochberg, circular_shift_p_value, permutation_p_values

median_of = partial(median_with_interval, seed=0, resamples=2000)
shift_p_value = partial(circular_shift_p_value, seed=0, draws=10000)


def brute_delta(x, y):
    return np.mean([np.sign(a - b) for a in x for b in y])


def scipy_p(x, y, resamples):
    def difference(a, b, axis):
        return a.mean(axis=axis) - b.mean(axis=axis)

    return stats.permutation_test((x, y), difference, vectorized=True, n_resamples=resamples, rng=np.random.default_rng(5)).pvalue


def p_value_of(x, y, resamples=50_000, seed=0):
    """The permutation test of one feature, whose values on high and on low frames are ``x`` and ``y``."""
    values = np.concatenate([np.asarray(x, float), np.asarray(y, float)])
    return float(permutation_p_values(values[None], np.arange(len(values)) < len(x), resamples=resamples, seed=seed)[0])


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


def test_deltas_of_trajectories_are_those_of_each_one_alone():
    rng = np.random.default_rng(4)
    lengths = [5, 64, 100, 63, 20, 30, 8]
    values = [rng.normal(size=(4, length)) for length in lengths]
    masks = [rng.random(length) < 0.3 for length in lengths]
    masks[0][:], masks[1][:], masks[6][:] = False, True, np.arange(8) < 3  # the first two have no frame on one side
    values[2] = values[2].round()  # ties
    values[3][0, rng.random(63) < 0.5] = np.nan
    values[3][1] = np.nan
    values[4][2, :3] = np.inf
    values[5][3] = 7.0
    found = deltas_of_trajectories(values, masks)
    alone = np.concatenate([deltas_of_masks(own, mask) for own, mask in zip(values, masks, strict=True)])
    np.testing.assert_allclose(found, alone, rtol=0, atol=1e-14)
    assert list(np.isnan(found).all(axis=1)) == [True, True, False, False, False, False, False]
    assert found[2, 0] == pytest.approx(brute_delta(values[2][0][masks[2]], values[2][0][~masks[2]]), abs=1e-12)
    known = ~np.isnan(values[3][0])
    assert found[3, 0] == pytest.approx(brute_delta(values[3][0][masks[3] & known], values[3][0][~masks[3] & known]), abs=1e-12)


def test_deltas_of_trajectories_do_not_depend_on_the_blocks(monkeypatch):
    rng = np.random.default_rng(5)
    values, masks = rng.normal(size=(9, 3, 40)), rng.random((9, 40)) < 0.2
    whole = deltas_of_trajectories(values, masks)
    monkeypatch.setattr(statistics, "BLOCK_VALUES", 1)
    np.testing.assert_array_equal(deltas_of_trajectories(values, masks), whole)
    assert deltas_of_trajectories([], []).shape == (0, 0)


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
    assert list(np.flatnonzero(high_attention(weights, percentile=90))) == [9, 10]
    assert high_attention(np.ones(5), percentile=90).all()


def test_frames_of_weight_zero_count_so_that_a_percentile_of_zero_leaves_no_low_frame():
    mostly_zero = np.r_[np.zeros(20), 1.0]
    assert high_attention(mostly_zero, percentile=90).all()
    half_zero = np.r_[np.zeros(10), np.arange(1, 11)]
    assert list(np.flatnonzero(high_attention(half_zero, percentile=90))) == [18, 19]


def test_a_feature_of_zero_is_a_value_like_any_other():
    n_neighbors = np.array([[0.0, 0, 0, 0, 1, 2, 0, 3, np.nan]])
    high = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1], bool)
    assert deltas_of_trajectories([n_neighbors], [high])[0, 0] == brute_delta([1, 2, 0, 3], [0, 0, 0, 0]) == 0.75


@pytest.mark.parametrize(("n", "m"), [(3, 5), (4, 4), (2, 9), (6, 2)])
def test_exact_p_values_equal_scipys(n, m):
    rng = np.random.default_rng(n)
    for values in (rng.normal(size=n + m), rng.integers(0, 3, n + m).astype(float)):
        assert comb(n + m, n) < 50_000
        assert p_value_of(values[:n], values[n:]) == pytest.approx(scipy_p(values[:n], values[n:], np.inf), abs=1e-12)


def test_exact_p_value_by_hand():
    # x is the largest two of five: 1 of the 10 exchanges is as large, so 2 * 1 / 10
    assert p_value_of([9, 8], [1, 2, 3]) == pytest.approx(0.2)


@pytest.mark.parametrize("shift", [0.0, 0.6, 1.2])
@pytest.mark.parametrize("m", [6, 50])
def test_random_p_values_agree_with_scipy(shift, m):
    rng = np.random.default_rng(7)
    x, y = rng.normal(shift, 1, m), rng.normal(0, 1, 54)
    ours = p_value_of(x, y, resamples=20_000, seed=1)
    theirs = scipy_p(x, y, 20_000)
    assert ours == pytest.approx(theirs, abs=5 * np.sqrt(2 * max(theirs, 1e-4) * 2 / 20_000))


def test_p_value_with_ties_agrees_with_scipy():
    rng = np.random.default_rng(8)
    x, y = rng.integers(0, 3, 12).astype(float), rng.integers(0, 2, 50) * 0.1
    x = np.round(x * 0.1, 1)
    theirs = scipy_p(x, y, 20_000)
    assert p_value_of(x, y, 20_000) == pytest.approx(theirs, abs=5 * np.sqrt(4 * max(theirs, 1e-4) / 20_000))


def test_smallest_p_value_is_two_of_n_plus_one_and_constant_values_give_one():
    values = np.vstack([np.arange(100.0), np.ones(100)])
    p = permutation_p_values(values, np.arange(100) >= 90, resamples=50_000, seed=0)
    assert p[0] == pytest.approx(2 / 50_001)
    assert p[1] == 1


def test_p_values_are_deterministic_and_seeded():
    rng = np.random.default_rng(9)
    values, high = rng.normal(size=(2, 60)), np.arange(60) < 6
    first = permutation_p_values(values, high, resamples=5000, seed=[3, 4])
    assert (first == permutation_p_values(values, high, resamples=5000, seed=[3, 4])).all()
    assert (first != permutation_p_values(values, high, resamples=5000, seed=[3, 5])).any()


def test_p_values_drop_missing_frames_per_feature_and_skip_small_sides():
    rng = np.random.default_rng(10)
    values, high = rng.normal(size=(3, 14)), np.arange(14) >= 10
    values[1, [0, 13]] = np.nan
    values[2, 11:] = np.nan
    p = permutation_p_values(values, high, resamples=50000, seed=0)
    assert p[0] == pytest.approx(scipy_p(values[0, 10:], values[0, :10], np.inf))
    assert p[1] == pytest.approx(scipy_p(values[1, 10:13], values[1, 1:10], np.inf))
    assert np.isnan(p[2])


def test_random_masks_are_uniform_subsets():
    masks = np.vstack(list(permutation._random_masks(5, 2, 40_000, np.random.default_rng(0))))
    assert (masks.sum(axis=1) == 2).all()
    counts = [int((masks[:, [a, b]].sum(axis=1) == 2).sum()) for a, b in combinations(range(5), 2)]
    assert stats.chisquare(counts).pvalue > 1e-3


def test_median_interval_is_near_the_exact_one():
    values = np.random.default_rng(11).normal(size=101)
    median, low, high = median_of(values, resamples=20_000)
    ordered = np.sort(values)
    rank = stats.binom.ppf([0.025, 0.975], 101, 0.5).astype(int)  # order statistics of the exact interval
    assert median == np.median(values)
    assert ordered[rank[0] - 3] <= low <= ordered[rank[0] + 3]
    assert ordered[rank[1] - 3] <= high <= ordered[rank[1] + 3]


def test_bootstrap_medians_equal_numpys_on_the_resampled_groups():
    values = np.array([1.0, 2, 5, 7, 9, 11])
    codes = np.array([0, 0, 1, 1, 1, 2])
    found = bootstrap._bootstrap_medians(values, codes, 300, np.random.default_rng(4))
    counts = bootstrap_counts(3, 300, np.random.default_rng(4))
    expected = [np.median(np.concatenate([np.repeat(values[codes == g], c) for g, c in enumerate(row)])) for row in counts]
    assert found == pytest.approx(expected)


def test_grouped_interval_is_wider_where_groups_differ():
    rng = np.random.default_rng(12)
    groups = np.repeat(np.arange(8), 40)
    values = rng.normal(size=8)[groups] + rng.normal(0, 0.2, 320)
    _, low, high = median_of(values)
    _, grouped_low, grouped_high = median_of(values, groups)
    assert grouped_high - grouped_low > 2 * (high - low)


def test_median_of_few_values():
    assert median_of([0.5])[0] == 0.5
    assert np.isnan(median_of([0.5, 0.6], ["a", "a"])[1:]).all()
    assert np.isnan(median_of([np.nan])).all()


def test_bootstrap_counts_draw_with_replacement():
    counts = bootstrap_counts(5, 20_000, np.random.default_rng(0))
    assert (counts.sum(axis=1) == 5).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(5), abs=0.05)
    assert counts.var(axis=0) == pytest.approx(np.full(5, 0.8), abs=0.05)  # binomial(5, 1/5)


def test_circular_shift_p_value_against_all_combinations():
    shifted = [np.array([0.9, 0.1, -0.3]), np.array([0.7, 0.0, 0.4, -0.2])]
    medians = np.array([(a + b) / 2 for a in shifted[0] for b in shifted[1]])
    exact = 2 * min((medians >= 0.8).mean(), (medians <= 0.8).mean())
    assert shift_p_value(shifted, draws=50_000) == pytest.approx(exact, abs=0.01)


def test_circular_shift_p_value_skips_shifts_and_trajectories_without_a_delta():
    some = [np.array([0.9, np.nan, 0.1]), np.array([np.nan, 0.2, 0.3])]
    assert shift_p_value(some, draws=10_000) == pytest.approx(2 * 0.5, abs=0.05)
    assert np.isnan(shift_p_value([np.array([np.nan, 0.5])]))


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


# ---- the course that cells share ----


def additive(levels, course, lengths):
    """Values (J, 1, T) without noise: trajectory j has its level plus the course at its last ``lengths[j]`` frames."""
    values = np.full((len(levels), 1, len(course)), np.nan)
    for j, (level, n) in enumerate(zip(levels, lengths, strict=True)):
        values[j, 0, :n] = level + course[:n]
    return values


def spread(values):
    return np.nanmax(values, axis=-1) - np.nanmin(values, axis=-1)


def test_course_by_hand():
    # levels 0 and 10; the second trajectory has no value at frame 0, which the means over trajectories would take for a jump
    values = np.array([[[1.0, 2.0, 4.0]], [[np.nan, 12.0, 14.0]]])
    assert additive_course(values, min_course=1)[0] == pytest.approx(np.array([1, 2, 4]) - 7 / 3)
    # rises by 1 and by 3, in the fit by 2: the first goes from -0.5 to 1.5, then to 2, which no other trajectory contradicts
    values = np.array([[[0.0, 1.0, 2.0]], [[0.0, 3.0, np.nan]]])
    course = additive_course(values, min_course=1)[0]
    assert course - course[0] == pytest.approx([0, 2, 2.5])


def test_course_is_the_least_squares_solution():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(6, 3, 9))
    holes = rng.random((6, 9)) < 0.3
    values[:, :2][np.broadcast_to(holes[:, None], (6, 2, 9))] = np.nan  # two features with the same holes
    values[0, 2, :4] = np.nan
    found = additive_course(values, min_course=1)
    for f in range(3):
        j, t = np.nonzero(~np.isnan(values[:, f]))
        design = np.concatenate([np.eye(6)[j], np.eye(9)[t]], axis=1)
        expected = np.linalg.lstsq(design, values[j, f, t], rcond=None)[0][6:]
        assert found[f] == pytest.approx(expected - expected.mean())


def test_course_needs_trajectories_with_a_value():
    values = additive([0, 1, 2, 3], np.arange(6.0) ** 2, [6, 5, 5, 2])
    assert np.isnan(additive_course(values)[0]).tolist() == [False] * 5 + [True]
    assert np.isnan(additive_course(values, min_course=4)[0]).tolist() == [False] * 2 + [True] * 4
    assert np.isnan(additive_course(values[:2])).all()
    assert np.isnan(additive_course(values[:0])).all()
    assert np.isnan(additive_course(np.full((4, 2, 5), np.nan))).all()


def test_course_of_frames_that_no_trajectory_links_is_not_made_up():
    values = np.full((6, 1, 5), np.nan)
    values[:3, 0, :3] = [1, 2, 3]
    values[3:, 0, 3:] = [7, 9]  # their height against the first three frames is unknown
    course = additive_course(values)[0]
    assert course[:3] == pytest.approx([-1, 0, 1])
    assert np.isnan(course[3:]).all()
    values[0, 0, 4] = 10  # a link: frame 4 is 7 above frame 2
    course = additive_course(values)[0]
    assert course - course[0] == pytest.approx([0, 1, 2, 7, 9])


@pytest.mark.parametrize("course", [np.zeros(40), -np.arange(40.0), np.sin(np.arange(40.0)), 1e4 * np.exp(-np.arange(40) / 5)])
def test_a_course_that_all_cells_share_is_removed_whole(course):
    rng = np.random.default_rng(3)
    lengths = rng.integers(20, 41, 12)
    values = additive(rng.normal(1000, 300, 12), course, lengths)
    values[4, 0, 3:9] = np.nan
    residuals = remove_course(values, np.arange(12) % 2, np.arange(12) // 3)
    masks = np.arange(40)[None] < 4
    for residual, one in zip(residuals, values, strict=True):
        known = ~np.isnan(residual[0])
        assert known.sum() >= 14
        assert not (known & np.isnan(one[0])).any()
        assert spread(residual) == pytest.approx(0, abs=1e-8)
        assert deltas_of_masks(residual, masks)[0, 0] == pytest.approx(0, abs=1e-12)  # rounding makes no order of ties
    if course.any():
        assert abs(deltas_of_masks(values[0], masks)[0, 0]) > 0.1


def test_a_step_of_one_outcome_is_found_with_its_sign_and_mirrored_in_the_other():
    outcomes = np.arange(12) % 2
    drift = -5 * np.arange(30.0)
    values = additive(np.linspace(0, 50, 12), drift, [30] * 12)
    values[outcomes == 1, 0, :6] += 4
    residuals = remove_course(values, outcomes, np.arange(12))[:, 0]
    steps = residuals[:, :6].mean(axis=1) - residuals[:, 6:].mean(axis=1)
    assert steps == pytest.approx(np.where(outcomes == 1, 2.0, -2.0))  # half the step: relative to the mean of both outcomes
    deltas = [deltas_of_masks(row[None], np.arange(30)[None] < 6)[0, 0] for row in residuals]
    assert deltas == pytest.approx(np.where(outcomes == 1, 1.0, -1.0))


def test_outcomes_weigh_the_same_however_many_cells_they_have():
    outcomes = np.array([0] * 30 + [1] * 4)
    values = additive(np.zeros(34), np.zeros(10), [10] * 34)
    values[outcomes == 1, 0, :3] += 4
    residuals = remove_course(values, outcomes, np.arange(34))[:, 0]
    assert residuals[0, 0] - residuals[0, 9] == pytest.approx(-2)
    assert residuals[-1, 0] - residuals[-1, 9] == pytest.approx(2)


def test_no_cell_of_the_own_unit_is_in_the_course():
    rng = np.random.default_rng(5)
    values, outcomes, units = rng.normal(size=(16, 2, 20)), np.arange(16) % 2, np.array(["a", "b", "c", "d"])[np.arange(16) // 4]
    before = remove_course(values, outcomes, units)
    changed = values.copy()
    changed[1:4] += rng.normal(100, 50, size=(3, 2, 20))  # all others of unit a
    after = remove_course(changed, outcomes, units)
    assert after[0] == pytest.approx(before[0])
    assert not np.allclose(after[4:], before[4:], atol=1)  # they are in the course of the other units
    changed = values.copy()
    changed[4] += rng.normal(100, 50, size=(2, 20))
    assert not np.allclose(remove_course(changed, outcomes, units)[0], before[0], atol=1)


def test_few_other_cells_leave_nothing():
    values = additive(np.arange(7.0), np.arange(8.0), [8, 8, 8, 8, 8, 8, 5])
    outcomes = np.array([0, 0, 0, 0, 1, 1, 1])
    residuals = remove_course(values, outcomes, np.arange(7))[:, 0]
    assert np.isnan(residuals[4:]).all()  # two others of their outcome
    assert (np.isnan(residuals[:4]) == [[False] * 5 + [True] * 3] * 4).all()  # one of the three others ends at frame 5
    assert np.isnan(remove_course(values, np.zeros(7), np.arange(7))).all()
    assert np.isnan(remove_course(values, outcomes, np.zeros(7))).all()  # one unit: no others
    assert remove_course(values[:0], outcomes[:0], np.zeros(0)).shape == (0, 1, 8)
