"""How likely trajectories are one cell, and those that are left out because they may not be."""

import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table, read_table, write_table
from cellfate.trajectories.confidence import DOUBTFUL, with_confidence
from cellfate.trajectories.selection import selection_flow
from cellfate.trajectories.split import split_trajectories
from cellfate.trajectories.tables import TRAJECTORIES


def trajectories() -> pd.DataFrame:
    """Twelve recordings of two trajectories with a fate, one that is long and has none, and one that is too short."""
    rows = []
    for r in range(12):
        for track, (outcome, n) in enumerate((("apoptosis", 20), ("mitosis", 20), ("censored", 20), ("mitosis", 5))):
            label = {"apoptosis": 0, "mitosis": 1}.get(outcome)
            reason = "outcome censored" if label is None else None if n > 10 else "not more than 10 frames"
            row = {"trajectory": f"r{r}/{track}", "recording": f"r{r}", "track_id": track, "lineage": f"r{r}/{track}", "outcome": outcome}
            row |= {"treatment": "none", "label": label, "first_frame": 0, "last_frame": n - 1, "n_frames": n, "frame_interval_min": 30.0}
            rows.append(row | {"usable": reason is None, "reason": reason, "group": None, "dose": None, "event_frame": None})
    return check_table(pd.DataFrame(rows), TRAJECTORIES, "trajectories")


def confidence(doubtful: dict[str, float]) -> pd.DataFrame:
    """Table track_confidence; all tracks are surely one cell until frame 3, then as likely as is said."""
    rows = []
    for row in trajectories().itertuples():
        for frame in (0, 4, 30):  # 30 is after the last frame that is kept
            said = 1.0 if frame == 0 else 0.01 if frame == 30 else doubtful.get(row.trajectory, 1.0)
            rows.append((row.recording, row.track_id, frame, said))
    return pd.DataFrame(rows, columns=["recording", "track_id", "frame", "confidence"])


def test_without_a_limit_all_stay_and_have_their_confidence(tmp_path):
    found = with_confidence(trajectories(), confidence({"r1/0": 0.3}), min_confidence=None)
    pd.testing.assert_frame_equal(found.drop(columns="confidence"), trajectories())
    assert found.set_index("trajectory").loc[["r1/0", "r1/1"], "confidence"].tolist() == [0.3, 1.0]
    write_table(found, tmp_path / "t.parquet", TRAJECTORIES)
    assert read_table(tmp_path / "t.parquet", TRAJECTORIES)["confidence"].tolist() == found["confidence"].tolist()


def test_doubtful_ones_are_left_out_counted_and_named(capsys):
    doubtful = {"r1/0": 0.3, "r2/1": 0.6, "r3/2": 0.1, "r4/3": 0.2, "r5/0": 0.8}
    found = with_confidence(trajectories(), confidence(doubtful), min_confidence=0.8)
    out = found[found["reason"] == DOUBTFUL]
    assert out["trajectory"].tolist() == ["r1/0", "r2/1", "r3/2"]  # r4/3 is too short for another reason, r5/0 at the limit
    assert not out["usable"].any()
    assert found["usable"].sum() == 22
    assert "2 of 24 trajectories with a fate and 1 without one are left out as doubtful" in capsys.readouterr().err
    totals = selection_flow(found).groupby("stage", sort=False)["n"].sum()
    assert totals.to_dict() == {"tracks": 48, "with a fate": 36, "long enough": 24, "likely one cell": 22}
    assert "likely one cell" not in set(selection_flow(trajectories())["stage"])


def test_doubtful_ones_are_in_no_part_of_the_split():
    found = with_confidence(trajectories(), confidence({"r1/0": 0.3, "r3/2": 0.1}), min_confidence=0.8)
    split = split_trajectories(found, unit="recording", folds=1, fractions=[0.6, 0.2, 0.2], seed=1, min_frames=10)
    assert not split["trajectory"].isin(["r1/0", "r3/2"]).any()
    assert (split["split"] == "unlabelled").sum() == 11


def test_a_limit_that_leaves_one_outcome_is_an_error_with_numbers():
    doubtful = {f"r{r}/0": 0.3 + r / 100 for r in range(12)}
    with pytest.raises(InputError, match=r"min_confidence is 0\.9: .*not both outcomes.*apoptosis 0\.41"):
        with_confidence(trajectories(), confidence(doubtful), min_confidence=0.9)
