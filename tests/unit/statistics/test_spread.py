"""Whether differences between recordings are told from chance."""

import numpy as np
import pytest

from cellfate.statistics.spread import unit_spread


def cells(rates, n=40, seed=0):
    """Hits of n cells of each class in each unit, right with the unit's rate."""
    rng = np.random.default_rng(seed)
    hits = np.concatenate([rng.random(2 * n) < rate for rate in rates])
    return hits, np.tile(np.repeat([0, 1], n), len(rates)), np.repeat(np.arange(len(rates)), 2 * n)


def test_what_is_found_is_the_deviation_of_the_units_balanced_accuracies():
    hits, labels, units = np.array([1, 1, 0, 1, 0, 0, 1, 0, 1.0]), np.array([0, 0, 1, 0, 1, 1, 0, 1, 0]), np.repeat([0, 1, 2], 3)
    found = unit_spread(hits, labels, units, draws=100, seed=0)
    values = [0.5, 0.5, 0.5 * (1 + 0)]
    assert (found.n_units, found.lowest, found.highest) == (3, 0.5, 0.5)
    assert found.found == pytest.approx(np.std(values, ddof=1))


def test_without_differences_the_spread_is_chance():
    p_values = [unit_spread(*cells([0.8] * 6, seed=seed), draws=200, seed=1).p_value for seed in range(60)]
    assert np.mean(np.array(p_values) < 0.05) <= 0.15
    assert 0.35 < np.mean(p_values) < 0.65


def test_differences_are_found_with_their_size():
    rates = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    found = [unit_spread(*cells(rates, n=100, seed=seed), draws=200, seed=1) for seed in range(10)]
    assert max(one.p_value for one in found) < 0.01
    assert np.mean([one.beyond for one in found]) == pytest.approx(np.std(rates, ddof=1), rel=0.15)


def test_units_without_both_classes_are_left_out():
    hits, labels, units = cells([0.5, 0.7, 0.9, 0.2])
    labels[units == 3] = 1
    assert unit_spread(hits, labels, units, draws=50, seed=0).n_units == 3
    labels[units == 2] = 0
    few = unit_spread(hits, labels, units, draws=50, seed=0)
    assert few.n_units == 2
    assert np.isnan([few.found, few.by_chance, few.beyond, few.p_value]).all()


def test_all_right_has_no_spread():
    found = unit_spread(np.ones(30), np.tile([0, 1], 15), np.repeat(range(3), 10), draws=50, seed=0)
    assert (found.found, found.by_chance, found.beyond, found.p_value) == (0, 0, 0, 1)
