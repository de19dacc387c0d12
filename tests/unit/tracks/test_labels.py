"""Labels that people gave: what a file of them may say, and which tracks they give an outcome to."""

import pandas as pd
import pytest
from toy_checked import FACTS, GIVEN, checked

from cellfate.base.errors import InputError
from cellfate.tracks.labels.apply import labelled
from cellfate.tracks.labels.digest import track_digests
from cellfate.tracks.labels.rows import label_files, label_rows

WORDS = ("apoptosis", "mitosis", "slippage")
HEADER = "by,at,recording,track_id,outcome,event_frame,note,data"
AT = "2026-11-29T10:00:00Z"


def write(folder, *lines, name="labels-anna.csv"):
    """A file of labels from ``by,recording,track_id,outcome,event_frame,note``; ``data`` is that of the toy's track."""
    digests = track_digests(checked(folder).tracks)
    rows = [HEADER]
    for line in lines:
        by, recording, track, *rest = line.split(",")
        rows.append(",".join([by, AT, recording, track, *rest, digests.get(int(track), "t0") if track.isdigit() else "t0"]))
    (folder / name).write_text("\n".join(rows) + "\n")
    return folder / name


def apply(folder, *files):
    return labelled(checked(folder), label_rows(files, GIVEN, WORDS).get("r", []), FACTS, 2)


def test_a_track_without_an_outcome_gets_that_of_its_label(tmp_path):
    before, after = checked(tmp_path), apply(tmp_path, write(tmp_path, "anna,r,4,apoptosis,6,shrinks"))
    track = after.outcomes.set_index("track_id").loc[4]
    assert (track["outcome"], track["event_frame"]) == ("apoptosis", 6)
    assert track["warning"] == "labelled apoptosis by anna: shrinks"
    pd.testing.assert_frame_equal(after.tracks, before.tracks)
    others = [table.outcomes[table.outcomes["track_id"] != 4] for table in (before, after)]
    pd.testing.assert_frame_equal(*others)
    sources = after.sources[after.sources["track_id"] == 4]
    assert list(sources["result"]) == ["passed over", "used"]
    assert list(sources["said"])[-1] == "apoptosis"


@pytest.mark.parametrize(
    ("line", "track", "outcome"),
    [
        ("anna,r,2,neither,,", 2, "no_event_by_end"),  # it reaches the last frame
        ("anna,r,4,neither,,", 4, "censored"),  # it is lost before
        ("anna,r,2,cannot_tell,,", 2, "censored"),
        ("anna,r,1,mitosis,3,", 1, "mitosis"),  # as its files say
        ("anna,r,1,cannot_tell,,", 1, "mitosis"),
    ],
)
def test_what_neither_and_cannot_tell_mean(tmp_path, line, track, outcome):
    after = apply(tmp_path, write(tmp_path, line)).outcomes.set_index("track_id").loc[track]
    assert after["outcome"] == outcome
    assert pd.isna(after["event_frame"]) or after["event_frame"] == 8  # that of the files


@pytest.mark.parametrize(
    ("ben", "outcome", "words"),
    [
        ("ben,r,4,apoptosis,5,", "apoptosis", "labelled apoptosis by anna; labelled apoptosis by ben"),
        ("ben,r,4,mitosis,6,", "censored", "censored, as the two disagree"),
        ("ben,r,4,apoptosis,2,", "censored", "censored, as the two disagree"),
        ("ben,r,4,cannot_tell,,", "censored", "labelled cannot_tell by ben"),
    ],
)
def test_two_people_must_agree(tmp_path, ben, outcome, words):
    files = write(tmp_path, "anna,r,4,apoptosis,6,"), write(tmp_path, ben, name="labels-ben.csv")
    track = apply(tmp_path, *files).outcomes.set_index("track_id").loc[4]
    assert track["outcome"] == outcome
    assert words in track["warning"]
    assert pd.isna(track["event_frame"]) == (outcome == "censored")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("anna,q,4,apoptosis,6,", "line 2: recording is 'q'; the recordings of the sheet are r, s, made"),
        ("anna,made,4,apoptosis,6,", "line 2: recording made has no given tracks"),
        ("anna,r,one,apoptosis,6,", "line 2: track_id is 'one', a finite number is needed"),
        ("anna,r,4,apotosis,6,", "line 2: outcome is 'apotosis', one of apoptosis, mitosis, slippage, neither, cannot_tell is needed"),
        ("anna,r,4,apoptosis,,", "line 2: event_frame is empty, the first frame that shows the event (apoptosis) is needed"),
        ("anna,r,4,neither,3,", "line 2: event_frame is 3, with outcome neither it must be empty"),
        (",r,4,neither,,", "line 2: by is empty, a value is needed"),
        ("an</a,r,4,neither,,", "line 2: by is 'an</a'"),
        ("anna,r,9,neither,,", "track_id 9: recording r has no such track"),
        ("anna,r,1,apoptosis,8,", "track_id 1: outcome is apoptosis, but it is mitosis in its files"),
        ("anna,r,1,neither,,", "track_id 1: outcome is neither, but it is mitosis in its files"),
        ("anna,r,4,apoptosis,12,", "event_frame is 12: apoptosis at frame 12, 7 frames after the track's last (5)"),
        ("anna,r,2,apoptosis,3,", "event_frame is 3, before the track's start at frame 8"),
        ("anna,r,2,mitosis,20,", "event_frame is 20, the recording's frames are 0 to 19"),
    ],
)
def test_a_row_that_does_not_fit_is_named(tmp_path, line, words):
    with pytest.raises(InputError) as error:
        apply(tmp_path, write(tmp_path, line))
    assert "labels-anna.csv" in str(error.value)
    assert words in str(error.value)


def test_labels_of_another_track_with_the_same_number_are_refused(tmp_path):
    path = write(tmp_path, "anna,r,4,apoptosis,6,")
    moved = checked(tmp_path)
    rows = moved.tracks["track_id"] == 4
    moved.tracks.loc[rows, "x"] += 3
    with pytest.raises(InputError, match=r"track_id 4: data is 't.*another track was labelled"):
        labelled(moved, label_rows([path], GIVEN, WORDS)["r"], FACTS, 2)
    moved.tracks.loc[rows, "x"] -= 3 + 1e-9
    assert (labelled(moved, label_rows([path], GIVEN, WORDS)["r"], FACTS, 2).outcomes["outcome"] == "apoptosis").sum() == 2


def test_one_person_labels_a_track_once(tmp_path):
    files = write(tmp_path, "anna,r,4,apoptosis,6,"), write(tmp_path, "anna,r,4,apoptosis,6,", name="labels-again.csv")
    with pytest.raises(InputError, match=r"labels-again\.csv: line 2: anna has labelled track 4 of r in .*labels-anna\.csv too"):
        label_rows(files, GIVEN, WORDS)
    with pytest.raises(InputError, match="line 3: by anna, recording r, track_id 4 stands here for the second time"):
        label_rows([write(tmp_path, "anna,r,4,neither,,", "anna,r,4,neither,,")], GIVEN, WORDS)


def test_rows_of_another_recording_change_nothing_here(tmp_path):
    one = label_rows([write(tmp_path, "anna,r,4,neither,,")], GIVEN, WORDS)["r"]
    assert label_rows([write(tmp_path, "anna,s,1,neither,,", "anna,r,4,neither,,")], GIVEN, WORDS)["r"] == one


def test_files_are_none_one_or_several():
    assert (label_files(None), label_files("a.csv"), label_files(["a.csv", "b.csv"])) == ([], ["a.csv"], ["a.csv", "b.csv"])
