"""docs/inputs.md: each row names tests that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/inputs.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| kind of file")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2:60])
def test_every_row_names_tests_that_there_are(row):
    *_, tests = row.strip("|").split("|")
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", tests)
    assert named, "no test is named"
    assert len(named) == tests.count("`") // 2
    for file, name in named:
        assert re.search(rf"^def {name}\(", (ROOT / "tests/unit" / file).read_text(), re.MULTILINE), f"{file} has no {name}"


def test_the_page_has_rows_of_every_reader():
    words = PAGE.lower()
    readers = (
        "ome-zarr",
        "nd2",
        "czi",
        "hyperstack",
        "trackmate",
        "btrack",
        "geff",
        "coco-video",
        "napari",
        "cell tracking challenge",
        "h5ad",
        "cell-acdc",
        "celldetective",
    )
    assert [name for name in readers if name not in words] == []
    assert len(ROWS) > 70
