"""The audit of a split: cells on both sides, what their relatives tell, and by how much that is optimistic."""

import numpy as np
import pandas as pd
import pytest

from cellfate.base.tables import check_table
from cellfate.evaluation.audit.split import audit_split, cells_of
from cellfate.evaluation.audit.words import RELATIVES, audit_lines, audit_notes
from cellfate.evaluation.tables import SPLIT_AUDIT

OUTCOMES = {"negative": "apoptosis", "positive": "mitosis"}


def data(*, sisters_alike, split_by, recordings=8, pairs=10, seed=0):
    """Pairs of sisters with one fate; rings tell nothing of fates, but sisters have nearly the same where ``sisters_alike``."""
    rng = np.random.default_rng(seed)
    rows, values = [], []
    for recording in range(recordings):
        for pair in range(pairs):
            label, look = int(rng.integers(2)), rng.normal(size=4)
            for sister in range(2):
                rows.append((f"r{recording}", 2 * pair + sister, f"r{recording}/p{pair}", label))
                values.append(look + 0.01 * rng.normal(size=4) if sisters_alike else rng.normal(size=4))
    table = pd.DataFrame(rows, columns=["recording", "track_id", "lineage", "label"])
    table["trajectory"] = table["recording"] + "/" + table["track_id"].astype(str)
    known = {"usable": True, "group": None, "first_frame": 0, "last_frame": 0, "n_frames": 1, "frame_interval_min": 30.0}
    trajectories = table.assign(**known)
    rings = pd.DataFrame(np.exp(np.array(values)), columns=list("abcd"))
    rings = pd.concat([table[["recording", "track_id"]], rings], axis=1).assign(frame=0)
    units = table[split_by].to_numpy() if split_by != "track" else np.arange(len(table))
    part = pd.Series(units).map({unit: rng.random() < 0.3 for unit in np.unique(units)})
    split = pd.DataFrame({"trajectory": table["trajectory"], "fold": 0, "split": np.where(part, "test", "train")})
    return trajectories, split, rings


def audit(unit="track", **options):
    return audit_split(cells_of(*data(**options)), OUTCOMES, unit, seed=0)


def test_sisters_on_both_sides_are_found_and_what_they_give_is_measured():
    table = check_table(audit(sisters_alike=True, split_by="track"), SPLIT_AUDIT, "audit")
    sisters = table[table["level"] == "lineage"].set_index("method")
    assert 0.5 < sisters["related"].iloc[0] < 0.95
    assert sisters.loc[RELATIVES, "own"] == 1, "sisters share their fates here"
    nearest = sisters.loc["rings, nearest cell"]
    assert nearest["own"] > 0.75
    assert abs(nearest["whole"] - 0.5) < 0.15
    assert nearest["ci_low"] > 0
    line = audit_lines(table)[0]
    assert line.startswith("The split puts cells of one lineage on both sides: ")
    assert f"{nearest['optimism']:+.2f}" in line
    assert "with a balanced accuracy of 1.00" in line


def test_where_sisters_do_not_look_alike_nothing_is_gained():
    gains = [audit(sisters_alike=False, split_by="track", seed=seed).set_index(["level", "method"])["optimism"] for seed in range(8)]
    nearest = [gain["lineage", "rings, nearest cell"] for gain in gains]
    assert abs(np.mean(nearest)) < 3 * np.std(nearest) / np.sqrt(len(nearest)) + 0.02


@pytest.mark.parametrize(("split_by", "unit", "left"), [("lineage", "lineage", {"recording"}), ("recording", "recording", set())])
def test_what_the_split_keeps_whole_is_not_in_the_table(split_by, unit, left):
    table = audit(unit, sisters_alike=True, split_by=split_by)
    assert set(table["level"]) == left
    assert len(audit_lines(table)) == len(left)


def test_one_recording_alone_cannot_be_kept_whole_and_that_is_said():
    table = audit(sisters_alike=True, split_by="track", recordings=1, pairs=30)
    of_recording = table[(table["level"] == "recording") & (table["method"] != RELATIVES)]
    assert (of_recording["reason"] == "there is one alone").all()
    of_lineage = table[(table["level"] == "lineage") & (table["method"] != RELATIVES)]
    assert of_lineage["reason"].str.contains("1 recording, at least 3 are needed").all()
    assert "not measured (there is one alone)" in audit_lines(table)[1]


def test_groups_on_both_sides_are_said_first_only_where_a_gain_is_shown():
    table = audit(sisters_alike=True, split_by="track")
    sisters = table[table["level"] == "lineage"].assign(level="group")
    assert audit_lines(sisters)[0].startswith("The split puts cells of one group on both sides: ")
    assert audit_notes(sisters) == []
    unclear = sisters.assign(ci_low=-0.1)
    assert audit_lines(unclear) == []
    assert audit_notes(unclear)[0].startswith("The split puts cells of one group on both sides: ")
    alone = sisters.assign(ci_low=np.nan, reason="there is one alone")
    assert audit_notes(alone) == ["All cells are of one group: what a score is worth in another one cannot be told."]


def grouped(groups, **changes):
    """Cells of eight recordings, split by track, whose ``groups`` may be missing; one look and one fate for each group."""
    trajectories, split, rings = data(sisters_alike=False, split_by="track")
    return trajectories.assign(group=trajectories["recording"].map(groups), **changes), split, rings


def test_recordings_without_a_group_are_left_out_of_groups_and_the_others_are_audited():
    whole = {f"r{i}": f"g{i % 3}" for i in range(8)}
    trajectories, split, rings = grouped({name: group for name, group in whole.items() if name != "r7"})
    found = check_table(audit_split(cells_of(trajectories, split, rings), OUTCOMES, "track", seed=0), SPLIT_AUDIT, "audit")
    kept = trajectories["recording"] != "r7"
    parts = (trajectories[kept], split[kept], rings[kept.to_numpy()])
    without = audit_split(cells_of(*parts), OUTCOMES, "track", seed=0)
    of_groups = [table[table["level"] == "group"].reset_index(drop=True) for table in (found, without)]
    assert len(of_groups[0]) == 3
    pd.testing.assert_frame_equal(*of_groups, check_dtype=False)
    tested = (split["split"] == "test").sum()
    assert (found.loc[found["level"] == "recording", "n_trajectories"] == tested).all()
    assert (of_groups[0]["n_trajectories"] == (split.loc[kept, "split"] == "test").sum()).all()


def test_groups_with_one_outcome_or_in_one_part_alone_are_no_error():
    trajectories, split, rings = grouped({"r0": "a", "r1": "b"})
    one = trajectories.assign(label=trajectories["label"].where(trajectories["group"].isna(), 1))
    found = audit_split(cells_of(one, split, rings), OUTCOMES, "track", seed=0)
    of_group = found[(found["level"] == "group") & (found["method"] != RELATIVES)]
    assert (of_group["reason"] == "outcomes of both kinds are needed").all()
    assert "not measured (outcomes of both kinds are needed)" in audit_notes(check_table(found, SPLIT_AUDIT, "audit"))[0]
    apart = split.assign(split=split["split"].where(trajectories["group"].isna(), "train"))
    assert "group" not in set(audit_split(cells_of(trajectories, apart, rings), OUTCOMES, "track", seed=0)["level"])
