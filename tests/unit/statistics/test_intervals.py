import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as reference

from cellfate.statistics.intervals import CELLS, CLUSTERS, GUARD, score_interval
from cellfate.statistics.scores import (
    LOSSES,
    accuracy,
    auroc,
    balanced_accuracy,
    difference,
    f1,
    log_loss,
    mean_of_parts,
    precision,
    recall,
)

NAMES = ("apoptosis", "mitosis")


def cells(seed=0, recordings=8, each=20, spread=1.0):
    rng = np.random.default_rng(seed)
    units = np.repeat(np.arange(recordings), each)
    labels = rng.integers(0, 2, len(units))
    logits = 1.5 * (2 * labels - 1) + rng.normal(0, spread, recordings)[units] + rng.normal(0, 1.5, len(units))
    return labels, logits, (logits > 0).astype(int), units


def interval(score, units):
    return score_interval(score, units, names=NAMES, unit="recording")


def test_scores_are_scikit_learns():
    labels, logits, predicted, _ = cells()
    values, halves, _, _ = reference.precision_recall_fscore_support(labels, predicted)
    assert balanced_accuracy(labels, predicted).value == pytest.approx(reference.balanced_accuracy_score(labels, predicted))
    assert accuracy(labels, predicted).value == pytest.approx(reference.accuracy_score(labels, predicted))
    assert log_loss(labels, logits).value == pytest.approx(reference.log_loss(labels, 1 / (1 + np.exp(-logits))))
    rounded = logits.round()  # with ties
    assert auroc(labels, rounded).value == pytest.approx(reference.roc_auc_score(labels, rounded))
    weights = 1 + np.arange(len(labels)) % 4
    assert auroc(labels, rounded, weights).value == pytest.approx(reference.roc_auc_score(labels, rounded, sample_weight=weights))
    for label in (0, 1):
        assert precision(labels, predicted, label).value == pytest.approx(values[label])
        assert recall(labels, predicted, label).value == pytest.approx(halves[label])
    macro = mean_of_parts([f1(labels, predicted, label) for label in (0, 1)])
    assert macro.value == pytest.approx(reference.f1_score(labels, predicted, average="macro"))


def test_one_cell_a_unit_is_the_t_interval_of_a_mean():
    values = np.random.default_rng(1).normal(size=12)
    labels = np.arange(12) % 2
    score = difference(log_loss(labels, values), log_loss(labels, np.zeros(12)))
    low, high = stats.t.interval(0.95, 11, score.value, stats.sem(score.values[0]))
    found = interval(score, np.arange(12))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.method == f"{CLUSTERS}, 11.0 df"
    assert found.units == (6, 6)


def test_whole_units_of_one_size_are_as_one_cell_each():
    rng = np.random.default_rng(2)
    values = rng.normal(size=9)
    labels = np.zeros(45, int)
    many = difference(log_loss(labels, np.repeat(values, 5)), log_loss(labels, np.zeros(45)))
    few = difference(log_loss(labels[:9], values), log_loss(labels[:9], np.zeros(9)))
    one, other = interval(many, np.repeat(np.arange(9), 5)), interval(few, np.arange(9))
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_uneven_units_have_fewer_degrees_of_freedom():
    rng = np.random.default_rng(3)
    labels, logits = rng.integers(0, 2, 80), 0.1 * rng.normal(size=80)

    def found(sizes):
        units = np.repeat(np.arange(8), sizes)
        return interval(log_loss(labels, logits + 3 * (units % 2)), units)

    assert float(found([10] * 8).method.split()[2]) == pytest.approx(7.0, abs=0.05)
    assert float(found([30, 25, 10, 5, 4, 2, 2, 2]).method.split()[2]) < 4
    assert found([70, 3, 2, 1, 1, 1, 1, 1]).reason.startswith("the recordings are so uneven in size that they count as 2.")


def test_shares_get_wilson_limits_where_cells_are_independent():
    labels = np.zeros(40, int)
    predicted = np.tile([0, 0, 0, 1], 10)  # three of four right in each of ten units: they differ by nothing
    found = interval(accuracy(labels, predicted), np.repeat(np.arange(10), 4))
    exact = stats.binomtest(30, 40).proportion_ci(GUARD, method="wilson")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    assert found.method == CELLS


def test_no_errors_and_no_differences_have_no_zero_width():
    labels, _, predicted, units = cells()
    perfect = interval(balanced_accuracy(labels, labels), units)
    assert perfect.high == pytest.approx(1)
    assert 0.9 < perfect.low < 0.99
    same = difference(balanced_accuracy(labels, predicted), balanced_accuracy(labels, predicted))
    alike = interval(same, units)
    assert alike.low == -alike.high < 0
    without = interval(difference(log_loss(labels, np.ones(160)), log_loss(labels, np.ones(160))), units)
    assert np.isnan([without.low, without.high]).all()
    assert without.reason == "every cell contributes the same"


@pytest.mark.parametrize("seed", range(5))
def test_limits_hold_the_value_and_stay_in_range(seed):
    labels, logits, predicted, units = cells(seed, recordings=16, each=6)
    other = (logits + np.random.default_rng(seed).normal(0, 1, 96) > 0).astype(int)
    scores = [balanced_accuracy(labels, predicted), log_loss(labels, logits), auroc(labels, logits), precision(labels, predicted, 0)]
    scores.append(difference(balanced_accuracy(labels, predicted), balanced_accuracy(labels, other)))
    for score in scores:
        found = interval(score, units)
        assert found.low < score.value + 1e-12
        assert score.value < found.high + 1e-12
        assert found.low < found.high
        assert found.low >= 0 or score.difference
        assert found.high <= 1 or score.difference or score.kind == LOSSES


def test_too_few_units_of_a_class_give_the_reason():
    labels, logits, predicted, units = cells()
    labels[units > 1] = 1
    found = interval(balanced_accuracy(labels, predicted), units)
    assert np.isnan([found.low, found.high]).all()
    assert found.reason == "apoptosis: 2 recordings, at least 3 are needed"
    assert found.units == (2, 8)
    assert interval(log_loss(labels, logits), units).reason is None
    labels[units == 1] = 1
    assert interval(auroc(labels, logits), units).reason == "apoptosis: 1 recording, at least 8 are needed"
    assert interval(accuracy(labels[:40], predicted[:40]), units[:40]).reason == "2 recordings, at least 3 are needed"
    assert interval(balanced_accuracy(np.array([], int), np.array([], int)), np.array([])).reason.startswith("apoptosis: 0 recordings")


def test_a_difference_needs_the_same_weights():
    labels, _, predicted, _ = cells()
    with pytest.raises(ValueError, match="same cells"):
        difference(f1(labels, predicted, 0), f1(labels, 1 - predicted, 0))


def test_differences_between_recordings_widen_the_interval():
    widths = []
    for spread in (0.0, 3.0):
        labels, _, predicted, units = cells(recordings=20, spread=spread)
        found = interval(balanced_accuracy(labels, predicted), units)
        widths.append(found.high - found.low)
    assert widths[1] > 1.5 * widths[0]


def test_they_cover_where_recordings_differ():
    held = []
    for seed in range(300):
        labels, logits, _, units = cells(seed, recordings=5, each=10)
        found = interval(log_loss(labels, logits), units)
        held.append(found.low <= TRUE_LOSS <= found.high)
    assert np.mean(held) > 0.9


def _true_loss():
    labels, logits, _, _ = cells(12345, recordings=20_000, each=10)
    return log_loss(labels, logits).value


TRUE_LOSS = _true_loss()


def test_shares_never_differ_by_more_than_one():
    units = np.repeat(np.arange(3), 4)
    labels = np.tile([0, 1], 6)
    wrong = np.where(units == 0, labels, 1 - labels)
    score = difference(balanced_accuracy(labels, wrong), balanced_accuracy(labels, labels))
    found = score_interval(score, units, names=("a", "b"), unit="recording")
    assert found.low == -1
    assert -1 < score.value < found.high <= 1
