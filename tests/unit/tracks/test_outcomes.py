import json
from dataclasses import asdict

import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.tracks.formats import FORMATS
from cellfate.tracks.outcomes import check_tracks, read_tracks
from cellfate.tracks.raw import RecordingFacts
from cellfate.tracks.statements import AS_IN_THE_FILE, OutcomesFrom
from cellfate.tracks.tables import TRACKS

SHAPE = (60, 80)
N_FRAMES = 10


def coco(tmp_path, cells):
    """``cells``: {cell: (frames, death, division)}."""
    images = [{"id": frame, "video_id": 1, "frame_id": frame} for frame in range(N_FRAMES + 3)]
    annotations = [
        {
            "id": 1000 * cell + frame,
            "image_id": frame,
            "category_id": 1,
            "bbox": [0.5, 0.5 + cell / 1000, 0.1, 0.1],
            "cell_id": cell,
            "time_of_death": death,
            "time_of_division": division,
        }
        for cell, (frames, death, division) in cells.items()
        for frame in frames
    ]
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"videos": [{"id": 1, "name": "r"}], "images": images, "annotations": annotations}))
    return path


def read_coco(tmp_path, cells, event_gap=2):
    tracks, outcomes = read_tracks(coco(tmp_path, cells), "coco-video", RecordingFacts("r", N_FRAMES, SHAPE), event_gap)
    return tracks, outcomes.set_index("track_id")


def csv(tmp_path, tracks, outcomes=None):
    path = tmp_path / "t.csv"
    path.write_text(tracks)
    if outcomes is not None:
        (tmp_path / "t_outcomes.csv").write_text(outcomes)
    return path


def read_csv(tmp_path, tracks, outcomes=None, event_gap=2):
    tracks, outcomes = read_tracks(csv(tmp_path, tracks, outcomes), "csv", RecordingFacts("r", N_FRAMES, SHAPE), event_gap)
    return tracks, outcomes.set_index("track_id")


def rows(track, first, last, header="track_id,frame,y,x\n"):
    return header + "".join(f"{track},{frame},{frame + 0.5},{20 + track}\n" for frame in range(first, last + 1))


def test_coco_outcomes(tmp_path):
    tracks, outcomes = read_coco(
        tmp_path,
        {
            1: (range(5), None, 5),
            2: (range(2, 7), 7, None),
            3: (range(5, 10), None, None),
            4: (range(4), None, None),
            5: (range(6), 6, 4),
            6: (range(5, 9), None, None),
        },
    )
    assert outcomes["outcome"].to_dict() == {
        1: "mitosis",
        2: "apoptosis",
        3: "no_event_by_end",
        4: "censored",
        5: "apoptosis",
        6: "censored",
    }
    assert outcomes["event_frame"].fillna(-1).to_dict() == {1: 5, 2: 7, 3: -1, 4: -1, 5: 6, 6: -1}
    assert outcomes.loc[5, "warning"] == "mitosis at frame 4 is given as well: apoptosis counts"
    assert outcomes.drop(5)["warning"].isna().all()
    assert outcomes[["first_frame", "last_frame", "n_frames"]].loc[2].tolist() == [2, 6, 5]
    assert len(tracks) == 5 + 5 + 5 + 4 + 6 + 4
    assert tracks["y"].tolist() == pytest.approx(30 + 0.06 * tracks["track_id"])
    assert (tracks["x"] == 40).all()
    check_table(tracks, TRACKS, "again")


@pytest.mark.parametrize(
    ("event", "gap", "outcome", "warning"),
    [
        (5, 2, "mitosis", None),
        (6, 2, "mitosis", None),
        (7, 2, "censored", "mitosis at frame 7, 3 frames after the track's last (4): censored"),
        (7, 3, "mitosis", None),
        (5, 0, "censored", "mitosis at frame 5, 1 frames after the track's last (4): censored"),
        (4, 0, "mitosis", None),
        (2, 2, "mitosis", None),
        (1, 2, "mitosis", "mitosis at frame 1, but the track goes on to frame 4"),
        (0, 2, "mitosis", "mitosis at frame 0, but the track goes on to frame 4"),
    ],
)
def test_event_against_the_end_of_the_track(tmp_path, event, gap, outcome, warning):
    _, outcomes = read_coco(tmp_path, {1: (range(5), None, event)}, event_gap=gap)
    found = outcomes.loc[1]
    assert found["outcome"] == outcome
    assert found["warning"] == warning
    assert (found["event_frame"] is pd.NA) if outcome == "censored" else (found["event_frame"] == event)


def test_a_gap_in_a_track_is_allowed(tmp_path):
    _, outcomes = read_coco(tmp_path, {1: ([0, 1, 5, 9], None, None)})
    assert outcomes.loc[1, ["first_frame", "last_frame", "n_frames", "outcome"]].tolist() == [0, 9, 4, "no_event_by_end"]


def test_coco_frame_beyond_the_images(tmp_path):
    with pytest.raises(InputError, match=r"annotation 1010: frame of track 1 is 10, the recording's frames are 0 to 9 \(1 of 2"):
        read_coco(tmp_path, {1: ([9, 10], None, None)})


def test_coco_cell_twice_in_a_frame(tmp_path):
    with pytest.raises(InputError, match=r"annotation 1004: track 1 is in frame 4 already \(annotation 1004\)"):
        read_coco(tmp_path, {1: ([3, 4, 4], None, None)})


def test_csv_outcomes(tmp_path):
    tracks, outcomes = read_csv(
        tmp_path,
        rows(3, 0, 4) + rows(1, 5, 9, "") + rows(2, 5, 9, "") + rows(7, 5, 8, "") + rows(8, 2, 3, ""),
        "track_id,outcome,event_frame\n3,slippage,5\n1,no_event_by_end,\n7,left_field,\n2,,\n",
    )
    assert outcomes["outcome"].to_dict() == {1: "no_event_by_end", 2: "no_event_by_end", 3: "slippage", 7: "left_field", 8: "censored"}
    assert outcomes["event_frame"].fillna(-1).to_dict() == {1: -1, 2: -1, 3: 5, 7: -1, 8: -1}
    assert outcomes.loc[7, "warning"] == "left_field without event_frame: the whole track is kept"
    assert outcomes["lineage"].to_dict() == {track: f"r/{track}" for track in (1, 2, 3, 7, 8)}
    assert tracks[["track_id", "frame"]].values.tolist()[:6] == [[1, 5], [1, 6], [1, 7], [1, 8], [1, 9], [2, 5]]
    assert tracks["y"].iloc[0] == 5.5


def test_an_explicit_censored_stands_even_at_the_last_frame(tmp_path):
    _, outcomes = read_csv(tmp_path, rows(1, 5, 9), "track_id,outcome,event_frame\n1,censored,\n")
    assert outcomes.loc[1, "outcome"] == "censored"


def test_warnings_are_counted_aloud(tmp_path, capsys):
    outcomes = "track_id,outcome,event_frame\n1,mitosis,9\n2,mitosis,4\n"
    read_csv(tmp_path, rows(1, 0, 3) + rows(2, 0, 3, header=""), outcomes)
    expected = "t.csv: 1 of 2 tracks have a warning, the first: track 1: mitosis at frame 9, 6 frames after the track's last (3)"
    assert f"{expected}: censored (t_outcomes.csv, line 2)" in capsys.readouterr().err, "the place of the value, in the table of outcomes"


def test_csv_without_outcomes_says_so(tmp_path, capsys):
    _, outcomes = read_csv(tmp_path, rows(1, 5, 9) + rows(2, 0, 3, ""))
    assert outcomes["outcome"].tolist() == ["no_event_by_end", "censored"]
    assert "no t_outcomes.csv beside it" in capsys.readouterr().err


def test_csv_of_several_recordings(tmp_path):
    header = "recording,track_id,parent_id,frame,y,x\n"
    path = csv(tmp_path, header + "q,1,,0,1,1\nr,1,,3,2,2\n", "recording,track_id,outcome,event_frame\nq,1,dead,1\nr,1,dead,4\n")
    _, outcomes = read_tracks(path, "csv", RecordingFacts("r", N_FRAMES, SHAPE), 2)
    assert outcomes["event_frame"].tolist() == [4]
    with pytest.raises(InputError, match=r"no row is of recording 's': the column recording has 'q', 'r'"):
        read_tracks(path, "csv", RecordingFacts("s", N_FRAMES, SHAPE), 2)


def test_lineage_through_parents_continuations_and_labels(tmp_path):
    body = "".join(f"{track},{parent},{frame},1,1\n" for track, parent, frame in [
        (5, "", 0), (6, 5, 1), (7, 5, 1), (8, 6, 2),  # 5 -> 6, 7; 6 -> 8
        (1, "", 3), (2, "", 4), (98, "", 9), (99, "", 9),  # 1 goes on as 99, which 2 goes on as too
        (10, "", 5), (11, "", 5),  # the same label
        (12, 40, 6), (13, 40, 6),  # sisters whose mother was not tracked
        (20, "", 7),
        (31, "", 8), (30, "", 9),  # 31 starts first and goes on as 30
    ])  # fmt: skip
    fates = "track_id,outcome,event_frame,continues_as,lineage\n1,,,99,\n2,,,98;99,\n10,,,,A\n11,,,,A\n20,,,,B\n31,,,30,\n"
    _, outcomes = read_csv(tmp_path, "track_id,parent_id,frame,y,x\n" + body, fates)
    founders = {98: 1, 99: 1, 5: 5, 6: 5, 7: 5, 8: 5, 1: 1, 2: 1, 10: 10, 11: 10, 12: 12, 13: 12, 20: 20, 30: 31, 31: 31}
    assert outcomes["lineage"].to_dict() == {track: f"r/{founder}" for track, founder in founders.items()}
    assert outcomes["parent_id"].fillna(-1).to_dict()[8] == 6


@pytest.mark.parametrize(
    ("tracks", "message"),
    [
        ("track_id,frame,y,x\n1,0,nan,2\n", "line 2: y of track 1 is nan, a finite number"),
        ("track_id,frame,y,x\n1,0,1,2\n\n1,1,1,inf\n", "line 4: x of track 1 is inf, a finite number"),
        ("track_id,frame,y,x\n1,0,1,80.5\n", "line 2: x of track 1 is 80.5, outside the image, 0 to 80"),
        ("track_id,frame,y,x\n1,0,61,2\n", "line 2: y of track 1 is 61, outside the image, 0 to 60"),
        ("track_id,frame,y,x\n1,0,-1,2\n", "line 2: y of track 1 is -1, outside"),
        ("track_id,frame,y,x\n1,0,,2\n", "line 2: y is '', a number is needed"),
        ("track_id,frame,y,x\n1,0,1;5,2\n", "line 2: y is '1;5', a number is needed"),
        ("track_id,frame,y,x\n1,0,1,2\n1,1.5,1,2\n", "line 3: frame is '1.5', a whole number"),
        ("track_id,frame,y,x\n-1,0,1,2\n", "line 2: track_id is '-1', a whole number from 0"),
        ("track_id,frame,y,x\n1,nan,1,2\n", "line 2: frame is 'nan'"),
        ("track_id,frame,y,x\n1,10,1,2\n", "line 2: frame of track 1 is 10, the recording's frames are 0 to 9"),
        ("track_id,frame,y,x\n1,0,1,2\n2,0,1,2\n1,0,3,2\n", r"line 4: track 1 is in frame 0 already \(line 2\)"),
        ("track_id,frame,y,x\n", "recording r is empty: no tracks"),
        ("", "not readable as a CSV table"),
        ("track_id;frame;y;x\n1;0;1,5;2\n", "line 1: separated by ';'\\? Commas are needed"),
        ("track_id\tframe\ty\tx\n1\t0\t1\t2\n", r"line 1: separated by '\\t'\? Commas are needed"),
        ("track_id,frame,y,x\n1,0,1,2,3\n", "not readable as a CSV table"),
        ("track_id,frame,y\n1,0,1\n", "column x missing; needed are .*; found track_id, frame, y"),
        ("track_id,frame,y,x,x\n1,0,1,2,3\n", "line 1: two columns are named x, so it is not clear which one counts"),
        ('track_id,frame,y,x\n1,0,1,"2\n', "not readable as a CSV table: a quotation mark in line 2 is not closed"),
        ("track_id,frame,y,x\n1,0,1,2\n1,1,1,2,3,4\n", "not readable as a CSV table: line 3 has 6 values, the header has 4 columns"),
        ("track_id,frame,y,x,area\n1,0,1,2,3\n", "unknown column area"),
        ("track_id,parent_id,frame,y,x\n1,,0,1,2\n1,4,1,1,2\n", "line 3: parent_id of track 1 is 4, none in an earlier frame"),
        ("track_id,parent_id,frame,y,x\n1,2,0,1,2\n2,1,0,1,2\n", "track 1 with parent_id 2 is its own ancestor"),
    ],
)
def test_bad_csv_tracks(tmp_path, tracks, message):
    with pytest.raises(InputError, match=f"t.csv: {message}"):
        read_csv(tmp_path, tracks, "track_id,outcome,event_frame\n")


@pytest.mark.parametrize(
    ("fates", "message"),
    [
        ("1,dead,5\n1,alive,6\n", r"line 3: track 1 has two fates, alive and dead \(line 2\)"),
        ("1,dead,1\n", "line 2: track 1: event_frame is 1, before the track's start at frame 2"),
        ("1,no_event_by_end,\n", r"line 2: track 1: outcome is no_event_by_end, but its last frame is 6, not the recording's last \(9\)"),
        ("1,no_event_by_end,9\n", "line 2: track 1: event_frame is 9, with outcome no_event_by_end it must be empty"),
        ("1,censored,5\n", "line 2: track 1: event_frame is 5, with outcome censored"),
        ("1,,5\n", "line 2: event_frame of track 1 is 5, but no outcome is given"),
        ("1,dead,later\n", "line 2: event_frame is 'later'"),
        ("1,dead,5.5\n", "line 2: event_frame is '5.5'"),
        ("3,dead,5\n", "line 2: track_id is 3, there is no such track"),
    ],
)
def test_bad_csv_outcomes(tmp_path, fates, message):
    with pytest.raises(InputError, match=f"t_outcomes.csv: {message}"):
        read_csv(tmp_path, rows(1, 2, 6), "track_id,outcome,event_frame\n" + fates)


def test_outcomes_separated_by_semicolons(tmp_path):
    with pytest.raises(InputError, match=r"t_outcomes.csv: line 1: separated by ';'\? Commas are needed"):
        read_csv(tmp_path, rows(1, 2, 6), "track_id;outcome;event_frame\n1;dead;5\n")


def test_bad_continuation(tmp_path):
    with pytest.raises(InputError, match=r"line 2: continues_as is '7,8', track ids separated by ';'"):
        read_csv(tmp_path, rows(1, 2, 6), 'track_id,outcome,event_frame,continues_as\n1,,,"7,8"\n')


FAMILY = "track_id,parent_id,frame,y,x\n" + "".join(
    f"{track},{parent},{frame},{frame + 0.5},{5 + 7 * track}\n"
    for track, parent, first, last in [
        (1, "", 0, 3),
        (2, 1, 4, 9),
        (3, 1, 4, 9),
        (4, "", 0, 4),
        (5, 4, 5, 9),
        (6, 4, 6, 9),
        (7, "", 0, 4),
        (8, 7, 5, 9),
    ]
    for frame in range(first, last + 1)
)


def outcomes_of(tmp_path, fates, **outcomes_from):
    path = csv(tmp_path, FAMILY, "track_id,outcome,event_frame\n" + fates)
    checked = check_tracks(path, "csv", RecordingFacts("r", N_FRAMES, SHAPE), 2, OutcomesFrom(**(asdict(AS_IN_THE_FILE) | outcomes_from)))
    return checked.outcomes.set_index("track_id")


def test_words_of_other_programs_become_outcomes(tmp_path):
    outcomes = outcomes_of(tmp_path, "2,Dead,7\n3,alive at end,\n", words={"Dead": "apoptosis", "alive at end": "no_event_by_end"})
    assert outcomes.loc[[2, 3], "outcome"].tolist() == ["apoptosis", "no_event_by_end"]
    assert outcomes.loc[2, "event_frame"] == 7


def test_a_track_with_two_daughters_ends_in_a_division_where_that_is_asked_for(tmp_path):
    assert outcomes_of(tmp_path, "").loc[[1, 4, 7], "outcome"].tolist() == ["censored"] * 3
    outcomes = outcomes_of(tmp_path, "", divisions="mitosis")
    assert outcomes.loc[[1, 4, 7], "outcome"].tolist() == ["mitosis", "mitosis", "censored"]
    assert outcomes.loc[[1, 4], "event_frame"].tolist() == [4, 5]
    assert outcomes.loc[1, "warning"] == "mitosis taken from its daughters 2, 3, the first in frame 4"
    assert outcomes.loc[7, "warning"] is None


def test_a_fate_that_disagrees_with_the_daughters_is_censored(tmp_path):
    outcomes = outcomes_of(tmp_path, "1,apoptosis,4\n4,Division,5\n", divisions="mitosis", words={"Division": "mitosis"})
    assert outcomes.loc[[1, 4], "outcome"].tolist() == ["censored", "mitosis"]
    assert outcomes.loc[1, "warning"] == (
        "apoptosis at frame 4 (t_outcomes.csv, line 2), but mitosis at frame 4 (t.csv, daughters 2, 3): censored, as the two disagree"
    )
    assert outcomes.loc[4, "warning"] is None
    assert outcomes_of(tmp_path, "1,censored,\n", divisions="mitosis").loc[1, "outcome"] == "censored"


def test_unknown_format_and_missing_file(tmp_path):
    names = "coco-video, csv, ctc, trackmate, btrack, cell-acdc, celldetective, geff, napari"
    with pytest.raises(InputError, match=rf"tracks_format is 'xml', one of {names} is needed"):
        read_tracks(tmp_path / "t.xml", "xml", RecordingFacts("r", N_FRAMES, SHAPE), 2)
    for tracks_format in FORMATS:
        with pytest.raises(InputError, match=r"t.none: no such (file|folder)"):
            read_tracks(tmp_path / "t.none", tracks_format, RecordingFacts("r", N_FRAMES, SHAPE), 2)


def test_what_tracks_say_of_frames_that_are_left_out_is_left_out(tmp_path, capsys):
    rows = [f"{track},{frame},5,5" for track, frames in ((1, range(10)), (2, range(4)), (3, range(8, 10))) for frame in frames]
    (tmp_path / "t.csv").write_text("\n".join(["track_id,frame,y,x", *rows]) + "\n")
    fates = ["track_id,outcome,event_frame", "1,apoptosis,9", "2,mitosis,4", "3,apoptosis,9"]
    (tmp_path / "t_outcomes.csv").write_text("\n".join(fates) + "\n")
    facts = RecordingFacts("a", 8, (20, 20), last_image=7)
    tracks, outcomes = read_tracks(tmp_path / "t.csv", "csv", facts, event_gap=2)
    assert tracks["frame"].max() == 7
    assert outcomes.set_index("track_id")["outcome"].to_dict() == {1: "no_event_by_end", 2: "mitosis"}
    said = capsys.readouterr().err
    assert "4 of 16 positions are after last_image 7, left out" in said
    assert "1 of 2 outcomes is after last_image 7, left out" in said
    with pytest.raises(InputError, match="frame"):
        read_tracks(tmp_path / "t.csv", "csv", RecordingFacts("a", 8, (20, 20)), event_gap=2)


def test_relatives_stay_relatives_where_their_events_are_left_out(tmp_path, capsys):
    """By a label, and by tracks that go on as one that is left out itself."""
    rows = [f"{track},{frame},5,{track}" for track in (1, 2, 3, 4, 5) for frame in range(8)] + ["9,9,5,5"]
    (tmp_path / "t.csv").write_text("\n".join(["track_id,frame,y,x", *rows]) + "\n")
    fates = ["1,apoptosis,9,,A", "2,mitosis,9,,A", "3,mitosis,9,9,", "4,mitosis,9,9,", "5,mitosis,7,,", "9,apoptosis,9,,"]
    (tmp_path / "t_outcomes.csv").write_text("\n".join(["track_id,outcome,event_frame,continues_as,lineage", *fates]) + "\n")
    _, outcomes = read_tracks(tmp_path / "t.csv", "csv", RecordingFacts("a", 8, (20, 20), last_image=7), event_gap=2)
    assert outcomes.set_index("track_id")["lineage"].to_dict() == {1: "a/1", 2: "a/1", 3: "a/3", 4: "a/3", 5: "a/5"}
    assert outcomes["outcome"].tolist() == ["no_event_by_end"] * 4 + ["mitosis"]
    assert outcomes["event_frame"].isna().tolist() == [True] * 4 + [False]
    assert "4 of 5 outcomes are after last_image 7, left out" in capsys.readouterr().err


def test_a_continuation_that_is_no_track_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"t_outcomes.csv: line 3: continues_as is 44, there is no such track"):
        read_csv(tmp_path, rows(1, 2, 6) + rows(2, 2, 6, ""), "track_id,outcome,event_frame,continues_as\n1,,,2\n2,,,1;44\n")


@pytest.mark.parametrize(("labels", "warned"), [("Aa", True), ("AB", False), ("aa", False)])
def test_a_lineage_that_is_written_in_two_ways_is_named(tmp_path, capsys, labels, warned):
    fates = f"track_id,outcome,event_frame,lineage\n1,,,{labels[0]}\n2,,,{labels[1]}\n"
    read_csv(tmp_path, rows(1, 2, 6) + rows(2, 2, 6, ""), fates)
    assert ("the lineages 'A' and 'a' differ in capital letters alone: one lineage?" in capsys.readouterr().err) == warned


@pytest.mark.parametrize("text", ["", "b,1,mitosis,5\n"])
def test_a_table_of_outcomes_without_a_row_is_named(tmp_path, capsys, text):
    read_csv(tmp_path, rows(1, 2, 6), f"recording,track_id,outcome,event_frame\n{text}")
    assert "t_outcomes.csv: no row of it is of recording r, so none of its tracks has a fate" in capsys.readouterr().err


@pytest.mark.parametrize("tracks_format", [name for name in FORMATS if name != "geff"])
def test_a_folder_in_place_of_a_file_and_the_other_way_round(tmp_path, tracks_format):
    path = tmp_path / "t.csv"
    path.write_text("") if tracks_format == "ctc" else path.mkdir()
    message = "a folder is needed .*, this is a file" if tracks_format == "ctc" else "a file is needed .*, this is a folder"
    with pytest.raises(InputError, match=f"t.csv: {message}"):
        read_tracks(path, tracks_format, RecordingFacts("r", N_FRAMES, SHAPE), 2)
