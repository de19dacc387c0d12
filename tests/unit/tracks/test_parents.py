from dataclasses import replace

import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import read_table, write_table
from cellfate.tracks.outcomes import check_tracks, read_tracks
from cellfate.tracks.raw import RecordingFacts
from cellfate.tracks.tables import OUTCOMES, TRACKS

FACTS = RecordingFacts("r", 10, (60, 80))
BIG = 2**53


def check(tmp_path, text, tracks_format="csv"):
    path = tmp_path / "t.csv"
    path.write_text(text)
    found = check_tracks(path, tracks_format, FACTS, 2)
    return replace(found, warnings=tuple(line for line in found.warnings if "none of its tracks has a fate" not in line))


def family(column, none="", frame="frame", mother="1", more=""):
    """Track 1 divides into 2 and 3; 4 stays alone."""
    rows = [(1, 0, none), (1, 1, none), (2, 2, mother), (3, 2, mother), (4, 0, none), (4, 1, none)]
    lines = [f"{track},{t},{track * 5 + t},{track * 7},{parent}{more and ',5'}" for track, t, parent in rows]
    return f"track_id,{frame},y,x,{column}{more}\n" + "\n".join(lines) + "\n"


def parents(checked):
    return {
        track: None if pd.isna(parent) else parent for track, parent in checked.outcomes[["track_id", "parent_id"]].itertuples(index=False)
    }


RIGHT = {1: None, 2: 1, 3: 1, 4: None}
NAMES = ["parent_id", "parent_track_id", "parent", "ParentTrackID", "Parent ID", "mother", "mother_id", "PARENT_TRACK"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("tracks_format", "frame"), [("csv", "frame"), ("napari", "t")])
def test_mothers_are_read_under_every_programs_name(tmp_path, name, tracks_format, frame):
    checked = check(tmp_path, family(name, frame=frame), tracks_format)
    assert parents(checked) == RIGHT
    assert checked.outcomes["lineage"].tolist() == ["r/1", "r/1", "r/1", "r/4"]
    assert checked.warnings == ()


@pytest.mark.parametrize("none", ["0", "-1", "0.0", "-1.0", "nan", "None", "NA", "null", "<NA>"])
def test_every_word_for_no_mother_is_none(tmp_path, none):
    checked = check(tmp_path, family("parent_id", none))
    assert parents(checked) == RIGHT
    assert checked.outcomes["lineage"].nunique() == 2


def test_zero_is_a_mother_where_there_is_a_track_0(tmp_path):
    text = "track_id,parent_id,frame,y,x\n0,-1,0,1,1\n1,0,1,2,2\n2,0,1,3,3\n7,-1,0,9,9\n"
    assert parents(check(tmp_path, text)) == {0: None, 1: 0, 2: 0, 7: None}


def test_ultracks_table_has_mothers_in_one_column_and_detections_in_another(tmp_path):
    text = (
        "track_id,t,y,x,id,parent_track_id,parent_id\n1,0,5,5,101,-1,-1\n1,1,6,5,102,-1,101\n"
        "2,2,7,5,201,1,102\n2,3,8,5,202,1,201\n3,2,5,9,301,1,102\n4,0,20,9,401,-1,-1\n"
    )
    checked = check(tmp_path, text, "napari")
    assert parents(checked) == RIGHT
    assert checked.warnings == ()


@pytest.mark.parametrize(("tracks_format", "frame"), [("csv", "frame"), ("napari", "t")])
def test_detections_before_tell_the_mother_where_no_column_names_her_track(tmp_path, tracks_format, frame):
    rows = ("2,3,8,5,202,201", "1,0,5,5,101,-1", "1,1,6,5,102,101", "2,2,7,5,201,102", "3,2,5,9,301,102", "4,0,20,9,401,0")
    text = "\n".join([f"track_id,{frame},y,x,id,parent_id", *rows])
    assert parents(check(tmp_path, text, tracks_format)) == RIGHT


def test_lineage_that_is_not_used_is_named_once(tmp_path):
    text = "track_id,t,y,x,parent,lineage_id,root\n1,0,5,5,,1,1\n1,1,5,6,,1,1\n2,2,7,7,1,1,1\n"
    checked = check(tmp_path, text, "napari")
    assert [w.partition(": ")[2] for w in checked.warnings] == [
        "columns lineage_id, root look like lineage and are not used; mothers are read from parent"
    ]


def test_a_second_column_of_mothers_that_says_something_else_is_named(tmp_path):
    text = "track_id,frame,y,x,parent_id,mother\n1,0,5,5,,\n2,1,5,6,1,\n3,1,7,7,1,1\n"
    checked = check(tmp_path, text)
    assert parents(checked) == {1: None, 2: 1, 3: 1}
    assert [w.partition(": ")[2] for w in checked.warnings] == [
        "column mother looks like lineage and is not used; mothers are read from parent_id"
    ]


def test_warnings_of_the_file_are_printed(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("track_id,t,y,x,ancestor\n1,0,5,5,4\n")
    read_tracks(path, "napari", FACTS, 2)
    assert "t.csv: column ancestor looks like lineage and is not used; no cell has a mother (a column" in capsys.readouterr().err


def test_btrack_csv_names_nothing_that_its_parents_say(tmp_path):
    text = "ID t x y parent root generation\n1 0 5 5 1 1 0\n2 1 6 6 1 1 1\n3 1 9 9 1 1 1\n4 0 30 30 0 4 0\n"
    checked = check(tmp_path, text, "btrack")
    assert parents(checked) == RIGHT
    assert checked.warnings == ()


def test_ids_above_2_to_the_53_stay_exact_from_the_file_to_the_tables(tmp_path):
    text = f"track_id,parent_id,frame,y,x\n{BIG},,0,1,1\n{BIG + 1},{BIG},1,2,2\n{BIG + 3},{BIG + 2},1,3,3\n{2**63 - 1},{BIG + 1},2,4,4\n"
    checked = check(tmp_path, text)
    write_table(checked.tracks, tmp_path / "tracks.parquet", TRACKS)
    write_table(checked.outcomes, tmp_path / "outcomes.parquet", OUTCOMES)
    for table in (read_table(tmp_path / "tracks.parquet", TRACKS), read_table(tmp_path / "outcomes.parquet", OUTCOMES)):
        assert table["track_id"].tolist() == [BIG, BIG + 1, BIG + 3, 2**63 - 1]
        assert table["parent_id"].tolist() == [pd.NA, BIG, BIG + 2, BIG + 1]
    assert checked.outcomes["lineage"].tolist() == [f"r/{BIG}", f"r/{BIG}", f"r/{BIG + 3}", f"r/{BIG}"]


@pytest.mark.parametrize(
    ("track", "parent", "message"),
    [
        (str(2**63), "", "line 2: track_id is '9223372036854775808', at most 9223372036854775807 can be read"),
        ("9007199254740994.0", "", "line 2: track_id is '9007199254740994.0', which as a decimal number has lost its last digits"),
        ("1", "9.007199254740994e15", "line 2: parent_id is '9.007199254740994e15', which as a decimal number"),
        ("1", str(2**64), "line 2: parent_id is '18446744073709551616', at most"),
        ("1", "one", "line 2: parent_id is 'one', a whole number from 0 is needed; empty, 0 or -1 is no mother"),
        ("²", "", "line 2: track_id is '²', a whole number"),
        ("1_0", "", "line 2: track_id is '1_0', a whole number"),
    ],
)
def test_ids_that_cannot_be_exact_are_refused(tmp_path, track, parent, message):
    with pytest.raises(InputError, match=f"t.csv: {message}"):
        check(tmp_path, f"track_id,parent_id,frame,y,x\n{track},{parent},0,1,1\n")


@pytest.mark.parametrize("written", ["7.0", "7.", "+7", "7e0", "0.7e1", " 7 "])
def test_whole_numbers_may_be_written_as_decimals(tmp_path, written):
    assert parents(check(tmp_path, f"track_id,frame,y,x\n{written},0,1,1\n")) == {7: None}
