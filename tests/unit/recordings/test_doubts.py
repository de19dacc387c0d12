"""Values of a sheet that may be meant and are often a slip."""

import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.recordings.doubts import sheet_doubts
from cellfate.recordings.tables import MOVIES, RECORDINGS


def sheet(**columns):
    n_rows = len(next(iter(columns.values())))
    table = {"recording": [f"r{row}" for row in range(n_rows)], "frame_interval_min": [15.0] * n_rows, "pixel_size_um": [0.65] * n_rows}
    return pd.DataFrame(dict.fromkeys(("treatment", "dose", "group"), [None] * n_rows) | table | columns)


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        (
            "frame_interval_min",
            [15, 15, 15, 900],
            ["s.tsv: line 5: frame_interval_min is 900, the median of the other rows is 15: seconds wr"],
        ),
        (
            "frame_interval_min",
            [15, 0.25, 15],
            ["s.tsv: line 3: frame_interval_min is 0.25, the median of the other rows is 15: hours writte"],
        ),
        ("frame_interval_min", [15, 151, 15], ["line 3: frame_interval_min is 151, the median of the other rows is 15"]),
        ("frame_interval_min", [15, 900], ["line 3: frame_interval_min is 900, the other row has 15: seconds written as minutes?"]),
        ("frame_interval_min", [0.001, 0.001], ["line 2: frame_interval_min is 0.001, 0.0167 to 10080 min", "line 3: "]),
        ("pixel_size_um", [0.65, 0.65, 650], ["line 4: pixel_size_um is 650, 0.01 to 20 um is usual: nanometres written as micrometres?"]),
        ("pixel_size_um", [650, 650], ["line 2: pixel_size_um is 650, 0.01 to 20 um is usual: nanometres", "line 3: "]),
        ("pixel_size_um", [None, 0.65, 6.6], ["line 4: pixel_size_um is 6.6, the other row has 0.65"]),
        ("pixel_size_um", [None, None, None], []),
        (
            "frame_interval_min",
            [15, 5, 15],
            ["s.tsv: frame_interval_min: 5 min (1 recording) and 15 min (2 recordings): the network counts fr"],
        ),
        (
            "frame_interval_min",
            [5, 15, 30, 45],
            ["frame_interval_min: 5 min (1 recording), 15 min (1 recording), 30 min (1 recording) and 45"],
        ),
        ("frame_interval_min", [15, 15.2, 15], []),
        ("frame_interval_min", [2000], []),
    ],
)
def test_a_row_far_from_the_others(column, values, expected):
    found = sheet_doubts(sheet(**{column: values}), "s.tsv")
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert start in line


@pytest.mark.parametrize("column", ["treatment", "dose", "group"])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["Cisplatin", "cisplatin", "cisplatin", "DMSO"],
            "'Cisplatin' (1 recording) and 'cisplatin' (2 recordings) differ in capital letters",
        ),
        (
            ["drug", "Drug", "DRUG", None],
            "'drug' (1 recording), 'Drug' (1 recording) and 'DRUG' (1 recording) differ in capital",
        ),
        (["10 uM", "10uM", "5 uM"], "differ in spaces, signs or capital letters alone"),
        (["10 µM", "10 μM"], "differ in spaces, signs or capital letters alone"),
        (["P1_2", "p1-2"], "differ in spaces, signs or capital letters alone"),
        (["10", "10.0", "1e1"], "'10' (1 recording), '10.0' (1 recording) and '1e1' (1 recording) differ in how numbers are written alone"),
        (["1", "01", "2"], "differ in how numbers are written alone"),
        (["P1", "p01"], "differ in how numbers are written alone"),
    ],
)
def test_one_word_written_in_two_ways(column, words, expected):
    (found,) = sheet_doubts(sheet(**{column: words}), "s.tsv")
    assert found.startswith(f"s.tsv: {column}: ")
    assert expected in found
    assert ("training and test" in found) == (column == "group")


@pytest.mark.parametrize(
    "words",
    [
        ["1", "10", "1.5", "0.1", "-1"],
        ["P1-1", "P11", "P1", "P111"],
        ["+/+", "+/-", "-/-", "drug+", "drug-", "drug"],
        ["1e-5", "1e5", "1e-5 M", "1e5 M"],
        ["drug1", "drug2", "drugA", "drugB"],
        ["2024-03-01", "2024-03-11", "2024-01-03"],
        [None, None],
    ],
)
def test_words_that_are_two(words):
    assert sheet_doubts(sheet(treatment=words, group=words, dose=words), "s.tsv") == []


def test_an_empty_treatment_and_names_of_recordings():
    (found,) = sheet_doubts(sheet(treatment=["none", "None", "drug"]), "s.tsv")
    assert "none or empty (1 recording) and 'None' (1 recording) differ in capital letters alone: one treatment? Here they are two" in found
    (found,) = sheet_doubts(sheet(recording=["a1", "A1", "a_1", "a01"]), "s.tsv")
    assert "'a1' (1 recording) and 'A1' (1 recording) differ in capital letters alone" in found


@pytest.mark.parametrize("declared", [RECORDINGS, MOVIES])
@pytest.mark.parametrize(
    ("column", "value", "limit"),
    [("frame_interval_min", 1e308, "10080"), ("pixel_size_um", 1001.0, "1000"), ("treatment_start_h", 1e5, "8784")],
)
def test_numbers_beyond_reason_are_refused(declared, column, value, limit):
    row = dict.fromkeys(declared.columns) | dict.fromkeys(("recording", "images", "cell", "movie", "channels"), "a")
    row = {name: value for name, value in row.items() if name in declared.columns} | {"frame_interval_min": 15.0, column: value}
    with pytest.raises(InputError, match=f"line 2: {column} is .*, at most {limit} is allowed"):
        check_table(pd.DataFrame([row]), declared, "s.tsv")
