"""Where Snakemake works and results are written: told before the first job where that cannot be, by whom and whose it is."""

import os
from pathlib import Path

import pytest

from cellfate.base.errors import InputError
from cellfate.planning.running import place
from cellfate.planning.running.place import NAMES, check_place, check_writable, folders_of_results


@pytest.fixture
def nobody(monkeypatch, tmp_path):
    """A user without a name, whom no folder lets write: root may always."""
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)


def test_a_user_without_a_name_gets_one(nobody):
    check_place()
    assert os.environ["USER"] == "user54321"
    os.environ["USER"] = "ann"
    check_place()
    assert os.environ["USER"] == "ann"


def test_a_folder_of_another_user_is_named_with_its_owner(nobody, tmp_path, monkeypatch):
    (tmp_path / "results/a").mkdir(parents=True)
    closed = tmp_path / "results/a"
    monkeypatch.setattr(place.os, "access", lambda path, mode: Path(path).absolute() != closed or mode == os.F_OK)
    with pytest.raises(InputError) as error:
        check_writable(folders_of_results("a", "corrected"))
    assert str(error.value).startswith("results/a: cannot be written: no right to do this: results/a belongs to ")
    assert "this runs as user 54321" in str(error.value)
    with pytest.raises(InputError, match="results/a/corrected: cannot be written"):  # below it, though it is not there yet
        check_writable(folders_of_results("a", "corrected")[2:3])
    check_writable(folders_of_results("b", "corrected"))


def test_a_file_where_results_should_be_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").write_text("")
    with pytest.raises(InputError, match="results: a file is there, a folder for results is needed"):
        check_writable(folders_of_results("a", "b"))
