"""Markov chains against values that can be worked out by hand."""

import numpy as np
import pytest
from scipy.linalg import expm

from cellfate.base.errors import InputError
from cellfate.statistics.chains.generators import ADJUSTED, FIRST_ORDER, LOGARITHM, generator
from cellfate.statistics.chains.markov import (
    absorption_probabilities,
    absorption_times,
    chapman_kolmogorov,
    count_transitions,
    overall_entropy,
    powers,
    row_entropy,
    stable_states,
    stationary_shares,
    times_to_fates,
    transition_matrix,
)

P = np.array([[0.9, 0.1], [0.4, 0.6]])


def test_counts_and_smoothing():
    counts = count_transitions([0, 0, 1], [1, 1, 0], 2)
    assert counts.tolist() == [[0, 2], [1, 0]]
    assert transition_matrix(counts, 0.5) == pytest.approx(np.array([[0.5 / 3, 2.5 / 3], [1.5 / 2, 0.5 / 2]]))
    with pytest.raises(InputError, match="state 1 has no transition"):
        transition_matrix(count_transitions([0], [1], 2), 0)


def test_entropy_is_positive_and_weighted():
    even = np.full((2, 2), 0.5)
    assert row_entropy(even) == pytest.approx([np.log(2)] * 2)
    assert row_entropy(np.eye(2)).tolist() == [0, 0]
    assert overall_entropy(np.array([[0.5, 0.5], [1, 0]]), [3, 1]) == pytest.approx(0.75 * np.log(2))


def test_the_gamblers_ruin():
    """A fair game with 0 .. 3 coins: from 1 coin, ruin has probability 2/3."""
    game = np.array([[1, 0, 0, 0], [0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5], [0, 0, 0, 1]])
    assert absorption_probabilities(game, [0, 3]) == pytest.approx(np.array([[1, 0], [2 / 3, 1 / 3], [1 / 3, 2 / 3], [0, 1]]))
    with pytest.raises(InputError, match="never reach"):
        absorption_probabilities(np.eye(3), [0])


def test_chapman_kolmogorov_tells_a_chain_from_what_is_none():
    assert chapman_kolmogorov(P, P @ P, 2) == pytest.approx(np.zeros((2, 2)))
    assert np.abs(chapman_kolmogorov(P, np.eye(2), 2)).max() > 0.1


@pytest.mark.parametrize("matrix", [[[0.5, 0.6], [0.5, 0.5]], [[1.1, -0.1], [0, 1]]])
def test_a_row_that_is_no_distribution_is_refused(matrix):
    with pytest.raises(InputError, match="row 0"):
        absorption_probabilities(np.array(matrix), [1])


# from 0 and 1 a chain ends in 2 or 3
FOUR = np.array([[0.25, 0.5, 0.25, 0.0], [0.25, 0.0, 0.25, 0.5], [0, 0, 1, 0], [0, 0, 0, 1]])


def test_four_states_end_as_worked_out_by_hand():
    """N = (I - Q)^-1 with I - Q = [[3/4, -1/2], [-1/4, 1]], determinant 5/8: N = [[8/5, 4/5], [2/5, 6/5]]."""
    ends = np.array([[0.6, 0.4], [0.4, 0.6]])
    assert absorption_probabilities(FOUR, [2, 3])[:2] == pytest.approx(ends)
    assert absorption_times(FOUR, [2, 3]) == pytest.approx([2.4, 1.6, 0, 0])
    given = times_to_fates(FOUR, [2, 3])
    assert given[:2] == pytest.approx(np.array([[1.28, 1.12], [0.72, 0.88]]) / ends)
    assert given[[2, 3], [0, 1]].tolist() == [0, 0]
    assert np.isnan(given[[2, 3], [1, 0]]).all()
    assert (ends * given[:2]).sum(axis=1) == pytest.approx([2.4, 1.6])  # the times of the fates make up the whole
    assert powers(FOUR, [2])[2] == pytest.approx(FOUR @ FOUR)
    assert stable_states(FOUR, 0.9) == [2, 3]


def test_stationary_shares_are_left_as_they_are():
    assert stationary_shares(P) == pytest.approx([0.8, 0.2])
    with pytest.raises(InputError, match="never meet"):
        stationary_shares(FOUR)


def test_a_generator_comes_back_from_its_matrix():
    Q = np.array([[-0.3, 0.2, 0.1], [0.1, -0.4, 0.3], [0, 0, 0]])
    found = generator(expm(Q * 2), 2)
    assert found.rates == pytest.approx(Q, abs=1e-8)
    assert (found.method, found.embeddable, found.reason) == (LOGARITHM, True, None)
    assert found.error < 1e-8


@pytest.mark.parametrize(
    ("matrix", "method", "reason"),
    [
        ([[0.2, 0.8], [0.9, 0.1]], FIRST_ORDER, "determinant of P is -0.7"),  # turns over in each step, no chain in continuous time does
        ([[0.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 1]], ADJUSTED, "row 0, column 2"),  # two steps in no time at all
    ],
)
def test_a_matrix_without_a_generator_is_named(matrix, method, reason):
    found = generator(np.array(matrix), 1)
    assert (found.method, found.embeddable) == (method, False)
    assert reason in found.reason
    assert found.error > 0.01
    assert found.rates.sum(axis=1) == pytest.approx(np.zeros(len(matrix)))
    assert (found.rates - np.diag(np.diag(found.rates)) >= 0).all()


def test_a_singular_matrix_has_no_logarithm():
    found = generator(np.full((2, 2), 0.5), 3)
    assert found.method == FIRST_ORDER
    assert found.rates == pytest.approx(np.array([[-0.5, 0.5], [0.5, -0.5]]) / 3)
