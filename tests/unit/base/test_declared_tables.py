"""docs/tables.md says what every table may hold: a column, bound, allowed value or key that changes in the code changes there too."""

import importlib.util
from pathlib import Path

import pytest

from cellfate.base.tables import Column, Table

ROOT = Path(__file__).parents[3]
SPEC = importlib.util.spec_from_file_location("make_tables", ROOT / "docs/make_tables.py")
made = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(made)
DECLARED = list(made.declarations())


def test_the_page_is_that_of_the_code():
    assert made.page() == (ROOT / made.PAGE).read_text(encoding="utf-8"), "run make tables-page, and look at what changed"


def test_every_declared_table_is_on_the_page():
    written = sum(file.read_text().count(" = Table(") for file in (ROOT / made.PACKAGE).rglob("*.py"))
    assert len(DECLARED) == written > 100


@pytest.mark.parametrize(("name", "table"), [(name, table) for _, _, name, table in DECLARED], ids=[one[2] for one in DECLARED])
def test_a_declaration_can_be_met(name, table):
    """Keys are columns, bounds are in order, and allowed values are of the column's kind and within its bounds."""
    assert set(table.key) <= set(table.columns), name
    for column, spec in table.columns.items():
        low, high = (-float("inf") if spec.low is None else spec.low), (float("inf") if spec.high is None else spec.high)
        assert low < high, f"{name}.{column}"
        if spec.allowed is not None:
            assert len(set(spec.allowed)) == len(spec.allowed) > 0, f"{name}.{column}"
            kind = {"str": str, "int": int, "float": float, "bool": bool}[spec.kind]
            assert all(isinstance(value, kind) for value in spec.allowed), f"{name}.{column}"


def test_all_that_a_column_may_hold_is_said():
    assert made.in_words(Column("int", nullable=True, low=0, high=9)) == "whole number, at least 0, at most 9, may be empty"
    assert made.in_words(Column("str", allowed=("a", "b"))) == "text, one of a, b"
    table = Table("x", {"a": Column("str"), "b": Column("str"), "c": Column("float")}, key=("a", "b"), open=True)
    lines = made.paragraph("what it is", "X", table).splitlines()
    assert lines[0] == "**x** (`X`): what it is. Key: `a`, `b`. It may have further columns."
    assert lines[2:] == ["- `a`, `b`: text", "- `c`: number"]
