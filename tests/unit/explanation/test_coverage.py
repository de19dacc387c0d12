import numpy as np
import pandas as pd
import pytest

from cellfate.base.tables import check_table
from cellfate.explanation.coverage import coverage_captions, coverage_caveats, segmented_frames, tabulate_coverage
from cellfate.explanation.tables import SEGMENTATION_COVERAGE
from cellfate.segmentation.mask_file import writing_masks

FATES = {"negative": "apoptosis", "positive": "mitosis"}
KEY = ["recording", "track_id", "frame"]


def trajectories():
    """Two of each outcome of 9 frames from frame 4 on, the last without treatment, and one that is censored."""
    rows = pd.DataFrame({"track_id": range(5), "recording": "r0", "first_frame": 4, "last_frame": 12, "usable": True})
    return rows.assign(
        trajectory=[f"r0/{i}" for i in range(5)],
        label=pd.array([0, 0, 1, 1, None], "Int64"),
        treatment=["cisplatin", "cisplatin", "cisplatin", "none", "cisplatin"],
    )


def split():
    return pd.DataFrame({"trajectory": [f"r0/{i}" for i in range(5)], "fold": 0, "split": ["test", "train", "test", "test", "unlabelled"]})


def frames(tracks, first=4, last=12):
    return pd.DataFrame([("r0", track, frame) for track in tracks for frame in range(first, last + 1)], columns=KEY)


def tabulated(segmented, found, **changes):
    options = {"splits": ["test"], "treatment": "cisplatin"} | changes
    table = tabulate_coverage(segmented, found, trajectories(), split(), FATES, **options)
    return check_table(table, SEGMENTATION_COVERAGE, "test").set_index(["outcome", "phase"])


def test_shares_are_of_segmented_frames_by_outcome_and_third():
    found = frames([0, 1, 2, 3, 4]).query("not (track_id == 2 and frame > 6)")
    table = tabulated(frames([0, 1, 2, 3, 4], first=0, last=20), found)
    assert table.loc[("apoptosis", "whole track"), ["n_trajectories", "n_frames", "n_regions"]].tolist() == [1, 9, 9]
    assert table.loc["mitosis", "coverage"].tolist() == pytest.approx([1 / 3, 1, 0, 0])
    assert table.loc["mitosis", "n_frames"].tolist() == [9, 3, 3, 3]
    everyone = tabulated(frames([0, 1, 2, 3]), found, treatment=None, splits=["train", "test"])
    assert everyone.loc["mitosis", "n_regions"].tolist() == [12, 6, 3, 3]
    assert everyone.loc[("apoptosis", "whole track"), "n_trajectories"] == 2


def test_without_any_segmentation_nothing_is_claimed():
    table = tabulated(frames([]), frames([]))
    assert table["n_frames"].sum() == 0
    assert table["coverage"].isna().all()
    assert coverage_captions(table.reset_index()) == ["apoptosis: no frame was segmented", "mitosis: no frame was segmented"]
    assert coverage_caveats(table.reset_index()) == []


def test_the_caption_has_a_line_for_each_outcome_in_all_and_by_thirds():
    found = frames([0, 2]).query("not (track_id == 2 and frame > 9)")
    table = tabulated(frames([0, 2]), found).reset_index()
    died, divided = table.loc[table["phase"] == "whole track", "n_frames"]
    assert coverage_captions(table) == [
        f"apoptosis: cell found in 100 % of {died} frames of 1 tracks (thirds of the track: 100 %, 100 %, 100 %)",
        f"mitosis: cell found in 67 % of {divided} frames of 1 tracks (thirds of the track: 100 %, 100 %, 0 %)",
    ]


def test_the_caveat_names_outcome_and_phase():
    found = frames([0, 2]).query("not (track_id == 2 and frame > 9)")
    lines = coverage_caveats(tabulated(frames([0, 2]), found).reset_index())
    assert len(lines) == 2
    assert "most cells of “mitosis” in the last third (0 % of 3 frames)" in lines[0]
    assert (
        "(whole track: 100 % of “apoptosis” against 67 % of “mitosis”; last third: 100 % of “apoptosis” against 0 % of “mitosis”)"
        in lines[1]
    )
    assert coverage_caveats(tabulated(frames([0, 2]), frames([0, 2])).reset_index()) == []


def test_an_outcome_of_which_nothing_was_segmented_is_not_compared():
    assert coverage_caveats(tabulated(frames([0]), frames([0])).reset_index()) == []


def test_frames_of_mask_files(tmp_path):
    with writing_masks(tmp_path / "r0.h5", 3, 4, {"recording": "r0"}, {}) as writer:
        writer.add(7, np.arange(4, 7), np.zeros((3, 4, 4), np.uint16), np.full(3, -1, np.int8))
    with writing_masks(tmp_path / "r1.h5", 0, 4, {"recording": "r1"}, {}):
        pass
    table = segmented_frames([tmp_path / "r0.h5", tmp_path / "r1.h5"])
    assert table.to_numpy().tolist() == [["r0", 7, 4], ["r0", 7, 5], ["r0", 7, 6]]
