"""Cumulative incidence and weights under censoring, against plain formulas and against another package's numbers."""

import numpy as np
import pytest

from cellfate.statistics.competing import LOST, STAYED, Curves, Followed, observed_weights

# computed once by hazardous 0.2.0 (lifelines 0.30.3) from the draws of `draw`: brier_score_incidence(y_train, y_test, risks of one
# outcome, [hours], event_of_interest) with y_train seed 1 (120 cells) or the test cells themselves, seed 2 (80 cells), for the outcomes
# in turn; and aj_calibration_at_t of the test cells
BRIER_OTHER = {2.0: (0.15405125926920465, 0.11611079640604868), 5.0: (0.2109376775738733, 0.1569994068232945)}
BRIER_OTHER[10.0] = (0.2499327642326043, 0.2005420352149141)
BRIER_SAME = {2.0: (0.16443497223558984, 0.12462170530936019), 5.0: (0.23129712614862755, 0.17404691905816466)}
BRIER_SAME[10.0] = (0.28037748302186144, 0.2234701987310439)
AALEN_JOHANSEN = {2.0: (0.14966169827799508, 0.2682634793781238), 5.0: (0.010335216849052531, 0.11252387136145406)}
AALEN_JOHANSEN[10.0] = (0.15671147171063, 0.02390689544525576)


def draw(seed, n):
    """Hours and how they ended of cells without ties, and risks of two outcomes."""
    rng = np.random.default_rng(seed)
    hours, lost = np.round(rng.exponential(8, n), 4), np.round(rng.exponential(12, n), 4)
    ended = np.where(hours <= lost, rng.integers(1, 3, n), 0) - 1
    return np.minimum(hours, lost), ended, np.round(rng.uniform(0.02, 0.6, (n, 2)), 3)


def brier(train, test, ahead):
    """Brier scores of both outcomes with weights by the losses of ``train``, as a mean over all cells."""
    hours, ended, risks = test
    curves = Curves(Followed(np.full(len(train[0]), -1.0), train[0], train[1]))
    seen = ((ended >= 0) & (hours <= ahead)) | (hours > ahead)
    weight = np.where(seen, 1 / curves.kept(np.zeros(len(hours)), np.minimum(hours, ahead)), 0)
    return [float((weight * (risks[:, k] - ((ended == k) & (hours <= ahead))) ** 2).mean()) for k in (0, 1)]


@pytest.mark.parametrize("ahead", BRIER_OTHER)
def test_brier_scores_are_those_of_hazardous_with_weights_of_other_cells(ahead):
    assert brier(draw(1, 120), draw(2, 80), ahead) == pytest.approx(BRIER_OTHER[ahead], rel=1e-9)


@pytest.mark.parametrize("ahead", BRIER_SAME)
def test_brier_scores_are_those_of_hazardous_with_weights_of_the_cells_themselves(ahead):
    hours, ended, risks = draw(2, 80)
    weight = observed_weights(hours, ended, ahead)
    mine = [np.average((risks[:, k] - ((ended == k) & (hours <= ahead))) ** 2, weights=weight) for k in (0, 1)]
    assert mine == pytest.approx(BRIER_SAME[ahead], rel=1e-9)
    assert weight.sum() == pytest.approx(80)


@pytest.mark.parametrize("ahead", AALEN_JOHANSEN)
def test_calibration_in_the_large_is_that_of_hazardous(ahead):
    hours, ended, risks = draw(2, 80)
    curves = Curves(Followed(np.full(80, -1.0), hours, ended))
    incidence = curves.incidence(np.zeros(1), ahead)[0]
    assert np.abs(risks.mean(0) - incidence) == pytest.approx(AALEN_JOHANSEN[ahead], rel=1e-9)
    weight = observed_weights(hours, ended, ahead)
    shares = [np.average((ended == k) & (hours <= ahead), weights=weight) for k in (0, 1)]
    assert shares == pytest.approx(incidence, rel=1e-9)


def test_by_hand_with_late_entry_ties_and_ends_of_the_film():
    # two cells from 0, one from 1; at 2 one dies and one is lost, the third divides at 3
    curves = Curves(Followed(np.array([0.0, 0, 1]), np.array([2.0, 2, 3]), np.array([0, LOST, 1])))
    assert curves.incidence(np.array([0.0, 1.5, 2.0]), 5) == pytest.approx(np.array([[1 / 3, 2 / 3], [1 / 3, 2 / 3], [0, 1]]))
    # of the three at risk at 2 one has died, so one of two is lost; only times after 2 know of it
    assert curves.kept(np.zeros(3), np.array([2.0, 2.5, 3])) == pytest.approx([1, 0.5, 0.5])
    assert curves.kept(np.array([2.5]), np.array([3.0])) == pytest.approx([1])
    stayed = Curves(Followed(np.array([0.0, 0, 1]), np.array([2.0, 2, 3]), np.array([0, STAYED, 1])))
    assert stayed.kept(np.zeros(1), np.array([3.0])) == pytest.approx([1])


def test_a_curve_that_ends_in_a_loss_says_so_and_later_times_are_not_lost():
    curves = Curves(Followed(np.array([0.0, 2]), np.array([1.0, 4]), np.array([LOST, 0])))
    assert curves.kept(np.array([0.0, 2]), np.array([3.0, 3])).tolist() == [0, 1]


def test_with_ties_weighted_shares_are_still_those_of_aalen_and_johansen():
    rng = np.random.default_rng(3)
    hours, ended = rng.integers(0, 12, 300) / 2, rng.choice([LOST, 0, 1], 300)
    hours = np.where(ended >= 0, hours + 0.5, hours)
    weight = observed_weights(hours, ended, 3.0)
    incidence = Curves(Followed(np.full(300, -1.0), hours, ended)).incidence(np.zeros(1), 3.0)[0]
    assert [np.average((ended == k) & (hours <= 3), weights=weight) for k in (0, 1)] == pytest.approx(incidence, rel=1e-9)
