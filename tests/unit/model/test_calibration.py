import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as reference_log_loss

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.evaluation.calibration import tabulate_calibration
from cellfate.evaluation.tables import CALIBRATION
from cellfate.model.calibration import (
    Calibration,
    called_positive,
    fit_calibration,
    read_calibration,
    save_calibration,
)
from cellfate.statistics.reliability import log_loss, reliability


def simulate(n, prior, sharpness, seed):
    """Labels at ``prior`` and the logits of a classifier trained at 50 : 50 that is too sure by a factor ``sharpness``."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < prior).astype(int)
    evidence = rng.normal(np.where(labels == 1, 1.0, -1.0) * 0.5, 1)  # log-likelihood ratio of N(+-0.5, 1) is the value itself
    return evidence * sharpness, labels


def test_reliability_equals_scikit_learns():
    logits, labels = simulate(800, 0.6, 2.0, 3)
    p = expit(logits)
    table, scores = reliability(labels, p, bins=10)
    observed, mean = calibration_curve(labels, p, n_bins=10)
    filled = table[table["count"] > 0]
    assert filled["observed"].to_numpy() == pytest.approx(observed)
    assert filled["mean_probability"].to_numpy() == pytest.approx(mean)
    assert scores["brier"] == pytest.approx(brier_score_loss(labels, p))
    assert scores["log_loss"] == pytest.approx(reference_log_loss(labels, p)) == pytest.approx(log_loss(labels, p))
    assert scores["ece"] == pytest.approx((np.abs(observed - mean) * filled["count"].to_numpy()).sum() / 800)


def test_probabilities_at_the_borders_have_a_bin_and_a_finite_loss():
    table, scores = reliability(np.array([0, 1]), np.array([0.0, 1.0]), bins=4)
    assert table["count"].tolist() == [1, 0, 0, 1]
    assert scores["log_loss"] == pytest.approx(0)
    assert np.isfinite(log_loss(np.array([1]), np.array([0.0])))


def test_table_has_every_condition_and_stage():
    logits, labels = simulate(60, 0.7, 2.0, 4)
    rows = pd.DataFrame({"trajectory": [f"a/{i}" for i in range(60)], "label": labels, "logit": logits, "probability": expit(logits / 2)})
    rows = rows.assign(recording="a", treatment="x", fold=0, split="test", n_frames=20, probability_raw=expit(logits))
    predictions = pd.concat([rows.assign(condition="full", n=0), rows.iloc[:30].assign(condition="truncation", n=5)], ignore_index=True)
    table = check_table(tabulate_calibration(predictions, bins=5, calibration=True), CALIBRATION, "c")
    assert len(table) == 2 * 2 * 5
    sums = table.groupby(["condition", "n", "stage"])["count"].sum()
    assert sums.to_dict() == {
        ("full", 0, "raw"): 60,
        ("full", 0, "calibrated"): 60,
        ("truncation", 5, "raw"): 30,
        ("truncation", 5, "calibrated"): 30,
    }
    brier = table[(table["condition"] == "truncation") & (table["stage"] == "calibrated")]["brier"]
    assert brier.to_numpy() == pytest.approx(np.full(5, ((expit(logits[:30] / 2) - labels[:30]) ** 2).mean()))
    assert set(tabulate_calibration(predictions, bins=5, calibration=False)["stage"]) == {"raw"}
    assert tabulate_calibration(predictions.iloc[:0], bins=10, calibration=True).empty


def simulate_prefixes(n, seed, slope):
    """Prefixes of 5 to 40 frames; the logits are too sure by (n / 40) ^ slope, and right at 40 frames."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.7).astype(int)
    rows = pd.DataFrame({"trajectory": np.repeat(np.arange(n), 36), "n_frames": np.tile(np.arange(5, 41), n), "label": labels.repeat(36)})
    evidence = rng.normal(np.where(rows["label"] == 1, 0.5, -0.5), 1)
    return rows.assign(logit=evidence * (rows["n_frames"] / 40.0) ** slope)


TRAINED = np.repeat([1, 0], [70, 30])


def test_the_temperature_follows_the_number_of_frames():
    fitted = fit_calibration(simulate_prefixes(600, 0, slope=-1.5), TRAINED)
    assert fitted.slope == pytest.approx(-1.5, abs=0.15)
    assert fitted.temperature == pytest.approx(1, rel=0.1)
    assert (fitted.reference_frames, fitted.first_frames, fitted.last_frames, fitted.n_validation) == (40, 5, 40, 600)
    assert fitted.log_loss_calibrated < fitted.log_loss_raw
    other = simulate_prefixes(600, 1, slope=-1.5)
    for n in (5, 15, 40):
        one = other[other["n_frames"] == n]
        assert reliability(one["label"], fitted.probability(one["logit"], one["n_frames"]), bins=10)[1]["ece"] < 0.06
    early = other[other["n_frames"] == 5]
    assert reliability(early["label"], expit(early["logit"]), bins=10)[1]["ece"] > 0.2


def test_a_long_trajectory_counts_as_much_as_a_short_one():
    """Every prefix of one of two trajectories twice: nothing changes."""
    rows = simulate_prefixes(2, 3, slope=0)
    again = pd.concat([rows, rows[rows["trajectory"] == 0]])
    once, twice = fit_calibration(rows, TRAINED), fit_calibration(again, TRAINED)
    assert twice.temperature == pytest.approx(once.temperature, rel=1e-3)
    assert twice.slope == pytest.approx(once.slope, rel=1e-3)


def test_the_temperature_is_not_extrapolated():
    calibration = Calibration(2.0, slope=-1.0, reference_frames=20, first_frames=10, last_frames=40)
    assert calibration.temperatures(np.array([1, 10, 20, 40, 90])).tolist() == [4, 4, 2, 1, 1]
    assert Calibration().probability(np.array([1.3]), np.array([7])) == pytest.approx(expit(1.3))


def test_a_prefix_calibration_is_read_as_it_was_written(tmp_path):
    fitted = fit_calibration(simulate_prefixes(20, 0, slope=-1), TRAINED)
    save_calibration(fitted, tmp_path / "c.json")
    assert read_calibration(tmp_path / "c.json") == fitted


def test_prefixes_of_bad_parts_are_errors():
    rows = simulate_prefixes(3, 0, slope=0)
    with pytest.raises(InputError, match="validation part has no trajectory"):
        fit_calibration(rows.iloc[:0], TRAINED)
    with pytest.raises(InputError, match="training part has 3 trajectories of one outcome"):
        fit_calibration(rows, np.ones(3))


def test_a_call_is_a_probability_above_the_share_in_training():
    calibration = Calibration(2.0, slope=-1.0, reference_frames=20, first_frames=10, last_frames=40, prior=0.8)
    logits, n = np.array([-2.0, -0.1, 0.1, 2.0]), np.array([10, 20, 30, 40])
    assert called_positive(logits).tolist() == (calibration.probability(logits, n) > 0.8).tolist() == [False, False, True, True]
