"""What cells become: observed, transported, by pseudotime; static labels are refused."""

import numpy as np
import pytest

from cellfate.base.errors import InputError
from cellfate.transition.targets.observed import check_transitions, observed_targets, static_targets
from cellfate.transition.targets.pseudotime import pseudotime_targets
from cellfate.transition.targets.transport import sinkhorn, transport_targets

LABELS = np.array([0, 0, 1, 1])


def test_observed_descendants_are_one_hot_and_unknown_ones_are_left_out():
    found = observed_targets(np.array(["b", "a", "", "b"], object), LABELS, ["a", "b"])
    assert found[[0, 1, 3]].tolist() == [[0, 1], [1, 0], [0, 1]]
    assert np.isnan(found[2]).all()


@pytest.mark.parametrize(
    ("following", "message"),
    [
        (["a", "a", "b", "b"], "equals the cell's own label; the labels are static"),
        (["", "", "", ""], "no cell has a next phenotype"),
        (["a", "c", "b", "b"], "next phenotype 'c' is none of the phenotypes a, b"),
    ],
)
def test_static_and_unknown_labels_are_refused(following, message):
    with pytest.raises(InputError, match=message):
        observed_targets(np.array(following, object), LABELS, ["a", "b"])


def test_static_targets_are_no_transitions():
    with pytest.raises(InputError, match="static"):
        check_transitions(static_targets(4, 2))


def test_sinkhorn_meets_its_marginals():
    plan = sinkhorn(np.random.default_rng(0).random((5, 8)), 0.1)
    assert plan.sum(axis=0) == pytest.approx(np.full(8, 1 / 8), rel=1e-2)
    assert plan.sum(axis=1) == pytest.approx(np.full(5, 1 / 5), rel=1e-2)


def test_transport_goes_to_the_nearest_of_the_next_time():
    rng = np.random.default_rng(0)
    place = np.concatenate([np.zeros(20), np.full(20, 9.0), np.zeros(20), np.full(20, 9.0)])
    embedding = place[:, None] + rng.normal(0, 0.1, (80, 2))
    labels, times = np.repeat([0, 1, 0, 1], 20), np.repeat([0, 0, 1, 1], 20)
    found = transport_targets(embedding, labels, times, 2, epsilon=0.05)
    assert found[:20, 0].min() > 0.95
    assert found[20:40, 1].min() > 0.95
    assert np.isnan(found[40:]).all()


@pytest.mark.parametrize(("times", "message"), [([1, 1, 1, 1], "all cells have time 1"), (["a", 1, 1, 2], "row 1 is 'a', a number")])
def test_times_that_are_none_are_refused(times, message):
    with pytest.raises(InputError, match=message):
        transport_targets(np.zeros((4, 2)), LABELS, np.array(times, object), 2, epsilon=0.05)


def test_pseudotime_holds_neighbours_behind_down():
    embedding = np.linspace(0, 1, 40)[:, None]
    labels = (np.arange(40) >= 20).astype(int)
    found = pseudotime_targets(embedding, labels, np.linspace(0, 1, 40), 2, neighbours=10, bias=200)
    undirected = pseudotime_targets(embedding, labels, np.linspace(0, 1, 40), 2, neighbours=10, bias=0)
    assert found.sum(axis=1) == pytest.approx(np.ones(40))
    assert found[20, 1] > 0.9
    assert undirected[20, 1] < 0.7
