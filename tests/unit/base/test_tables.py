"""Declared tables: what a violation says, and that a table comes back as it was written."""

import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table, read_table, write_table
from cellfate.segmentation.tables import FEATURES
from cellfate.tracks.tables import OUTCOMES
from cellfate.trajectories.tables import SPLIT
from cellfate.truth.tables import TRUTH_FATES


def splits(**changes):
    return pd.DataFrame({"trajectory": ["r/1", "r/2"], "fold": [0, 0], "split": ["train", "test"]} | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trajectory": ["r/1", None]}, "line 3: trajectory is empty, a value is needed"),
        ({"fold": [0, 1.5]}, r"line 3: fold is 1\.5, a whole number is needed"),
        ({"fold": ["first", 0]}, "line 2: fold is 'first', a finite number is needed"),
        ({"fold": [0, -1]}, "line 3: fold is -1, at least 0 is needed"),
        ({"fold": [1e19, 0]}, r"line 2: fold is 1e\+19, at most 9223372036854775807 can be read"),
        ({"fold": [0.0, -1e30]}, r"line 3: fold is -1e\+30, at most 9223372036854775807 can be read"),
        ({"fold": [0, 10**20]}, "line 3: fold is 100000000000000000000, at most 9223372036854775807 can be read"),
        ({"fold": pd.Series([2**63, 0], dtype="uint64")}, "line 2: fold is 9223372036854775808, at most 9223372036854775807 can be read"),
        ({"split": ["train", "tset"]}, "line 3: split is 'tset', one of train, validation, test, unlabelled is needed"),
        ({"trajectory": ["r/1", "r/1"]}, "line 3: trajectory r/1, fold 0 stands here for the second time"),
        ({"part": ["a", "b"]}, "unknown column part; allowed are trajectory, fold, split"),
    ],
)
def test_a_violation_names_file_row_and_value(changes, message):
    with pytest.raises(InputError, match=f"^split.csv: {message}"):
        check_table(splits(**changes), SPLIT, "split.csv")


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match=r"column fold missing; found trajectory, split"):
        check_table(splits().drop(columns="fold"), SPLIT, "split.csv")


def test_bounds_truth_values_and_further_columns():
    metrics = {"outcome": ["a"], "n": [5], "effect": ["any"], "visible": ["perhaps"]}
    metrics |= {"n_trajectories": [1], "n_correct": [1], "fraction_correct": [1.0], "ci_low": [0.0], "ci_high": [1.0]}
    with pytest.raises(InputError, match="visible is 'perhaps', True or False is needed"):
        check_table(pd.DataFrame(metrics), TRUTH_FATES, "t")
    with pytest.raises(InputError, match=r"ci_high is 1\.01, at most 1 is allowed"):
        check_table(pd.DataFrame(metrics | {"visible": [True], "ci_high": [1.01]}), TRUTH_FATES, "t")
    features = pd.DataFrame({name: [0] for name in FEATURES.columns} | {"recording": ["r"], "intensity_mean-p53": [7.5]})
    assert check_table(features, FEATURES, "t")["intensity_mean-p53"].tolist() == [7.5]


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
def test_a_table_comes_back_as_it_was_written(tmp_path, ending):
    table = check_table(
        pd.DataFrame(
            {
                "recording": ["001", "002"],
                "track_id": [1, 2],
                "parent_id": [None, 1],
                "lineage": ["001/1", "002/2"],
                "first_frame": [0, 3],
                "last_frame": [9, 9],
                "n_frames": [10, 7],
                "outcome": ["none", "mitosis"],
                "event_frame": [None, 10],
                "warning": ["odd, so to say", None],
            }
        ),
        OUTCOMES,
        OUTCOMES,
    )
    path = tmp_path / f"outcomes.{ending}"
    write_table(table, path, OUTCOMES)
    pd.testing.assert_frame_equal(read_table(path, OUTCOMES), table)


def test_a_wrong_table_is_not_written(tmp_path):
    with pytest.raises(InputError, match="tset"):
        write_table(splits(split=["train", "tset"]), tmp_path / "split.csv", SPLIT)
    assert not list(tmp_path.iterdir())


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"split\.csv: no such file \(split table\)"):
        read_table(tmp_path / "split.csv", SPLIT)
    (tmp_path / "split.csv").write_text("")
    with pytest.raises(InputError, match=r"split\.csv: not readable as a table"):
        read_table(tmp_path / "split.csv", SPLIT)
