"""The rules' conda environments name the versions that are pinned for everyone."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PINS = dict(line.split("==") for line in (ROOT / "requirements.txt").read_text().split() if "==" in line)
FILES = sorted((ROOT / "envs").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_versions_are_the_pinned_ones(file):
    packages = next(entry["pip"] for entry in yaml.safe_load(file.read_text())["dependencies"] if isinstance(entry, dict))
    assert packages
    assert {name: PINS[name] for name in (p.split("==")[0] for p in packages)} == dict(p.split("==") for p in packages)


def test_every_scripted_rule_names_an_environment_that_exists():
    named = {}
    for file in (ROOT / "workflow/rules").glob("*.smk"):
        blocks = re.split(r"^\s*rule ", file.read_text(), flags=re.MULTILINE)[1:]
        for block in blocks:
            if "script:" in block:
                named[block.split(":")[0]] = re.search(r'conda:\s+"../../envs/(\w+\.yaml)"', block)
    assert len(named) > 20
    assert {rule for rule, match in named.items() if match is None} == set()
    assert {match[1] for match in named.values()} == {file.name for file in FILES}
