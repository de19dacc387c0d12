"""Corrections by hand: what a file of them may say, and what it changes."""

import pandas as pd
import pytest
from toy_checked import FACTS, GIVEN, checked

from cellfate.base.errors import InputError
from cellfate.tracks.corrections.apply import corrected
from cellfate.tracks.corrections.rows import all_rows, correction_rows, without_lines

HEADER = "recording,track_id,what,was,outcome,event_frame,note"


def rows_of(folder, *lines):
    path = folder / "corrections.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return correction_rows(path, GIVEN)


def apply(folder, *lines):
    return corrected(checked(folder), rows_of(folder, *lines).get("r", []), str(folder / "corrections.csv"), FACTS, 2)


def test_rows_are_those_of_each_recording_with_their_lines(tmp_path):
    found = rows_of(tmp_path, 'r,1,outcome,mitosis,apoptosis,7,"late, but dead"', "s,5,track,censored,,,", "r,4,track,censored,,,")
    assert list(found) == ["r", "s"]
    assert [row["line"] for row in found["r"]] == [2, 4]
    assert found["r"][0] | {"line": 0} == {
        "line": 0,
        "recording": "r",
        "track_id": 1,
        "what": "outcome",
        "was": "mitosis",
        "outcome": "apoptosis",
        "event_frame": 7,
        "note": "late, but dead",
    }
    assert all(type(value) in (int, str, type(None)) for row in all_rows(found) for value in row.values())
    assert correction_rows(None, GIVEN) == {}


def test_a_row_taken_out_changes_nothing_of_other_recordings(tmp_path):
    rows = ("s,5,outcome,mitosis,censored,,", "r,1,outcome,mitosis,apoptosis,7,", "r,4,track,censored,,,")
    before, after = rows_of(tmp_path, *rows), rows_of(tmp_path, *rows[1:])
    assert before["r"] != after["r"]
    assert without_lines(before["r"]) == without_lines(after["r"])


def test_without_lines_a_row_is_named_by_its_track(tmp_path):
    row = without_lines(rows_of(tmp_path, "r,1,outcome,mitosis,apoptosis,7,")["r"])
    after = corrected(checked(tmp_path), row, "corrections.csv", FACTS, 2)
    assert after.sources.loc[after.sources["result"] == "used", "where"].iloc[-1] == "recording r, track_id 1"
    wrong = [{**row[0], "was": "apoptosis"}]
    with pytest.raises(InputError, match=r"corrections\.csv: recording r, track_id 1: was is 'apoptosis', but in its files track 1"):
        corrected(checked(tmp_path), wrong, "corrections.csv", FACTS, 2)


def test_a_corrected_outcome_takes_the_place_of_the_files(tmp_path):
    before, after = checked(tmp_path), apply(tmp_path, "r,1,outcome,mitosis,apoptosis,7,dead")
    track = after.outcomes.set_index("track_id").loc[1]
    assert (track["outcome"], track["event_frame"]) == ("apoptosis", 7)
    assert track["warning"] == "corrected by hand, was mitosis: dead"
    others = after.outcomes[after.outcomes["track_id"] != 1]
    pd.testing.assert_frame_equal(others, before.outcomes[before.outcomes["track_id"] != 1])
    pd.testing.assert_frame_equal(after.tracks, before.tracks)
    sources = after.sources[after.sources["track_id"] == 1]
    assert list(sources["result"]) == ["passed over", "used"]
    assert list(sources["where"])[-1] == "line 2"


def test_a_track_without_an_outcome_gets_one_and_one_with_it_loses_it(tmp_path):
    after = apply(tmp_path, "r,4,outcome,censored,apoptosis,6,", "r,3,outcome,apoptosis,censored,,")
    outcomes = after.outcomes.set_index("track_id")
    assert outcomes.loc[4, ["outcome", "event_frame"]].tolist() == ["apoptosis", 6]
    assert outcomes.loc[3, "outcome"] == "censored"
    assert pd.isna(outcomes.loc[3, "event_frame"])


def test_a_wrong_track_is_set_aside_and_its_daughters_stay_related(tmp_path):
    before, after = checked(tmp_path), apply(tmp_path, "r,1,track,mitosis,,,two cells")
    assert set(after.tracks["track_id"]) == set(after.outcomes["track_id"]) == {2, 3, 4}
    assert after.outcomes["parent_id"].isna().all()
    assert after.tracks["parent_id"].isna().all()
    lineages = [table.outcomes.set_index("track_id")["lineage"] for table in (before, after)]
    assert lineages[1].to_dict() == lineages[0].drop(1).to_dict()
    left = after.left_out.iloc[-1]
    assert (left["what"], left["track"], left["reason"]) == ("track", "1", "marked as wrong by hand: two cells")
    assert 1 not in set(after.sources["track_id"])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("q,1,outcome,mitosis,apoptosis,7,", "line 2: recording is 'q'; the recordings of the sheet are r, s, made"),
        ("made,1,outcome,mitosis,apoptosis,7,", "line 2: recording made has no given tracks"),
        ("r,1,fate,mitosis,apoptosis,7,", "line 2: what is 'fate', one of outcome, track is needed"),
        ("r,one,outcome,mitosis,apoptosis,7,", "line 2: track_id is 'one', a finite number is needed"),
        ("r,1,outcome,mitosis,,7,", "line 2: outcome is empty"),
        ("r,1,track,mitosis,apoptosis,,", "line 2: what is track, which sets the whole track aside"),
        ("r,1,outcome,,apoptosis,7,", "line 2: was is empty, a value is needed"),
        ("r,9,outcome,mitosis,apoptosis,7,", "line 2: track_id is 9, recording r has no such track"),
        ("r,1,outcome,apoptosis,mitosis,7,", "line 2: was is 'apoptosis', but in its files track 1 of r is mitosis"),
        ("r,4,outcome,censored,apoptosis,12,", "line 2: event_frame is 12: apoptosis at frame 12, 7 frames after the track's last (5)"),
        ("r,3,outcome,apoptosis,mitosis,2,", "event_frame is 2, before the track's start at frame 8"),
        ("r,4,outcome,censored,no_event_by_end,,", "outcome is no_event_by_end, but its last frame is 5"),
        ("r,2,outcome,no_event_by_end,mitosis,20,", "line 2: event_frame is 20, the recording's frames are 0 to 19"),
    ],
)
def test_a_row_that_does_not_fit_is_named_with_line_and_value(tmp_path, line, words):
    with pytest.raises(InputError) as error:
        apply(tmp_path, line)
    assert "corrections.csv" in str(error.value)
    assert words in str(error.value)


def test_a_track_stands_there_once(tmp_path):
    with pytest.raises(InputError, match="line 3: recording r, track_id 1 stands here for the second time"):
        rows_of(tmp_path, "r,1,outcome,mitosis,apoptosis,7,", "r,1,track,mitosis,,,")


def test_not_all_tracks_can_be_wrong(tmp_path):
    was = {1: "mitosis", 2: "no_event_by_end", 3: "apoptosis", 4: "censored"}
    with pytest.raises(InputError, match="all tracks of recording r are marked as wrong"):
        apply(tmp_path, *(f"r,{track},track,{outcome},,," for track, outcome in was.items()))


def test_a_file_that_is_none_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.csv: no such file"):
        correction_rows(tmp_path / "gone.csv", GIVEN)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"other\.csv: columns recording, track_id"):
        correction_rows(tmp_path / "other.csv", GIVEN)
