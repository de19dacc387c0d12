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
    calibration_of,
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
    table = check_table(tabulate_calibration(predictions, {0: 0.7}, bins=5, calibration=True), CALIBRATION, "c")
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
    base = ((0.7 - labels[:30]) ** 2).mean()
    last = table.iloc[-1]
    assert (last["brier_base"], last["brier_skill"]) == pytest.approx((base, 1 - last["brier"] / base))
    assert set(tabulate_calibration(predictions, {0: 0.7}, bins=5, calibration=False)["stage"]) == {"raw"}
    assert tabulate_calibration(predictions.iloc[:0], {}, bins=10, calibration=True).empty


def simulate_prefixes(n, seed, slope=0.0, sharpness=1.0, recordings=8, share=0.7):
    """Prefixes of 5 to 40 frames; the logits are too sure by ``sharpness`` (n / 40) ^ slope."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < share).astype(int)
    rows = pd.DataFrame({"trajectory": np.repeat(np.arange(n), 36), "n_frames": np.tile(np.arange(5, 41), n), "label": labels.repeat(36)})
    rows["recording"], rows["lineage"] = "r" + (rows["trajectory"] % recordings).astype(str), rows["trajectory"].astype(str)
    evidence = rng.normal(np.where(rows["label"] == 1, 0.5, -0.5), 1)  # the log-likelihood ratio of N(+-0.5, 1) is the value itself
    return rows.assign(logit=evidence * sharpness * (rows["n_frames"] / 40.0) ** slope)


TRAINED = np.repeat([1, 0], [70, 30])


def test_a_temperature_is_recovered_where_logits_are_too_sure():
    fitted = fit_calibration(simulate_prefixes(600, 0, sharpness=3.0), TRAINED)
    assert fitted.form == "temperature"
    assert fitted.temperature == pytest.approx(3, rel=0.1)
    assert fitted.slope == 0
    assert fitted.prior == 0.7
    assert "temperature changes the log-loss of left-out recordings by -" in fitted.why
    assert fitted.log_loss_calibrated < fitted.log_loss_raw
    assert (fitted.units, fitted.left_out, fitted.n_negative + fitted.n_positive) == (8, "recording", 600)
    early = simulate_prefixes(600, 1, sharpness=3.0).groupby("trajectory").head(1)
    assert reliability(early["label"], fitted.probability(early["logit"], early["n_frames"]), bins=10)[1]["ece"] < 0.06


def test_the_temperature_follows_the_number_of_frames():
    fitted = fit_calibration(simulate_prefixes(600, 0, slope=-1.5), TRAINED)
    assert fitted.form == "temperature_by_frames"
    assert fitted.slope == pytest.approx(-1.5, abs=0.15)
    assert fitted.temperature == pytest.approx(1, rel=0.1)
    assert (fitted.reference_frames, fitted.first_frames, fitted.last_frames) == (40, 5, 40)
    other = simulate_prefixes(600, 1, slope=-1.5)
    for n in (5, 15, 40):
        one = other[other["n_frames"] == n]
        assert reliability(one["label"], fitted.probability(one["logit"], one["n_frames"]), bins=10)[1]["ece"] < 0.06
    early = other[other["n_frames"] == 5]
    assert reliability(early["label"], expit(early["logit"]), bins=10)[1]["ece"] > 0.2


def test_right_logits_get_nothing_but_the_prior():
    """Over seeds: the rule may take a parameter too many now and then, by chance, but not as a habit."""
    forms = [fit_calibration(simulate_prefixes(120, seed), TRAINED).form for seed in range(12)]
    assert forms.count("prior") >= 9


def test_few_trajectories_carry_no_parameter():
    few = simulate_prefixes(40, 0, sharpness=5.0, share=0.85)
    fitted = fit_calibration(few, TRAINED)
    assert fitted.n_negative < 10
    assert (fitted.form, fitted.temperature) == ("prior", 1)
    assert f"temperature needs 10 of either outcome, there are {fitted.n_negative} and" in fitted.why
    more = fit_calibration(simulate_prefixes(60, 0, sharpness=5.0, slope=-1.0, share=0.6), TRAINED)
    assert more.form == "temperature"
    assert "temperature_by_frames needs 30" in more.why


def test_one_recording_is_tested_by_lineages():
    fitted = fit_calibration(simulate_prefixes(200, 0, sharpness=3.0, recordings=1), TRAINED)
    assert (fitted.form, fitted.left_out, fitted.units) == ("temperature", "lineage", 5)
    one = simulate_prefixes(200, 0, sharpness=3.0, recordings=1).assign(lineage="a")
    fitted = fit_calibration(one, TRAINED)
    assert fitted.form == "prior"
    assert "the validation part is one lineage" in fitted.why


def test_a_gain_in_one_recording_alone_is_no_gain():
    """Recordings that need opposite temperatures: left out, each is predicted by what the others need."""
    rows = simulate_prefixes(200, 0, recordings=2)
    rows["logit"] *= np.where(rows["recording"] == "r0", 4.0, 0.25)
    assert fit_calibration(rows, TRAINED).form == "prior"


def test_a_long_trajectory_counts_as_much_as_a_short_one():
    """Every prefix of some trajectories twice: nothing changes."""
    rows = simulate_prefixes(120, 3, sharpness=3.0)
    again = pd.concat([rows, rows[rows["trajectory"] < 30]])
    once, twice = fit_calibration(rows, TRAINED), fit_calibration(again, TRAINED)
    assert once.form == twice.form == "temperature"
    assert twice.temperature == pytest.approx(once.temperature, rel=1e-3)


def test_perfect_separation_keeps_a_finite_temperature():
    rows = simulate_prefixes(80, 0)
    fitted = fit_calibration(rows.assign(logit=np.where(rows["label"] == 1, 3.0, -3.0)), TRAINED)
    assert fitted.form == "temperature"
    assert 0.05 < fitted.temperature < 1


def test_the_temperature_is_not_extrapolated():
    calibration = Calibration("temperature_by_frames", "", 2.0, slope=-1.0, reference_frames=20, first_frames=10, last_frames=40)
    assert calibration.temperatures(np.array([1, 10, 20, 40, 90])).tolist() == [4, 4, 2, 1, 1]
    assert Calibration().probability(np.array([1.3]), np.array([7])) == pytest.approx(expit(1.3))


def test_calibration_is_monotone_and_keeps_calls():
    calibration = Calibration("temperature_by_frames", "", 2.0, slope=-1.0, reference_frames=20, first_frames=10, last_frames=40, prior=0.8)
    logits, n = np.array([-2.0, -0.1, 0.1, 2.0]), np.array([10, 20, 30, 40])
    probability = calibration.probability(logits, n)
    assert called_positive(logits).tolist() == (probability > 0.8).tolist() == [False, False, True, True]
    assert called_positive(calibration.evidence(logits, n)).tolist() == called_positive(logits).tolist()
    rising = calibration.probability(np.linspace(-5, 5, 50), np.full(50, 17))
    assert (np.diff(rising) > 0).all()


def test_one_number_alone_has_the_bits_that_it_has_among_others():
    fitted = fit_calibration(simulate_prefixes(600, 0, slope=-1.5), TRAINED)
    logits, n = np.random.default_rng(0).normal(size=200), np.arange(200) % 60 + 1
    together = fitted.probability(logits, n)
    assert [fitted.probability(logits[[i]], n[[i]])[0] for i in range(200)] == together.tolist()


def test_a_calibration_is_read_as_it_was_written(tmp_path):
    fitted = fit_calibration(simulate_prefixes(100, 0, slope=-1), TRAINED)
    save_calibration(fitted, tmp_path / "c.json")
    assert read_calibration(tmp_path / "c.json") == fitted


def test_the_calibration_of_an_older_folder_is_read():
    old = {"temperature": 2.0, "slope": -0.5, "reference_frames": 16.0, "first_frames": 4, "last_frames": 20, "prior": 0.8}
    found = calibration_of({**old, "n_validation": 22, "log_loss_raw": 0.5, "log_loss_calibrated": 0.4})
    assert (found.form, found.temperature, found.slope, found.prior) == ("temperature_by_frames", 2.0, -0.5, 0.8)
    assert "22 validation trajectories" in found.why


def test_a_fold_without_validation_has_the_prior_alone():
    fitted = fit_calibration(simulate_prefixes(3, 0).iloc[:0], TRAINED)
    assert (fitted.form, fitted.prior, fitted.log_loss_raw) == ("prior", 0.7, None)


def test_a_training_part_of_one_outcome_is_an_error():
    with pytest.raises(InputError, match="training part has 3 trajectories of one outcome"):
        fit_calibration(simulate_prefixes(3, 0), np.ones(3))
