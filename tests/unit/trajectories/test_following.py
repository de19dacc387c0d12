import numpy as np
import pandas as pd
import pytest

from cellfate.trajectories.following import with_all_parts
from cellfate.trajectories.split import split_trajectories


def table(n_recordings=8, n_each=12, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for recording in range(n_recordings):
        for track in range(n_each):
            fated = track % 3 == 0 and recording != n_recordings - 1  # the last recording has no fate at all
            label = int(rng.random() < 0.5) if fated and track else int(track == 0 and recording % 2) if fated else None
            rows.append({"recording": f"r{recording}", "track_id": track, "lineage": f"r{recording}/{track // 2 * 2}", "label": label})
    found = pd.DataFrame(rows).astype({"label": "Int64"})
    found["trajectory"] = found["recording"] + "/" + found["track_id"].astype(str)
    found["group"] = "g" + (found["recording"].str[1:].astype(int) // 2).astype(str)
    known = {"treatment": "none", "n_frames": 30, "usable": found["label"].notna(), "reason": None}
    return found.assign(outcome=found["label"].map({0: "death", 1: "division"}).fillna("censored"), **known)


def split_of(trajectories, unit, folds=1):
    return split_trajectories(trajectories, unit=unit, folds=folds, fractions=[0.6, 0.2, 0.2], seed=1, min_frames=10)


@pytest.mark.parametrize(("unit", "folds"), [("recording", 1), ("recording", 4), ("group", 3), ("lineage", 1), ("lineage", 4)])
def test_units_stay_whole(unit, folds):
    trajectories = table()
    split = with_all_parts(split_of(trajectories, unit, folds), trajectories, unit=unit, seed=1)
    joined = split.merge(trajectories, on="trajectory")
    assert set(split["split"]) == {"train", "validation", "test"}
    assert (joined.groupby(["fold", unit])["split"].nunique() == 1).all()
    if folds > 1:
        assert (split[split["split"] == "test"].groupby("trajectory").size() == 1).all()
        assert split.loc[split["split"] == "test", "trajectory"].nunique() == len(trajectories)


@pytest.mark.parametrize("unit", ["recording", "track"])
def test_those_with_a_fate_stay_where_they_are(unit):
    trajectories = table()
    split = split_of(trajectories, unit)
    found = with_all_parts(split, trajectories, unit=unit, seed=1)
    labelled = split["split"] != "unlabelled"
    pd.testing.assert_frame_equal(found[labelled], split[labelled])
    assert (split["split"] == "unlabelled").sum() > 50, "the table that was given is not changed"


def test_of_single_tracks_those_without_a_fate_follow_their_lineage():
    trajectories = table()
    found = with_all_parts(split_of(trajectories, "track"), trajectories, unit="track", seed=1)
    parts = found.set_index("trajectory")["split"]
    assert all(parts[f"r{i}/1"] == parts[f"r{i}/0"] for i in range(7))
    lineages = trajectories.set_index("trajectory")["lineage"]
    lone = [name for name in parts.index if trajectories.loc[trajectories["lineage"] == lineages[name], "label"].isna().all()]
    assert set(parts[lone]) == {"train", "validation", "test"}
    assert (parts[lone].groupby(lineages[lone].to_numpy()).nunique() == 1).all()


def test_it_is_the_same_for_a_seed_whatever_the_order_of_the_rows():
    trajectories = table()
    split = split_of(trajectories, "recording")
    first = with_all_parts(split, trajectories, unit="recording", seed=1)
    shuffled = trajectories.sample(frac=1, random_state=3)
    again = with_all_parts(split.sample(frac=1, random_state=4), shuffled, unit="recording", seed=1)
    assert first.set_index("trajectory")["split"].equals(again.set_index("trajectory")["split"].reindex(first["trajectory"]))


def test_without_tracks_that_have_none_nothing_changes():
    trajectories = table()
    trajectories = trajectories[trajectories["usable"]]
    split = split_of(trajectories, "recording")
    pd.testing.assert_frame_equal(with_all_parts(split, trajectories, unit="recording", seed=1), split)
