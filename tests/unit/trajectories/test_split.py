from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.trajectories.split import source_parts, split_flow, split_trajectories
from cellfate.trajectories.tables import FLOW, SPLIT, TRAJECTORIES

split_by = partial(split_trajectories, fractions=(0.8, 0.1, 0.1), seed=42, min_frames=10, unit="recording", folds=1)


def make_trajectories(n_recordings=12, per_recording=10, seed=0, usable=0.9, censored=0.2):
    """Treated recordings (three in four) are half apoptosis, untreated ones mostly mitosis; tracks 0 and 1 are sisters."""
    rng = np.random.default_rng(seed)
    rows = []
    for r in range(n_recordings):
        treated = r % 4 != 0
        for t in range(per_recording):
            label = None if rng.random() < censored else int(rng.random() < (0.5 if treated else 0.85))
            fine = label is not None and rng.random() < usable
            rows.append((f"r{r:02d}/{t}", f"r{r:02d}", t, f"r{r:02d}/{max(t - 1, 0) if t < 2 else t}", f"g{r % 5}", treated, label, fine))
    table = pd.DataFrame(rows, columns=["trajectory", "recording", "track_id", "lineage", "group", "treated", "label", "usable"])
    table["treatment"] = np.where(table.pop("treated"), "cisplatin", "none")
    table["outcome"] = table["label"].map({0: "apoptosis", 1: "mitosis"}).fillna("censored")
    table["n_frames"] = np.where(table["usable"] | table["label"].isna(), 60, 5)
    return check_table(
        table.assign(dose=None, first_frame=0, last_frame=table["n_frames"] - 1, event_frame=None, frame_interval_min=30.0, reason=None),
        TRAJECTORIES,
        "t",
    )


@pytest.mark.parametrize("unit", ["recording", "group", "lineage", "track"])
@pytest.mark.parametrize("folds", [1, 4])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_unit_is_in_two_parts_and_every_part_has_both_outcomes(unit, folds, seed):
    trajectories = make_trajectories(seed=seed)
    split = check_table(split_by(trajectories, unit=unit, folds=folds, fractions=[0.6, 0.2, 0.2], seed=seed), SPLIT, "s")
    joined = split.merge(trajectories, on="trajectory")
    labelled = joined[joined["split"] != "unlabelled"]
    name = "trajectory" if unit == "track" else unit
    for _, part in labelled.groupby("fold"):
        assert (part.groupby(name)["split"].nunique() == 1).all()
        assert set(part["trajectory"]) == set(trajectories.loc[trajectories["usable"], "trajectory"])
        counts = pd.crosstab(part["split"], part["label"])
        assert set(counts.index) == {"train", "validation", "test"}
        assert (counts > 0).all().all()
    assert set(joined.loc[joined["split"] == "unlabelled", "outcome"]) == {"censored"}


def test_several_folds_test_every_trajectory_once_and_rotate():
    trajectories = make_trajectories()
    split = split_by(trajectories, unit="recording", folds=4)
    parts = {(fold, part): set(rows["trajectory"]) for (fold, part), rows in split.groupby(["fold", "split"])}
    tests = [parts[f, "test"] for f in range(4)]
    assert sum(map(len, tests)) == trajectories["usable"].sum() == len(set.union(*tests))
    for fold in range(4):
        assert parts[fold, "validation"] == tests[(fold + 1) % 4]


def test_the_split_depends_on_the_seed_alone():
    trajectories = make_trajectories()
    first = split_by(trajectories, seed=1)
    pd.testing.assert_frame_equal(first, split_by(trajectories, seed=1))
    assert not first.equals(split_by(trajectories, seed=2))


def test_fractions_count_units():
    trajectories = make_trajectories(n_recordings=16)
    split = split_by(trajectories, unit="recording", folds=1, fractions=[0.625, 0.125, 0.25])
    labelled = split[split["split"] != "unlabelled"].merge(trajectories, on="trajectory")
    assert labelled.groupby("split")["recording"].nunique().to_dict() == {"train": 10, "validation": 2, "test": 4}


def test_parts_are_far_more_even_than_by_chance():
    trajectories = make_trajectories(n_recordings=40, seed=5)
    usable = trajectories[trajectories["usable"]]

    def unevenness(split):
        joined = split[split["split"] != "unlabelled"].merge(usable, on="trajectory")
        shares = joined.groupby("split")["label"].mean().astype(float)
        return (shares - usable["label"].mean()).abs().max()

    recordings = usable["recording"].unique()
    chance = []
    for seed in range(50):
        parts = dict(
            zip(np.random.default_rng(seed).permutation(recordings), ["validation"] * 4 + ["test"] * 4 + ["train"] * 32, strict=True)
        )
        chance.append(unevenness(usable.assign(split=usable["recording"].map(parts))[["trajectory", "split"]]))
    ours = [unevenness(split_by(trajectories, seed=s)) for s in range(3)]
    assert max(ours) < np.quantile(chance, 0.1)


def test_every_part_gets_treated_and_untreated_recordings():
    trajectories = make_trajectories(n_recordings=16)
    split = split_by(trajectories, unit="recording", folds=1, fractions=[0.5, 0.25, 0.25]).merge(trajectories, on="trajectory")
    assert (split[split["split"] != "unlabelled"].groupby("split")["treatment"].nunique() == 2).all()


def test_tracks_are_stratified_before_the_length_filter():
    trajectories = make_trajectories(n_recordings=40, usable=0.5, seed=9)
    fated = trajectories[trajectories["label"].notna()]
    everything = split_by(
        trajectories.assign(usable=trajectories["label"].notna()), unit="track", folds=1, fractions=[0.8, 0.1, 0.1], seed=7
    )
    filtered = split_by(trajectories, unit="track", folds=1, fractions=[0.8, 0.1, 0.1], seed=7)
    full = dict(zip(everything["trajectory"], everything["split"], strict=True))
    kept = filtered[filtered["split"] != "unlabelled"]
    assert set(kept["trajectory"]) == set(trajectories.loc[trajectories["usable"], "trajectory"])
    assert all(full[t] == s for t, s in zip(kept["trajectory"], kept["split"], strict=True))
    for label in (0, 1):
        of_class = fated.loc[fated["label"] == label, "trajectory"].map(full)
        assert (of_class == "test").sum() == pytest.approx(0.1 * len(of_class), abs=1)


def test_too_few_recordings_names_the_alternatives():
    with pytest.raises(InputError, match=r"recording: only 2 recordings.*at least 3 are needed.*group, lineage or track"):
        split_by(make_trajectories(n_recordings=2), unit="recording")


def test_an_empty_group_is_an_error_that_names_the_recording():
    trajectories = make_trajectories()
    trajectories.loc[trajectories["recording"] == "r03", "group"] = None
    with pytest.raises(InputError, match="group is empty for recording r03"):
        split_by(trajectories, unit="group")


def test_a_part_without_an_outcome_names_fold_part_and_counts():
    trajectories = make_trajectories()
    apoptotic = trajectories["label"] == 0
    keep = ~apoptotic | trajectories["recording"].isin(["r01", "r02"])
    with pytest.raises(
        InputError, match=r"fold 0: the (train|validation|test) part has apoptosis 0, mitosis \d+.*usable in all: .*apoptosis"
    ):
        split_by(trajectories[keep], unit="recording")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"unit": "cell"}, "split.unit is 'cell'"),
        ({"folds": 2}, "split.folds is 2"),
        ({"unit": "source_code", "folds": 3}, r"split.unit is source_code, which is one split \(split.folds: 1\)"),
        ({"unit": "source_code", "fractions": [0.7, 0.2, 0.1]}, r"source_code, .* by \[0.8, 0.1, 0.1\]; folds is 1, fractions \[0.7"),
        ({"folds": 0}, "split.folds is 0"),
        ({"fractions": [0.8, 0.1, 0.2]}, "split.fractions is"),
        ({"fractions": [1.0, 0.0, 0.0]}, "split.fractions is"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(InputError, match=message):
        split_by(make_trajectories(), **settings)


def test_unlabelled_tracks_are_long_enough_and_in_every_fold():
    trajectories = make_trajectories()
    censored = trajectories["label"].isna()
    short = trajectories.loc[censored, "trajectory"].iloc[0]
    trajectories.loc[trajectories["trajectory"] == short, "n_frames"] = 10
    split = split_by(trajectories, unit="recording", folds=3, min_frames=10)
    unlabelled = split[split["split"] == "unlabelled"]
    assert set(unlabelled["trajectory"]) == set(trajectories.loc[censored, "trajectory"]) - {short}
    assert (unlabelled.groupby("trajectory")["fold"].nunique() == 3).all()


def test_flow_follows_the_parts():
    trajectories = make_trajectories()
    split = split_by(trajectories, fractions=[0.6, 0.2, 0.2])
    flow = check_table(split_flow(trajectories, split), FLOW, FLOW)
    totals = flow.groupby("stage", sort=False)["n"].sum()
    assert list(totals.index) == ["tracks", "with a fate", "long enough", "train", "validation", "test"]
    assert totals["tracks"] == len(trajectories)
    assert totals["long enough"] == trajectories["usable"].sum() == totals["train"] + totals["validation"] + totals["test"]
    apoptotic = flow[(flow["stage"] == "with a fate") & (flow["outcome"] == "apoptosis")]["n"].sum()
    assert apoptotic == (trajectories["label"] == 0).sum()
    folds = split_flow(trajectories, split_by(trajectories, folds=3))["stage"].unique()
    assert list(folds[3:6]) == ["fold 0 train", "fold 0 validation", "fold 0 test"]


def source_split(names, labels):
    """The published source's two calls, as they stand there."""
    train, rest, _, labels_of_rest = train_test_split(names, labels, train_size=0.8, stratify=labels, random_state=42)
    validation, test = train_test_split(rest, train_size=0.5, stratify=labels_of_rest, random_state=42)
    return {"train": set(train), "validation": set(validation), "test": set(test)}


def parts_of(split):
    return {name: set(rows["trajectory"]) for name, rows in split[split["split"] != "unlabelled"].groupby("split")}


def shuffled_cells(trajectories, seed=3):
    """All cells in another order than the table's, as an annotation file of all recordings may have them."""
    return trajectories[["recording", "track_id"]].sample(frac=1, random_state=seed, ignore_index=True)


def test_the_source_s_split_is_its_two_calls_on_the_cells_in_the_order_of_the_annotation_file():
    trajectories = make_trajectories(n_recordings=40, usable=1.0)
    cells = shuffled_cells(trajectories)
    ordered = cells.merge(trajectories, on=["recording", "track_id"])
    fated = ordered[ordered["label"].notna()]
    expected = source_split(fated["trajectory"].tolist(), fated["label"].astype(int).tolist())
    split = check_table(split_by(trajectories, unit="source_code", cells=cells), SPLIT, "s")
    assert parts_of(split) == expected
    assert set(split.loc[split["split"] == "unlabelled", "trajectory"]) == set(ordered.loc[ordered["label"].isna(), "trajectory"])
    for seed in (1, 2):  # random_state is the source's, whatever the project's seed
        pd.testing.assert_frame_equal(split_by(trajectories, unit="source_code", cells=cells, seed=seed), split)
    assert parts_of(split_by(trajectories, unit="source_code", cells=shuffled_cells(trajectories, 4))) != expected


def test_without_an_annotation_file_the_source_s_split_takes_the_order_of_the_table():
    trajectories = make_trajectories(n_recordings=40, usable=1.0)
    fated = trajectories[trajectories["label"].notna()]
    expected = source_split(fated["trajectory"].tolist(), fated["label"].astype(int).tolist())
    assert parts_of(split_by(trajectories, unit="source_code")) == expected


def test_the_source_s_split_is_stratified_before_the_length_filter():
    trajectories = make_trajectories(n_recordings=40, usable=0.5)
    cells = shuffled_cells(trajectories)
    everything = trajectories.assign(usable=trajectories["label"].notna())
    whole, kept = (parts_of(split_by(table, unit="source_code", cells=cells)) for table in (everything, trajectories))
    usable = set(trajectories.loc[trajectories["usable"], "trajectory"])
    assert kept == {name: members & usable for name, members in whole.items()}


def test_the_source_s_split_of_other_cells_than_those_of_the_annotation_file_is_an_error():
    trajectories = make_trajectories(n_recordings=40)
    cells = shuffled_cells(trajectories)
    with pytest.raises(InputError, match="recording r03 of the annotation file is not in the recordings sheet"):
        split_by(trajectories[trajectories["recording"] != "r03"], unit="source_code", cells=cells)
    with pytest.raises(InputError, match="recording r05 is not in the annotation file"):
        split_by(trajectories, unit="source_code", cells=cells[cells["recording"] != "r05"])
    lacking = cells[(cells["recording"] != "r05") | (cells["track_id"] != 7)]
    with pytest.raises(InputError, match="trajectory r05/7 is no cell of the annotation file"):
        split_by(trajectories, unit="source_code", cells=lacking)


def test_too_few_tracks_for_the_source_s_split_are_an_error_in_words():
    with pytest.raises(InputError, match="source_code, but 3 tracks with a fate cannot be split so: The"):
        source_parts(np.array([0, 1, 1]))
