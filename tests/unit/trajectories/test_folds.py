"""Which trajectories belong to the parts of a fold."""

import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.trajectories.folds import fold_trajectories

TRAJECTORIES = pd.DataFrame(
    {
        "trajectory": ["b/1", "a/2", "a/1", "a/3", "b/2"],
        "recording": ["b", "a", "a", "a", "b"],
        "track_id": [1, 2, 1, 3, 2],
        "usable": [True, True, False, False, True],
    }
)
SPLIT = pd.DataFrame(
    {
        "trajectory": ["b/1", "a/2", "a/1", "a/3", "b/2", "b/1"],
        "fold": [0, 0, 0, 0, 0, 1],
        "split": ["train", "test", "train", "unlabelled", "validation", "test"],
    }
)


def parts(fold, *splits):
    rows = fold_trajectories(TRAJECTORIES, SPLIT, fold, list(splits))
    assert list(rows.index) == list(range(len(rows)))
    return list(zip(rows["trajectory"], rows["split"], strict=True))


def test_labelled_parts_keep_usable_trajectories_alone_and_unlabelled_ones_all():
    assert parts(0, "train", "test", "unlabelled") == [("a/2", "test"), ("a/3", "unlabelled"), ("b/1", "train")]
    assert parts(0, "train") == [("b/1", "train")]
    assert parts(1, "train", "test") == [("b/1", "test")]


def test_a_fold_that_is_not_there():
    with pytest.raises(InputError, match="fold 2 is not in the split table, which has 0, 1"):
        parts(2, "train")
