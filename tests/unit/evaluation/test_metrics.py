import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.evaluation.metrics import confusion_table, evaluate_condition, evaluate_test, metric_scores, metric_value
from cellfate.evaluation.pooling import correct_trajectories, pooled
from cellfate.evaluation.tables import CONFUSION, METRICS
from cellfate.model.tables import PREDICTIONS
from cellfate.statistics.intervals import score_interval
from cellfate.statistics.scores import balanced_accuracy

evaluate = partial(evaluate_test, treatment=None, unit="recording")
evaluate_at = partial(evaluate_condition, cohort="fixed", unit="recording")


NAMES = {"negative": "apoptosis", "positive": "mitosis"}


def make_predictions(n=120, seed=0, recordings=6, conditions=(("full", 0),), split="test", fold=0, offset=1.2):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.7).astype(int)
    rows = []
    for i, label in enumerate(labels):
        length = int(rng.integers(12, 80))
        base = rng.normal(offset * (2 * label - 1), 1.5)
        for condition, k in conditions:
            kept = {"full": length, "truncation": length - k, "last_k": min(k, length)}[condition]
            if condition == "truncation" and length <= max(10, k):
                continue
            logit = base + rng.normal(0, 0.1)
            recording = f"r{i % recordings}"
            treatment = "cisplatin" if i % recordings % 2 else "none"
            rows.append((f"{recording}/{i}", recording, treatment, fold, split, condition, k, kept, label, logit, 1 / (1 + np.exp(-logit))))
    columns = ["trajectory", "recording", "treatment", "fold", "split", "condition", "n", "n_frames", "label", "logit", "probability"]
    table = pd.DataFrame(rows, columns=columns)
    return check_table(table.assign(probability_raw=table["probability"]), PREDICTIONS, "p")


def make_trajectories(predictions):
    rows = predictions[["trajectory"]].drop_duplicates()
    return rows.assign(group=rows["trajectory"].str[:2].map(lambda name: f"group of {int(name[1]) // 2}"))


def value(table, metric, label="all", **where):
    rows = table[(table["metric"] == metric) & (table["class"] == label)]
    for column, wanted in where.items():
        rows = rows[rows[column] == wanted]
    assert len(rows) == 1
    return rows.iloc[0]


def test_metrics_equal_scikit_learns():
    predictions = make_predictions()
    table = check_table(evaluate(predictions, make_trajectories(predictions), NAMES, treatment="cisplatin"), METRICS, "m")
    for scope in ("all", "cisplatin"):
        rows = predictions if scope == "all" else predictions[predictions["treatment"] == scope]
        y, p = rows["label"].to_numpy(int), rows["probability"].to_numpy()
        guess = (p > 0.5).astype(int)
        precision, recall, f1, support = reference.precision_recall_fscore_support(y, guess)
        expected = {
            "balanced_accuracy": reference.balanced_accuracy_score(y, guess),
            "accuracy": reference.accuracy_score(y, guess),
            "f1_macro": f1.mean(),
            "precision_macro": precision.mean(),
            "recall_macro": recall.mean(),
            "log_loss": reference.log_loss(y, p),
            "auroc": reference.roc_auc_score(y, p),
        }
        for metric, wanted in expected.items():
            assert value(table, metric, scope=scope)["value"] == pytest.approx(wanted, abs=1e-12)
            assert value(table, metric, scope=scope)["n_trajectories"] == len(y)
        for label, name in enumerate(NAMES.values()):
            assert value(table, "precision", name, scope=scope)["value"] == pytest.approx(precision[label])
            assert value(table, "recall", name, scope=scope)["value"] == pytest.approx(recall[label])
            assert value(table, "f1", name, scope=scope)["value"] == pytest.approx(f1[label])
            assert value(table, "recall", name, scope=scope)["n_trajectories"] == support[label]
    assert value(table, "n_recordings", scope="all")["value"] == 6
    assert value(table, "n_recordings", scope="cisplatin")["value"] == 3


def test_every_row_has_an_interval_or_the_reason_and_counts_units():
    predictions = make_predictions(n=200, recordings=8)
    table = evaluate(predictions, make_trajectories(predictions), NAMES)
    scores = table[table["metric"] != "n_recordings"]
    assert (scores["units_negative"] == 8).all()
    assert (scores["units_positive"] == 8).all()
    assert scores["reason"].isna().all()
    assert ((scores["ci_low"] < scores["value"]) & (scores["value"] < scores["ci_high"])).all()
    labels, predicted = predictions["label"].to_numpy(int), predictions["probability"].to_numpy() > 0.5
    own = score_interval(balanced_accuracy(labels, predicted), predictions["recording"], names=("a", "b"), unit="recording")
    row = value(table, "balanced_accuracy")
    assert (row["ci_low"], row["ci_high"], row["method"]) == (own.low, own.high, own.method)


def test_groups_are_the_units_where_they_are_held_out():
    predictions = make_predictions(n=200, recordings=8)
    trajectories = make_trajectories(predictions)
    by_group = value(evaluate(predictions, trajectories, NAMES, unit="group"), "balanced_accuracy")
    assert (by_group["units_negative"], by_group["units_positive"]) == (4, 4)
    for unit in ("lineage", "track", "source_code"):
        assert value(evaluate(predictions, trajectories, NAMES, unit=unit), "balanced_accuracy")["units_positive"] == 8


def test_one_recording_has_no_interval_and_the_reason():
    predictions = make_predictions(recordings=1)
    row = value(evaluate(predictions, make_trajectories(predictions), NAMES), "balanced_accuracy")
    assert np.isnan([row["ci_low"], row["ci_high"]]).all()
    assert row["reason"] == "apoptosis: 1 recording, at least 3 are needed"
    assert row["units_negative"] == 1


def test_a_class_that_is_never_predicted_has_precision_zero():
    y, z, guess = np.array([0, 1, 1]), np.array([1.0, 2, 3]), np.ones(3, int)
    values = {key: metric_value(score, *key) for key, score in metric_scores(y, z, guess).items()}
    assert values["precision", 0] == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert values["f1_macro", None] == pytest.approx(reference.f1_score(y, guess, average="macro"))
        assert values["precision_macro", None] == pytest.approx(reference.precision_score(y, guess, average="macro"))


def test_a_class_that_is_never_predicted_is_named_as_such():
    predictions = make_predictions(n=200, recordings=8).assign(logit=3.0, probability=0.95)
    table = evaluate(predictions, make_trajectories(predictions), NAMES)
    assert value(table, "precision_macro")["reason"] == "predicted apoptosis: 0 recordings, at least 3 are needed"
    assert value(table, "precision_macro")["value"] == pytest.approx((predictions["label"] == 1).mean() / 2)


def test_extreme_logits_keep_a_finite_loss():
    scores = metric_scores(np.array([0, 1]), np.array([800.0, 800.0]), np.array([1, 1]))
    assert scores["log_loss", None].value == pytest.approx(400)


@pytest.mark.parametrize("kept", [[], [0], [1]])
def test_a_test_set_without_both_outcomes_is_an_error(kept):
    predictions = make_predictions()
    predictions = predictions[predictions["label"].isin(kept)]
    with pytest.raises(InputError, match=r"test trajectories are apoptosis \d+, mitosis \d+; both"):
        evaluate(predictions, make_trajectories(predictions), NAMES)


def test_truncation_has_a_shrinking_and_a_fixed_cohort():
    steps = [0, 5, 30, 200]
    predictions = make_predictions(conditions=[("full", 0)] + [("truncation", n) for n in steps])
    table = evaluate_at(predictions, make_trajectories(predictions), "truncation", steps[:3], NAMES, treatment="cisplatin", cohort="fixed")
    check_table(table, METRICS, "m")
    lengths = predictions[(predictions["condition"] == "full") & (predictions["treatment"] == "cisplatin")]["n_frames"]
    for n in steps[:3]:
        shrinking = value(table, "balanced_accuracy", n=n, cohort="all", scope="cisplatin")
        assert shrinking["n_trajectories"] == (lengths > max(10, n)).sum()
        assert value(table, "balanced_accuracy", n=n, cohort="fixed")["n_trajectories"] == (lengths > 30).sum()
    assert set(
        evaluate_at(predictions, make_trajectories(predictions), "truncation", [0], NAMES, treatment=None, cohort="shrinking")["cohort"]
    ) == {"all"}


def test_a_step_without_trajectories_is_null_with_n_zero():
    predictions = make_predictions(conditions=[("truncation", 0)])
    table = evaluate_at(predictions, make_trajectories(predictions), "truncation", [0, 100], NAMES, treatment=None, cohort="fixed")
    row = value(table, "balanced_accuracy", n=100, cohort="all")
    assert np.isnan(row["value"])
    assert row["n_trajectories"] == 0
    assert value(table, "balanced_accuracy", n=0, cohort="fixed")["n_trajectories"] == 0
    assert value(table, "balanced_accuracy", n=0, cohort="all")["value"] > 0.5
    nothing = evaluate_at(predictions, make_trajectories(predictions), "truncation", [0], NAMES, treatment="another drug")
    assert (nothing["n_trajectories"] == 0).all()


def test_last_k_keeps_all_and_fixes_those_that_are_long_enough():
    predictions = make_predictions(conditions=[("full", 0), ("last_k", 5), ("last_k", 40)])
    table = evaluate_at(predictions, make_trajectories(predictions), "last_k", [5, 40], NAMES, treatment=None, cohort="fixed")
    lengths = predictions[predictions["condition"] == "full"]["n_frames"]
    for n in (5, 40):
        assert (
            value(table, "recall", "mitosis", n=n, cohort="all")["n_trajectories"]
            == (predictions[predictions["n"] == 0]["label"] == 1).sum()
        )
        assert value(table, "accuracy", n=n, cohort="fixed")["n_trajectories"] == (lengths >= 40).sum()


def test_a_k_above_the_longest_trajectory_has_no_row():
    predictions = make_predictions(conditions=[("last_k", k) for k in (5, 20, 30)])
    predictions["n_frames"] = np.minimum(predictions["n"], 20)
    found = evaluate_at(predictions, make_trajectories(predictions), "last_k", [5, 20, 30], NAMES, treatment=None)
    assert sorted(found["n"].unique()) == [5, 20]
    fixed, shrinking = (value(found, "balanced_accuracy", n=20, cohort=cohort)["value"] for cohort in ("fixed", "all"))
    assert fixed == pytest.approx(shrinking)


@pytest.mark.parametrize("condition", ["truncation", "last_k"])
def test_no_steps_give_an_empty_table(condition):
    predictions = make_predictions()
    found = evaluate_at(predictions, make_trajectories(predictions), condition, [], NAMES, treatment=None)
    assert check_table(found, METRICS, "m").empty


def test_folds_are_pooled_and_a_trajectory_counts_once():
    held_out = make_predictions(seed=1, fold=0)
    seen = held_out.assign(fold=1, split="train", logit=-held_out["logit"], probability=1 - held_out["probability"])
    both = pd.concat([seen, held_out], ignore_index=True)
    rows = pooled(both, splits=("train", "test"), treatment=None)
    assert len(rows) == len(held_out)
    assert (rows["fold"] == 0).all()
    assert (pooled(both, splits=("train",), treatment=None)["fold"] == 1).all()
    assert pooled(both, splits=("validation",), treatment=None).empty


def test_correct_trajectories():
    predictions = make_predictions(n=40)
    found = correct_trajectories(predictions, NAMES, treatment="cisplatin", splits=("test",)).set_index("trajectory")
    for row in predictions.itertuples():
        right = (row.probability > 0.5) == (row.label == 1)
        assert (row.trajectory in found.index) == (right and row.treatment == "cisplatin")
    assert (found["own_probability"] >= 0.5).all()
    assert set(found["outcome"]) == {"apoptosis", "mitosis"}


def test_confusion_table_is_scikit_learns():
    predictions = make_predictions()
    table = check_table(confusion_table(predictions, NAMES), CONFUSION, "c")
    matrix = reference.confusion_matrix(predictions["label"].astype(int), predictions["probability"] > 0.5)
    assert table["count"].tolist() == matrix.ravel().tolist()
    assert table["fraction"].to_numpy() == pytest.approx((matrix / matrix.sum(axis=1, keepdims=True)).ravel())
