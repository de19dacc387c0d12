"""Checks that yield their problems: the first is raised, or all are kept."""

import pytest

from cellfate.base.errors import InputError, collect, no_file, raise_first


def check(*problems):
    yield from problems
    return "what was checked"


def test_the_first_problem_is_raised_and_without_any_the_result_comes_back():
    with pytest.raises(InputError, match=r"^a\.csv: line 2$"):
        raise_first(check("a.csv: line 2", "a.csv: line 3"))
    assert raise_first(check()) == "what was checked"


def test_every_problem_is_kept_once_beside_those_that_are_there():
    found = ["before"]
    assert collect(check("one", "before", "two", "one"), found) == "what was checked"
    assert found == ["before", "one", "two"]


def test_a_folder_is_told_from_nothing(tmp_path):
    assert no_file(tmp_path, "a table") == f"{tmp_path}: a folder, a table is needed"
    assert no_file(tmp_path / "a.csv", "a table") == f"{tmp_path}/a.csv: no such file (a table)"
