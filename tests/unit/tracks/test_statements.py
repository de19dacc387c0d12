"""Outcomes from several sources: one table for all recordings, times in place of frames, words in the file, and their quarrels."""

from dataclasses import asdict

import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.tracks.corrections.rows import without_lines
from cellfate.tracks.fates import fates_by_recording, unmatched
from cellfate.tracks.outcomes import check_tracks
from cellfate.tracks.raw import RecordingFacts
from cellfate.tracks.statements import AS_IN_THE_FILE, OutcomesFrom, _mapped
from cellfate.tracks.times import frame_of_number, frame_of_time

FACTS = RecordingFacts("wellA1", 10, (60, 80), frame_interval_min=30.0)


def tracks(tmp_path, ends):
    """A table of tracks: ``ends`` are {track: its last frame}."""
    rows = [(track, frame, 5.0 + track, 5.0 + frame) for track, last in ends.items() for frame in range(last + 1)]
    path = tmp_path / "wellA1.csv"
    pd.DataFrame(rows, columns=["track_id", "frame", "y", "x"]).to_csv(path, index=False)
    return path


def check(path, beside=None, rows_of_all=None, **settings):
    """The checked tracks, with a table beside them and the rows of one for all recordings."""
    if beside is not None:
        path.with_name("wellA1_outcomes.csv").write_text(beside)
    if rows_of_all is not None:
        file = path.with_name("all.csv")
        file.write_text(rows_of_all)
        rows = fates_by_recording(str(file), settings.get("columns", {})).get("wellA1", [])
        settings |= {"table": str(file), "rows": rows}
    return check_tracks(path, "csv", FACTS, 2, OutcomesFrom(**(asdict(AS_IN_THE_FILE) | settings)))


def test_one_table_for_all_recordings(tmp_path):
    table = "recording,track_id,outcome,event_frame,notes\nwellA1,1,mitosis,5,nice\nwellB7,1,apoptosis,3,\nwellA1,2,apoptosis,7,\n"
    checked = check(tracks(tmp_path, {1: 4, 2: 6, 3: 9}), rows_of_all=table)
    outcomes = checked.outcomes.set_index("track_id")
    assert outcomes["outcome"].to_dict() == {1: "mitosis", 2: "apoptosis", 3: "no_event_by_end"}
    assert outcomes["event_frame"].tolist() == [5, 7, pd.NA]
    sources = checked.sources.set_index("track_id")
    assert sources["where"].to_dict() == {1: "line 2", 2: "line 4", 3: "frame 9"}
    assert sources["source"].to_dict() == {1: str(tmp_path / "all.csv"), 2: str(tmp_path / "all.csv"), 3: "end of the track"}
    assert not checked.warnings


def test_rows_without_lines_are_named_by_track_and_a_wrong_one_by_its_line(tmp_path):
    text = "recording,track_id,outcome,event_frame\nother,7,mitosis,3\nwellA1,1,mitosis,5\nwellA1,2,mitosis,soon\n"
    (tmp_path / "all.csv").write_text(text)
    rows = without_lines(fates_by_recording(str(tmp_path / "all.csv"), {})["wellA1"])
    files = tracks(tmp_path, {1: 4, 2: 6})
    checked = check(files, table=str(tmp_path / "all.csv"), rows=rows[:1])
    assert checked.sources.set_index("track_id").loc[1, "where"] == "recording wellA1, track_id 1"
    with pytest.raises(InputError, match=r"all.csv: line 4: event_frame is 'soon'"):
        check(files, table=str(tmp_path / "all.csv"), rows=rows)


def test_a_workbook_is_read_as_a_text_table_is(tmp_path):
    rows = {"Dish": ["wellA1", "wellA1"], "Cell": [1.0, 2.0], "Fate": ["Division", None], "t (h)": [2.5, None], "why": ["x", "y"]}
    pd.DataFrame(rows).to_excel(tmp_path / "all.xlsx", index=False)
    names = {"recording": "Dish", "track_id": "Cell", "outcome": "Fate", "event_hours": "t (h)"}
    found = fates_by_recording(str(tmp_path / "all.xlsx"), names)
    assert found == {
        "wellA1": [
            {"line": 2, "track_id": "1", "outcome": "Division", "recording": "wellA1", "event_hours": "2.5"},
            {"line": 3, "track_id": "2", "outcome": "", "recording": "wellA1"},
        ]
    }
    settings = {"table": str(tmp_path / "all.xlsx"), "columns": names, "words": {"Division": "mitosis"}, "rows": found["wellA1"]}
    outcomes = check(tracks(tmp_path, {1: 4, 2: 6}), **settings).outcomes
    assert outcomes["outcome"].tolist() == ["mitosis", "censored"]
    assert outcomes["event_frame"].tolist() == [5, pd.NA]


def test_a_file_that_is_no_workbook(tmp_path):
    (tmp_path / "all.xlsx").write_text("recording,track_id\n")
    with pytest.raises(InputError, match=r"all.xlsx: not readable as an Excel workbook"):
        fates_by_recording(str(tmp_path / "all.xlsx"), {})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("recording,track_id,outcome,event_frame\n,1,mitosis,5\n", "line 2: recording is empty"),
        (
            "recording,track_id,outcome,when\nwellA1,1,mitosis,5\n",
            "column event_frame or event_hours or event_minutes or event_time missing",
        ),
        ("track_id,outcome,event_frame\n1,mitosis,5\n", "column recording missing"),
        (
            "recording,track_id,outcome,event_frame,event_hours\nwellA1,1,mitosis,5,\nwellA1,2,mitosis,,2\n",
            "event_frame and event_hours are both",
        ),
        ("recording,track_id,outcome,event_frame\nwellA1,1,mitosis,5\nwellA1,1,mitosis,5\n", "line 3: track 1 has two fates"),
        ("recording,track_id,outcome,event_frame\nwellA1,8,mitosis,5\n", "line 2: track_id is 8, there is no such track"),
    ],
)
def test_what_is_wrong_with_a_table_for_all_recordings(tmp_path, table, message):
    with pytest.raises(InputError, match=rf"all.csv: {message}"):
        check(tracks(tmp_path, {1: 4, 2: 6}), rows_of_all=table)


def test_names_of_columns_that_are_not_there(tmp_path):
    table = "recording,track_id,outcome,event_frame\nwellA1,1,mitosis,5\n"
    with pytest.raises(InputError, match=r"all.csv: column Fate missing, which should say the outcome; found recording"):
        check(tracks(tmp_path, {1: 4}), rows_of_all=table, columns={"outcome": "Fate"})


def test_recordings_of_the_table_and_of_the_sheet(tmp_path):
    found = {"wellA1": [], "wellB7": []}
    assert unmatched(found, ["wellA1", "wellB7", "wellC1"], "all.csv") is None
    assert unmatched(found, ["wellA1"], "all.csv") == "all.csv: recordings that the sheet does not have were passed over: wellB7"
    with pytest.raises(InputError, match=r"recording is wellA1, wellB7; the recordings of the sheet are A1: none agrees"):
        unmatched(found, ["A1"], "all.csv")
    checked = check(tracks(tmp_path, {1: 9}), rows_of_all="recording,track_id,outcome,event_frame\nwell A1,1,mitosis,5\n")
    assert checked.warnings[0].endswith("all.csv: no row of it is of recording wellA1")


def test_sources_that_agree_and_sources_that_do_not(tmp_path):
    beside = "track_id,outcome,event_frame\n1,mitosis,5\n2,mitosis,5\n3,mitosis,\n4,mitosis,5\n5,,\n6,censored,\n"
    rows = [(1, "mitosis", 6), (2, "apoptosis", 5), (3, "mitosis", 5), (4, "mitosis", 9), (5, "mitosis", 5), (6, "mitosis", 5)]
    table = "recording,track_id,outcome,event_frame\n" + "".join(f"wellA1,{track},{word},{frame}\n" for track, word, frame in rows)
    checked = check(tracks(tmp_path, dict.fromkeys(range(1, 7), 4)), beside, table)
    outcomes = checked.outcomes.set_index("track_id")
    assert outcomes["outcome"].tolist() == ["mitosis", "censored", "mitosis", "censored", "mitosis", "censored"]
    assert outcomes["event_frame"].tolist() == [5, pd.NA, 5, pd.NA, 5, pd.NA]
    two = "at frame 5 (wellA1_outcomes.csv, line 3), but apoptosis at frame 5 (all.csv, line 3): censored, as the two disagree"
    assert outcomes.loc[2, "warning"] == f"mitosis {two}"
    assert outcomes.loc[4, "warning"].startswith("mitosis at frame 5 (wellA1_outcomes.csv, line 5), but mitosis at frame 9")
    assert outcomes.loc[[1, 3, 5, 6], "warning"].isna().all()
    results = checked.sources.groupby("track_id")["result"].agg(list)
    assert results.tolist() == [
        ["used", "agrees"],
        ["disagrees", "disagrees"],
        ["agrees", "used"],
        ["disagrees", "disagrees"],
        ["passed over", "used"],
        ["used", "passed over"],
    ]


def test_an_event_too_long_after_its_track_is_said_to_be_too_late(tmp_path):
    checked = check(tracks(tmp_path, {1: 4, 2: 4}), "track_id,outcome,event_frame\n1,mitosis,6\n2,mitosis,7\n")
    assert checked.outcomes["outcome"].tolist() == ["mitosis", "censored"]
    assert checked.sources["result"].tolist() == ["used", "too late"]


def test_a_written_frame_counts_more_than_the_daughters_first(tmp_path):
    path = tmp_path / "wellA1.csv"
    rows = [(1, "", t) for t in range(6)] + [(2, 1, t) for t in range(6, 10)] + [(3, 1, t) for t in range(6, 10)]
    path.write_text("track_id,parent_id,frame,y,x\n" + "".join(f"{one},{mother},{t},{one},{t}\n" for one, mother, t in rows))
    checked = check(path, "track_id,outcome,event_frame\n1,mitosis,2\n", divisions="mitosis")
    assert checked.outcomes["event_frame"].tolist()[0] == 2
    assert checked.sources[checked.sources["track_id"] == 1]["result"].tolist() == ["used", "agrees"]
    assert check(path, "track_id,outcome,event_frame\n1,mitosis,\n", divisions="mitosis").outcomes["event_frame"].tolist()[0] is pd.NA


def test_words_of_a_file_of_tracks(tmp_path):
    events = pd.DataFrame(
        [
            (1, "state", "anaphase", 6, "line 9"),
            (1, "state", "anaphase", 5, "line 8"),
            (1, "state", "round", 4, "line 7"),
            (2, "dead", "1", 3, "line 20"),
        ],
        columns=["track_id", "column", "word", "event_frame", "where"],
    )
    fates = _mapped(events, {"anaphase": "mitosis", "dead=1": "apoptosis"}, "t.csv")
    assert fates[["track_id", "outcome", "event_frame", "where"]].values.tolist() == [
        [1, "anaphase", 5, "line 8, state"],
        [2, "dead=1", 3, "line 20, dead"],
    ]
    assert _mapped(events, {}, "t.csv").empty
    assert _mapped(events.iloc[:0], {"anaphase": "mitosis"}, "t.csv").empty


@pytest.mark.parametrize(
    ("text", "unit", "interval", "frame"),
    [
        ("12", "event_hours", 5, 144),
        ("12.33", "event_hours", 5, 148),  # 12 h 20 min, to two digits
        ("12.34", "event_hours", 5, 149),  # no time of frame 148 is written so
        ("12.40", "event_hours", 5, 149),  # between two frames: the next
        ("0", "event_hours", 5, 0),
        ("61", "event_minutes", 30, 3),
        ("61.0", "event_minutes", 30, 3),
        ("60", "event_minutes", 30, 2),
        ("1e1", "event_minutes", 5, 2),
    ],
)
def test_numbers_of_hours_and_minutes(text, unit, interval, frame):
    assert frame_of_number(text, unit, interval) == frame


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "12,5", "12h", "1" * 400 + "x"])
def test_what_is_no_number_of_hours(text):
    with pytest.raises(ValueError, match="a number of hours from 0 is needed"):
        frame_of_number(text, "event_hours", 5)


@pytest.mark.parametrize("text", ["1e30", "1e400", "9" * 21, "9" * 400, "1e9999"])
def test_times_beyond_every_recording_are_refused(tmp_path, text):
    with pytest.raises(ValueError, match="within 100 years of the first frame"):
        frame_of_number(text, "event_minutes", 1e-6)
    with pytest.raises(ValueError, match="within 100 years of the first frame"):
        frame_of_time(f"{text.replace('e', '')}{9:0<400} d 00:00", "", 5)
    path = tracks(tmp_path, {1: 4})
    path.with_name(f"{path.stem}_outcomes.csv").write_text(f"track_id,outcome,event_hours\n1,mitosis,{text}\n")
    with pytest.raises(InputError, match=rf"{path.stem}_outcomes.csv: line 2: event_hours is '{text}', a time within 100 years"):
        check_tracks(path, "csv", RecordingFacts("r", 10, (50, 50), None, 5.0), 2)


@pytest.mark.parametrize(
    ("text", "start", "frame"),
    [
        ("2:30", "", 5),
        ("02:30:00", "", 5),
        ("2:31:00", "", 6),
        ("1 day, 2:30:00", "", 53),
        ("26:30", "", 53),
        ("14:30", "12:00", 5),
        ("00:30", "23:30", 2),
        ("2024-03-02 00:30", "2024-03-01 23:30", 2),
        ("2024-03-02T00:30:00", "2024-03-01 23:30", 2),
    ],
)
def test_clock_times(text, start, frame):
    assert frame_of_time(text, start, 30) == frame


@pytest.mark.parametrize(
    ("text", "start", "message"),
    [
        ("half past two", "", "a time such as 12:30"),
        ("2:75", "", "a time such as 12:30"),
        ("2024-03-02 00:30", "", "start_time must give"),
        ("2024-03-02 00:30", "23:30", "both with a date, or both without"),
        ("2024-02-31 00:30", "2024-02-01 00:30", "a date that exists"),
        ("2024-03-01 00:30", "2024-03-01 23:30", "before start_time, 2024-03-01 23:30"),
    ],
)
def test_what_is_no_clock_time(text, start, message):
    with pytest.raises(ValueError, match=message):
        frame_of_time(text, start, 30)


def test_times_need_the_frame_interval(tmp_path):
    path = tracks(tmp_path, {1: 4})
    path.with_name("wellA1_outcomes.csv").write_text("track_id,outcome,event_hours\n1,mitosis,2.5\n")
    assert check_tracks(path, "csv", FACTS, 2).outcomes["event_frame"].tolist() == [5]
    with pytest.raises(InputError, match=r"event_hours is given, so the sheet must give frame_interval_min for recording wellA1"):
        check_tracks(path, "csv", RecordingFacts("wellA1", 10, (60, 80)), 2)
    path.with_name("wellA1_outcomes.csv").write_text("track_id,outcome,event_hours\n1,mitosis,soon\n")
    with pytest.raises(InputError, match=r"_outcomes.csv: line 2: event_hours is 'soon', a number of hours from 0 is needed"):
        check_tracks(path, "csv", FACTS, 2)
