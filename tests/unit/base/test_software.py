"""One version, wherever it is written."""

import re
import tomllib
from importlib import import_module
from pathlib import Path

import h5py
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

import cellfate
from cellfate.base.files import read_json, write_json
from cellfate.base.hdf5 import writing_hdf5
from cellfate.base.plot_style import new_figure, save_figure
from cellfate.base.software import SOFTWARE, VERSION
from cellfate.base.tables import INT_NULL, STR, Table, read_table, write_table

ROOT = Path(__file__).parents[3]


def test_the_version_is_the_same_everywhere():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = pyproject["project"]
    module, _, attribute = pyproject["tool"]["setuptools"]["dynamic"]["version"]["attr"].rpartition(".")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert project["dynamic"] == ["version"]
    assert getattr(import_module(module), attribute) == citation["version"] == cellfate.__version__ == VERSION
    assert f"{project['name']} {VERSION}" == SOFTWARE


def test_the_changelog_begins_with_this_version():
    versions = re.findall(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert versions[0] == VERSION
    assert versions == sorted(versions, key=lambda version: [int(part) for part in version.split(".")], reverse=True)


def test_parquet_tables_name_the_program_and_are_read_as_before(tmp_path):
    declared = Table("toy", {"name": STR, "frame": INT_NULL})
    table = pd.DataFrame({"name": ["a", "b"], "frame": pd.array([1, None], "Int64")})
    write_table(table, tmp_path / "t.parquet", declared)
    assert pq.read_schema(tmp_path / "t.parquet").metadata[b"software"] == SOFTWARE.encode()
    table.to_parquet(tmp_path / "plain.parquet", index=False)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), pd.read_parquet(tmp_path / "plain.parquet"))
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.parquet", declared), read_table(tmp_path / "plain.parquet", declared))


def test_json_names_the_program_and_readers_pass_over_it(tmp_path):
    write_json({"mean": [1.5], "software": "an older one"}, tmp_path / "a.json")
    assert f'"software": "{SOFTWARE}"' in (tmp_path / "a.json").read_text()
    assert read_json(tmp_path / "a.json") == {"mean": [1.5]}
    (tmp_path / "older.json").write_text('{"mean": [1.5]}')
    assert read_json(tmp_path / "older.json") == {"mean": [1.5]}


def test_hdf5_files_name_the_program_and_are_whole_or_not_there(tmp_path):
    with writing_hdf5(tmp_path / "a.h5") as file:
        file["x"] = [1, 2]
    with h5py.File(tmp_path / "a.h5") as file:
        assert (file.attrs["software"], file["x"][:].tolist()) == (SOFTWARE, [1, 2])
    with pytest.raises(ZeroDivisionError), writing_hdf5(tmp_path / "b.h5"):
        1 / 0  # noqa: B018
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_figures_name_the_program_and_are_the_same_bytes_when_drawn_again(tmp_path):
    for name in ("a", "b"):
        figure = new_figure(1, 1)
        figure.subplots().plot([0, 1])
        save_figure(figure, tmp_path / f"{name}.pdf", tmp_path / f"{name}.png")
    for kind in ("pdf", "png"):
        one, other = ((tmp_path / f"{name}.{kind}").read_bytes() for name in ("a", "b"))
        assert SOFTWARE.encode() in one
        assert one == other
