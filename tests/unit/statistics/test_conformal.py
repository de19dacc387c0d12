import numpy as np
import pytest

from cellfate.statistics.conformal import fewest_units, fit_sets, leave_one_out_sets, predict_sets, score_sets, triage_curve


def ladder(n_units):
    """One cell of each class per unit; cells of unit u get 1 - (u + 1) / 100 for their own class."""
    units = np.arange(n_units)
    own = 1 - (units + 1) / 100
    return np.concatenate([1 - own, own]), np.repeat([0, 1], n_units), np.tile(units, 2)


@pytest.mark.parametrize(("level", "wanted"), [(0.95, 19), (0.9, 9), (0.8, 4), (0.5, 1), (0.99, 99)])
def test_the_fewest_units_that_promise_a_level(level, wanted):
    assert fewest_units(level) == wanted


@pytest.mark.parametrize(("n", "place"), [(19, 19), (39, 38), (99, 95), (20, 20)])
def test_one_cell_a_unit_gives_the_usual_order_statistic(n, place):
    for limit in fit_sets(*ladder(n), level=0.95):
        assert limit.threshold == pytest.approx(place / 100)
        assert (limit.level, limit.n_units, limit.reason) == (0.95, n, None)


def test_fewer_units_promise_n_of_n_plus_one_and_reach_for_the_worst_cell():
    for n in (4, 10, 18):
        for limit in fit_sets(*ladder(n), level=0.95):
            assert limit.level == pytest.approx(n / (n + 1))
            assert limit.threshold == pytest.approx(n / 100)


def test_with_too_few_units_nothing_is_promised_and_every_set_holds_the_class():
    limits = fit_sets(*ladder(3), level=0.95)
    assert [limit.reason for limit in limits] == ["3 units, 4 are needed"] * 2
    assert np.isnan(limits[0].level)
    assert predict_sets(np.array([0.0, 0.5, 1.0]), limits).all()


def test_a_unit_counts_once_however_many_cells_it_has():
    units = np.array([*"abcd", *["e"] * 96])
    scores = np.array([0.1, 0.2, 0.3, 0.4, *np.linspace(0.5, 0.9, 96)])
    one, _ = fit_sets(scores, np.zeros(100, int), units, level=0.6)
    # a to d weigh 1/6 each and reach 0.5 with c, 0.67 with d
    assert one.threshold == pytest.approx(0.4)
    two, _ = fit_sets(scores, np.zeros(100, int), units, level=4 / 6 + 1 / 12)
    assert two.threshold == pytest.approx(scores[4 + 47])  # half of e's 96 cells


def test_a_set_holds_the_classes_that_are_likely_enough():
    probabilities, labels, units = ladder(19)  # thresholds 0.19
    sets = predict_sets(np.array([0.05, 0.19, 0.5, 0.81, 1.0]), fit_sets(probabilities, labels, units, level=0.95))
    assert sets.tolist() == [[True, False], [True, False], [False, False], [False, True], [False, True]]


def test_each_unit_is_judged_by_the_others():
    probabilities, labels, units = ladder(5)  # the worst unit, 4, is beyond the worst of the others
    sets = leave_one_out_sets(probabilities, labels, units, level=0.95)
    missed = ~sets[np.arange(10), labels]
    assert units[missed].tolist() == [4, 4]
    none, one = score_sets(sets, labels, units)
    assert (none.coverage, none.n_units, none.n_cells) == (pytest.approx(0.8), 5, 5)
    assert one.decided == pytest.approx(0.8)
    assert one.wrong == 0


def test_scores_weigh_units_alike():
    sets = np.array([[True, False]] * 9 + [[True, True]])
    first, second = score_sets(sets, np.zeros(10, int), np.array(["a"] * 9 + ["b"]))
    assert (first.coverage, first.decided) == pytest.approx((1, 0.5))
    assert second.n_cells == 0
    assert np.isnan(second.coverage)


def test_coverage_is_what_was_promised_for_new_units_that_differ():
    rng = np.random.default_rng(5)
    held = []
    for _ in range(400):
        units = np.repeat(np.arange(11), rng.integers(1, 20, 11))
        labels = rng.integers(0, 2, len(units))
        logits = (2 * labels - 1) + rng.normal(0, 1, 11)[units] + rng.normal(0, 1, len(units))
        new = units == 10
        probabilities = 1 / (1 + np.exp(-logits))
        limits = fit_sets(probabilities[~new], labels[~new], units[~new], level=0.8)
        for scores in score_sets(predict_sets(probabilities[new], limits), labels[new], units[new]):
            held += [scores.coverage] if scores.n_cells else []
    error = np.std(held) / np.sqrt(len(held))
    assert 0.8 - 3 * error < np.mean(held) < 0.8 + 0.1 + 3 * error  # at most 1 / (n + 1) above


def test_triage_calls_the_surest_first():
    probabilities, labels = np.array([0.99, 0.02, 0.7, 0.7, 0.5]), np.array([1, 0, 0, 1, 1])
    share, wrong = triage_curve(probabilities, labels)
    assert share.tolist() == pytest.approx([0.2, 0.4, 0.8, 1.0])
    assert wrong.tolist() == pytest.approx([0, 0, 0.25, 1.5 / 5])
    assert [len(one) for one in triage_curve(np.array([]), np.array([]))] == [0, 0]
