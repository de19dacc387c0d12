"""One version, wherever it is written."""

import re
import tomllib
from importlib import import_module
from pathlib import Path

import yaml

import cellfate
from cellfate.base.software import SOFTWARE, VERSION

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
