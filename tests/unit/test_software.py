"""One version, wherever it is written."""

import tomllib
from pathlib import Path

import yaml

from cellfate.software import SOFTWARE, VERSION

ROOT = Path(__file__).parents[2]


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert project["version"] == citation["version"] == VERSION
    assert f"{project['name']} {VERSION}" == SOFTWARE
