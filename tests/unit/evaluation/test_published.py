"""The published numbers and the comparison with ours."""

import numpy as np
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.evaluation.published import (
    CURVE_POINTS,
    TEST_SET,
    compare_published,
    published_values,
    read_reference_curve,
    seen_in_training,
    write_comparison,
)
from cellfate.evaluation.tables import METRICS
from cellfate.explanation.tables import ATTENTION_PROFILE, EFFECT_SUMMARY

UNITS = (6, 7, None, None)
FATES = {"negative": "death", "positive": "division"}
CISPLATIN = """Truncation;F1_macro;Accuracy;Loss;Recall_class_Apoptosis;Recall_class_Mitosis
0;0.9;0.91;0.2;0.92;0.93
5;0.8;0.81;0.3;0.82;0.83
"""
ALL = "Truncation;F1;Accuracy;Loss\n0;0.7;0.71;0.4\n"


def metrics(rows):
    columns = list(METRICS.columns)
    return check_table(pd.DataFrame(rows, columns=columns), METRICS, "test")


def ours():
    full = [
        ("all", "full", 0, "all", "balanced_accuracy", "all", 0.9, 0.88, 0.92, 100, *UNITS),
        ("all", "full", 0, "all", "recall", "death", 0.8, 0.7, 0.9, 30, *UNITS),
        ("all", "full", 0, "all", "recall", "division", 1.0, 0.9, 1.0, 70, *UNITS),
    ]
    curve = [
        ("cisplatin", "truncation", 5, cohort, "balanced_accuracy", "all", value, None, None, 60, *UNITS)
        for cohort, value in (("all", 0.7), ("fixed", 0.6))
    ]
    return [metrics(full), metrics(curve), metrics([])]


def effects():
    rows = [
        ("division", "intensity_mean-p53", "removed", 50, 0.1, 0.0, 0.2, None, 0.01, "small"),
        ("division", "intensity_mean-p53", "kept", 50, 0.5, 0.4, 0.6, None, 0.01, "large"),
        ("death", "solidity", "kept", 50, 0.1, 0.0, 0.2, None, 0.5, "small"),
    ]
    shown = pd.DataFrame(rows, columns=list(EFFECT_SUMMARY.columns)[: len(rows[0])])
    return check_table(shown.reindex(columns=list(EFFECT_SUMMARY.columns)).assign(n_units=6), EFFECT_SUMMARY, "test")


def profile():
    rows = [("division", 1, 0.5, 40, 0.5, 0.7, 0.6, 0.8, None, None, None, 4, None)]
    return check_table(pd.DataFrame(rows, columns=list(ATTENTION_PROFILE.columns)), ATTENTION_PROFILE, "test")


def compared(dataset="published", reference=None, seen=None):
    table = compare_published(dataset, ours(), effects(), profile(), FATES, treatment="cisplatin", reference=reference, seen=seen)
    return table.set_index(["quantity", "scope", "condition", "n", "class"])


def test_the_constants_agree_with_the_published_counts():
    known = {(quantity, role): value for quantity, role, value, _ in TEST_SET}
    assert known["n_trajectories", "all"] == known["n_trajectories", "negative"] + known["n_trajectories", "positive"]
    recall = {"negative": 401 / 439, "positive": 1593 / 1650}
    assert known["balanced_accuracy", "all"] == pytest.approx(sum(recall.values()) / 2, abs=5e-5)
    precision = {"negative": 401 / (401 + 57), "positive": 1593 / (1593 + 38)}
    for role in recall:
        assert known["recall", role] == pytest.approx(recall[role], abs=6e-5)
        assert known["precision", role] == pytest.approx(precision[role], abs=6e-5)
    f1 = [2 * recall[role] * precision[role] / (recall[role] + precision[role]) for role in recall]
    assert known["f1_macro", "all"] == pytest.approx(np.mean(f1), abs=6e-5)


def test_each_value_stands_beside_ours():
    table = compared()
    row = table.loc["balanced_accuracy", "all", "full", 0, "all"]
    assert (row["ours"], row["ci_low"], row["published"]) == (0.9, 0.88, 0.9394)
    assert row["difference"] == pytest.approx(-0.0394)
    assert row["comparable"]
    assert "2026" in row["source"]
    assert table.loc["n_trajectories", "all", "full", 0, "death"]["ours"] == 30
    assert table.loc["n_trajectories", "all", "full", 0, "all"]["ours"] == 100
    assert table.loc["recall", "all", "full", 0, "division"]["published"] == 0.9655
    row = table.loc["balanced_accuracy", "cisplatin", "truncation", 5, "all"]
    assert (row["ours"], row["published"]) == (0.7, 0.905)  # the cohort that the paper has, not the fixed one
    assert table.loc["median_delta: intensity_mean-p53", "cisplatin", "effects", 0, "division"]["difference"] == pytest.approx(0.5 - 0.824)
    assert table.loc["attention_profile", "cisplatin", "frames_before_end", 1, "division"]["published"] == 0.62


def test_what_we_did_not_measure_is_not_comparable_and_missing_points_of_curves_are_left_out():
    table = compared()
    row = table.loc["log_loss", "all", "full", 0, "all"]
    assert pd.isna(row["ours"])
    assert not row["comparable"]
    assert row["reason"] == "not measured here"
    assert table["reason"].isna().equals(table["comparable"])
    assert list(table.xs("truncation", level="condition").index.get_level_values("n")) == [5]
    assert len(CURVE_POINTS) > 1
    assert table.index.is_unique


def test_other_data_are_never_comparable():
    table = compared("demo")
    assert not table["comparable"].any()
    assert set(table["reason"]) == {"the data set is demo, not the published one"}


def test_an_imported_checkpoint_is_comparable_under_the_split_of_its_source_alone():
    assert compared(seen=seen_in_training("model.safetensors", "source_code", True))["comparable"].any()
    assert seen_in_training(None, "track", False) is None  # trained here, on the training part
    for unit in ("track", "recording", "lineage", "group"):
        table = compared(seen=seen_in_training("model.safetensors", unit, True))
        assert not table["comparable"].any()
        (reason,) = set(table["reason"])
        assert reason.startswith(f"split.unit is {unit}: the imported checkpoint was trained on cells of this test set")
    unordered = compared(seen=seen_in_training("model.safetensors", "source_code", False))
    assert not unordered["comparable"].any()
    assert "order of the cells" in unordered["reason"].iloc[0]


def test_treated_numbers_stand_only_beside_those_of_the_same_treatment():
    table = compare_published("published", ours(), effects(), profile(), FATES, treatment=None, reference=None)
    assert table.loc[table["condition"] == "effects", "ours"].isna().all()


def test_reference_curves_replace_the_points_of_the_text(tmp_path):
    for condition in ("truncation", "last_k"):
        (tmp_path / f"{condition}_cisplatin.csv").write_text(CISPLATIN)
        (tmp_path / f"{condition}_all.csv").write_text(ALL)
    values = published_values(FATES, reference=tmp_path).set_index(["quantity", "scope", "condition", "n", "class"])["published"]
    assert values["recall", "cisplatin", "last_k", 5, "division"] == 0.83
    assert values["f1_macro", "all", "truncation", 0, "all"] == 0.7
    assert ("balanced_accuracy", "cisplatin", "truncation", 50, "all") not in values.index
    assert compared(reference=tmp_path).loc["balanced_accuracy", "cisplatin", "truncation", 5, "all"]["published"] == 0.81


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file"),
        ("Truncation,Accuracy\n0,1\n", "separated by ';'; found Truncation,Accuracy"),
        ("Truncation;Accuracy\n0;0.5\n5;high\n", "line 3: Accuracy is 'high'"),
        ("Truncation;Accuracy\nfive;0.5\n", "line 2: Truncation is 'five'"),
        ("", "not readable as a table in UTF-8"),
        (b"Truncation;Accuracy\n0;0.9\xe9\n", "not readable as a table in UTF-8"),
        ("Truncation;Accuracy\n0;0.9\n1;2;3;4\n", "line 3"),
        ("Truncation;Accuracy\n0\n", "line 2: Accuracy is '', a number is needed"),
        ("Truncation;Accuracy\ninf;0.9\n", "line 2: Truncation is 'inf', a finite number is needed"),
        ("Truncation;Accuracy\n1e30;0.9\n", "line 2: Truncation is '1e30', at most 1000000 is allowed"),
        ("Truncation;Accuracy\n-1;0.9\n", "line 2: Truncation is '-1', at least 0 is needed"),
        ("Truncation;Accuracy\n0;0.9\n2.5;0.9\n", "line 3: Truncation is '2.5', a whole number of frames is needed"),
        ("Truncation;Accuracy\n0;0.9\n0;0.2\n", "line 3: Truncation is '0', which stands there for the second time"),
        ("Truncation;Accuracy\n0;95.8\n", "line 2: Accuracy is '95.8', at most 1 is allowed: is it in percent"),
        ("Truncation;Accuracy;Loss\n0;0.9;inf\n", "line 2: Loss is 'inf', a finite number is needed"),
        ("Truncation;Accuracy;Loss\n0;0.9;-2\n", "line 2: Loss is '-2', at least 0 is needed"),
    ],
)
def test_bad_reference_files_are_named(tmp_path, text, message):
    path = tmp_path / "truncation_cisplatin.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message) as error:
        read_reference_curve(path, "truncation", "cisplatin")
    assert str(path) in str(error.value)


def test_the_comparison_is_written_as_csv(tmp_path):
    write_comparison(compared().reset_index(), tmp_path / "published.csv")
    table = pd.read_csv(tmp_path / "published.csv")
    assert table.loc[table["quantity"] == "balanced_accuracy", "published"].iloc[0] == 0.9394
    assert "comparable" in table
