"""Markov chains against values that can be worked out by hand."""

import numpy as np
import pytest

from cellfate.base.errors import InputError
from cellfate.statistics.markov import (
    absorption_probabilities,
    chapman_kolmogorov,
    count_transitions,
    overall_entropy,
    row_entropy,
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
