from functools import partial

import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table, write_table
from cellfate.tracks.tables import OUTCOMES, TRACKS
from cellfate.trajectories.selection import not_compared, read_tracks_and_outcomes, select_trajectories, selection_flow
from cellfate.trajectories.tables import TRAJECTORIES

NAMES = {"negative": "apoptosis", "positive": "mitosis"}
select_from = partial(select_trajectories, min_frames=10, cut_at_event=True)


def make_sheet(*recordings):
    rows = [(name, f"images/{name}", "tracks.csv", "csv", None, None, None, 30.0, None, "p53", None) for name in recordings]
    columns = ["recording", "images", "tracks", "tracks_format", "treatment", "dose", "treatment_start_h", "frame_interval_min"]
    sheet = pd.DataFrame(rows, columns=[*columns, "pixel_size_um", "channels", "group"])
    sheet.loc[sheet.index[0], ["treatment", "dose"]] = ["cisplatin", "high"]
    return sheet


def make_tracks(*tracks):
    """Tracks and outcomes from (recording, track_id, frames, outcome, event_frame)."""
    frames = [(r, i, None, f, 1.0, 1.0) for r, i, fs, _, _ in tracks for f in fs]
    rows = [(r, i, None, f"{r}/{i}", min(fs), max(fs), len(fs), o, e, None) for r, i, fs, o, e in tracks]
    columns = list(OUTCOMES.columns)
    frames = pd.DataFrame(frames, columns=["recording", "track_id", "parent_id", "frame", "y", "x"])
    return frames, check_table(pd.DataFrame(rows, columns=columns), OUTCOMES, OUTCOMES)


@pytest.fixture
def example():
    return make_tracks(
        ("a", 1, range(12), "mitosis", 12),
        ("a", 2, range(14), "apoptosis", 12),  # two frames at and after the event
        ("a", 3, [5, 6, 7, 9, *range(11, 20)], "mitosis", 19),  # gaps at 8 and 10
        ("a", 4, range(10), "apoptosis", 10),
        ("b", 1, range(30), "censored", None),
    )


def test_trajectories_are_labelled_cut_and_judged(example):
    table = check_table(select_from(make_sheet("a", "b"), *example, NAMES), TRAJECTORIES, "t").set_index("trajectory")
    assert list(table.index) == ["a/1", "a/2", "a/3", "a/4", "b/1"]
    assert list(table["n_frames"]) == [12, 12, 12, 10, 30]
    assert list(table["last_frame"]) == [11, 11, 18, 9, 29]
    assert list(table["first_frame"]) == [0, 0, 5, 0, 0]
    assert table["label"].tolist()[:4] == [1, 0, 1, 0]
    assert pd.isna(table.loc["b/1", "label"])
    assert list(table["usable"]) == [True, True, True, False, False]
    assert table["reason"].tolist() == [None, None, None, "not more than 10 frames", "outcome censored"]
    assert list(table["treatment"]) == ["cisplatin"] * 4 + ["none"]


def test_without_the_cut_all_frames_stay(example):
    table = select_from(make_sheet("a", "b"), *example, NAMES, cut_at_event=False).set_index("trajectory")
    assert list(table["n_frames"]) == [12, 14, 13, 10, 30]
    assert list(table["last_frame"]) == [11, 13, 19, 9, 29]


def test_a_track_that_begins_with_its_event_is_kept_as_a_row_without_frames():
    tracks = make_tracks(("a", 1, range(12), "mitosis", 12), ("a", 2, range(12), "apoptosis", 12), ("a", 3, range(20), "mitosis", 0))
    row = check_table(select_from(make_sheet("a"), *tracks, NAMES), TRAJECTORIES, "t").iloc[2]
    assert (row["n_frames"], row["usable"]) == (0, False)


def test_no_event_by_the_end_can_be_an_outcome():
    tracks = make_tracks(("a", 1, range(20), "slippage", 20), ("a", 2, range(30), "no_event_by_end", None))
    table = select_from(make_sheet("a"), *tracks, {"negative": "slippage", "positive": "no_event_by_end"})
    assert table["label"].tolist() == [0, 1]
    assert table["usable"].all()


def test_one_class_only_is_an_error_with_counts(example):
    tracks, outcomes = example
    late = (tracks["track_id"] == 2) & (tracks["frame"] > 4)
    with pytest.raises(InputError, match=r"apoptosis 0, mitosis 2.*apoptosis 2, censored 1, mitosis 2"):
        select_from(make_sheet("a", "b"), tracks[~late], outcomes, NAMES)
    words = r"2 with apoptosis are too short; the longest of these has 10 frames \(a/4\)\. More than 10 are needed as crops\.min_frames"
    with pytest.raises(InputError, match=words):
        select_from(make_sheet("a", "b"), tracks[~late], outcomes, NAMES)


def test_a_mistyped_outcome_names_those_that_were_found(example):
    with pytest.raises(InputError, match=r"divided 0.*Outcomes of all tracks: apoptosis 2"):
        select_from(make_sheet("a", "b"), *example, {"negative": "apoptosis", "positive": "divided"})


def test_missing_and_unknown_recordings_are_errors(example):
    with pytest.raises(InputError, match="no tracks for recording c"):
        select_from(make_sheet("a", "b", "c"), *example, NAMES)
    with pytest.raises(InputError, match="recording b not in the recordings sheet"):
        select_from(make_sheet("a"), *example, NAMES)


def test_flow_counts_by_stage_outcome_and_treatment(example):
    flow = selection_flow(select_from(make_sheet("a", "b"), *example, NAMES))
    counts = {(r.stage, r.outcome, r.treatment): r.n for r in flow.itertuples()}
    assert counts == {
        ("tracks", "apoptosis", "cisplatin"): 2,
        ("tracks", "mitosis", "cisplatin"): 2,
        ("tracks", "censored", "none"): 1,
        ("with a fate", "apoptosis", "cisplatin"): 2,
        ("with a fate", "mitosis", "cisplatin"): 2,
        ("long enough", "apoptosis", "cisplatin"): 1,
        ("long enough", "mitosis", "cisplatin"): 2,
    }


def test_files_of_all_recordings_are_joined(tmp_path, example):
    tracks, outcomes = example
    paths = []
    for name in ("a", "b"):
        write_table(tracks[tracks["recording"] == name], tmp_path / f"{name}.parquet", TRACKS)
        write_table(outcomes[outcomes["recording"] == name], tmp_path / f"{name}.outcomes.parquet", OUTCOMES)
        paths.append((tmp_path / f"{name}.parquet", tmp_path / f"{name}.outcomes.parquet"))
    read, read_outcomes = read_tracks_and_outcomes(*zip(*paths, strict=True))
    assert list(read.index) == list(range(len(tracks)))  # rows of several recordings have numbers of their own
    assert list(read["recording"].unique()) == ["a", "b"]
    assert list(read_outcomes["recording"]) == ["a", "a", "a", "a", "b"]


def test_outcomes_that_are_not_compared_are_named_with_what_was_meant():
    counts = pd.Series({"mitosis": 5, "apoptotis": 6, "senescence": 2, "censored": 9, "no_event_by_end": 3})
    warning = not_compared(counts, ["apoptosis", "mitosis"])
    assert warning.endswith("censored: apoptotis (6, mistyped apoptosis?), senescence (2)")
    assert not_compared(counts.drop(["apoptotis", "senescence"]), ["apoptosis", "mitosis"]) is None
