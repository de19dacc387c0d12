"""The page that lists the files of a run names every table of the room with every column, and no other."""

import re
from pathlib import Path

import pytest

from cellfate.base.tables import Table
from cellfate.transition import tables

PAGE = Path(__file__).parents[3] / "docs/transition_files.md"
FILES = {  # where a table is not called like its file
    "transition_matrix": "matrices",
    "transition_scores": "{variant}/scores",
    "transition_all_scores": "tables/scores",
    "transition_curves": "{variant}/curves",
    "transition_cells": "{variant}/cells",
    "transition_reliability": "tables/reliability",
    "gene_rankings": "rankings",
    "gene_refits": "gene_refits/{seed}",
    "transition_truth": "truth/scores",
}
DECLARED = [table for table in vars(tables).values() if isinstance(table, Table)]


def columns_on_the_page(file: str) -> list[str]:
    rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    own = [row[-1] for row in rows if re.search(rf"[`/]{re.escape(file)}\.(csv|parquet)`", row[0])]
    assert len(own) == 1, f"{len(own)} rows name {file}"
    return re.findall(r"`([^`]+)`", own[0])


@pytest.mark.parametrize("table", DECLARED, ids=lambda table: table.name)
def test_a_table_stands_there_with_its_columns(table):
    assert columns_on_the_page(FILES.get(table.name, table.name)) == list(table.columns)


def test_pictures_are_there():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", PAGE.read_text())
    assert len(pictures) == 8
    assert all((PAGE.parent / path).stat().st_size < 100_000 for path in pictures)
