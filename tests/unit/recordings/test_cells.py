"""The cells sheet of ready-made crops: what is read, what follows for recordings, and what is refused with which words."""

import os

import pandas as pd
import pytest
from toy_movies import write_cells

from cellfate.base.errors import InputError
from cellfate.base.tables import write_table
from cellfate.recordings.cells import (
    caveat,
    cells_problems,
    is_cells_sheet,
    lines_by_cell,
    missing_movies,
    read_cells,
    recordings_of,
    rows_of,
)
from cellfate.recordings.sheet import read_sheet
from cellfate.recordings.tables import RECORDINGS


@pytest.fixture
def sheet(tmp_path):
    return lambda *rows: write_cells(tmp_path / "cells.tsv", rows)


def test_cells_called_by_whole_numbers_keep_them_and_others_are_numbered_by_name(sheet):
    cells = read_cells(sheet({"cell": "7"}, {"cell": "12"}, {"cell": "b", "recording": "dish2"}, {"cell": "a", "recording": "dish2"}))
    assert list(cells["track_id"]) == [7, 12, 1, 0]


@pytest.mark.parametrize("names", [("7", "07"), ("1", "-1"), ("1", "1.5"), ("1", str(2**63)), ("1", "²")])
def test_names_that_are_no_plain_numbers_are_texts_and_stay_apart(sheet, names):
    cells = read_cells(sheet(*({"cell": name} for name in names)))
    assert list(cells["cell"]) == list(names)
    assert sorted(cells["track_id"]) == [0, 1]


def test_recordings_have_what_their_cells_agree_on(sheet, tmp_path):
    path = sheet({"treatment": "drug", "pixel_size_um": 0.5}, {"recording": "dish2"}, {"treatment": "drug", "pixel_size_um": 0.5})
    recordings = recordings_of(read_cells(path), "mine", scaled=False)
    assert list(recordings["recording"]) == ["dish1", "dish2"]
    assert list(recordings["treatment"]) == ["drug", "none"]
    assert recordings["pixel_size_um"].iloc[0] == 0.5
    assert recordings.attrs["lines"] == [2, 3]
    assert recordings_of(read_cells(path), "mine", scaled=True)["pixel_size_um"].isna().all()
    write_table(recordings, tmp_path / "recordings.tsv", RECORDINGS)
    again = read_sheet(tmp_path / "recordings.tsv")
    assert list(again["images"]) == ["results/mine/crops/dish1.h5", "results/mine/crops/dish2.h5"]
    assert again["tracks"].isna().all()


def test_without_recordings_all_are_in_one_and_that_is_said(sheet):
    path = sheet({"recording": None}, {"recording": None})
    cells = read_cells(path)
    assert set(cells["recording"]) == {"movies"}
    assert "names no recordings: its 2 movies count as independent" in caveat(cells, path)
    assert caveat(read_cells(sheet({}, {})), path) is None


def test_rows_do_not_change_with_the_lines_above(sheet):
    last = {"cell": "5", "recording": "dish2", "movie": "5.tif"}
    before = rows_of(read_cells(sheet({"cell": "4"}, last)), "dish2")
    path = sheet({"cell": "3"}, {"cell": "4"}, last)
    assert rows_of(read_cells(path), "dish2") == before
    assert before[0]["lineage"] is None
    assert lines_by_cell(path)["dish2", "5"] == 4


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{}, {"movie": "0.tif"}], r"line 3: movie is '0.tif', as in line 2; the same cell would count twice"),
        ([{}, {"movie": "./0.tif"}], r"line 3: movie is './0.tif', as in line 2"),
        ([{}, {"movie": os.path.abspath("0.tif")}], r"line 3: movie is '.*/0.tif', as in line 2"),
        ([{}, {"cell": "0"}], r"line 3: cell is '0', of recording dish1, as in line 2; one row per cell"),
        ([{}, {"recording": None}], r"line 3: recording is empty, but other rows have one"),
        ([{"recording": "a/b"}], r"line 2: recording is 'a/b', letters"),
        ([{"outcome": None}], r"line 2: event_frame of cell 0 is 12, but its outcome is empty"),
        ([{"outcome": "no_event_by_end"}], r"line 2: event_frame of cell 0 is 12, but its outcome is no_event_by_end"),
        ([{"event_frame": "12.5"}], r"line 2: event_frame is 12.5, a whole number is needed"),
        ([{"event_frame": -1}], r"line 2: event_frame is -1, at least 0 is needed"),
        ([{"event_frame": "late"}], r"line 2: event_frame is 'late', a finite number is needed"),
        ([{"movie": None}], r"line 2: movie is empty, a value is needed"),
        ([{"frame_interval_min": None}], r"line 2: frame_interval_min is empty"),
        ([{}, {"channels": "phase"}], r"line 3: channels is 'phase', line 2 has 'phase,nuclei'"),
        ([{"channel_labels": "only"}], r"line 2: channel_labels is 'only', one is needed for each"),
        ([{"channel_labels": "A,A"}], r"line 2: channel_labels is 'A,A'; each name may stand there once"),
        ([{"movie": "{cell}.tif"}], r"line 2: movie is '{cell}.tif'; in braces only {channel} and {time} may stand"),
        ([{}, {"treatment": "drug"}], r"line 3: treatment is 'drug', line 2 of the same recording, dish1, has 'none'; one value"),
        ([{}, {"group": "A"}], r"line 3: group is 'A', line 2 of the same recording, dish1, has empty"),
        ([{"notes": "x"}], r"unknown column notes; allowed are cell, movie"),
        ([], r"the sheet is empty|no cells in the sheet"),
    ],
)
def test_what_is_refused(sheet, rows, words):
    with pytest.raises(InputError, match=words):
        read_cells(sheet(*rows))


def test_differing_rows_without_recordings_say_the_way_out(sheet):
    path = sheet({"recording": None, "treatment": "drug"}, {"recording": None})
    with pytest.raises(InputError, match="as the sheet names none, all movies are in one: fill in recording"):
        read_cells(path)


def test_every_problem_is_found_with_its_own_line(tmp_path):
    path = write_cells(tmp_path / "cells.tsv", [{"event_frame": -1}, {}, {"movie": "1.tif"}])
    text = path.read_text().splitlines()
    path.write_text("\n".join([text[0], "# a remark", *text[1:]]) + "\n")
    problems = list(cells_problems(path))
    assert [problem.split(": ")[1] for problem in problems] == ["line 3", "line 5"]


def test_movies_that_are_not_there(sheet, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "0.tif").touch()
    (problem,) = missing_movies(read_cells(sheet({}, {}, {"movie": "z{channel}.tif"})), "cells.tsv")
    assert problem.startswith("cells.tsv: line 3: movie is '1.tif', which does not exist")


def test_a_cells_sheet_is_known_by_its_column(sheet, tmp_path):
    assert is_cells_sheet(sheet({}))
    pd.DataFrame(columns=["recording", "images"]).to_csv(tmp_path / "other.csv", index=False)
    assert not is_cells_sheet(tmp_path / "other.csv")
    (tmp_path / "bytes.tsv").write_bytes(b"\xff\xfe\x00")
    assert not is_cells_sheet(tmp_path / "bytes.tsv")
