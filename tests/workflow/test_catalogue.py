"""What the workflow catalogue reads is as it expects it, and its small configuration plans the whole workflow."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
CATALOGUE = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())


def test_the_catalogue_is_told_how_the_workflow_is_used():
    assert list(CATALOGUE) == ["usage"]
    usage = CATALOGUE["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    assert usage["mandatory-flags"]["desc"].strip()
    assert usage["software-stack-deployment"] == {"conda": True, "apptainer": False, "apptainer+conda": False}
    assert usage["report"] is True


def test_the_flags_that_are_named_exist():
    flags = re.findall(r"--[a-z-]+", CATALOGUE["usage"]["mandatory-flags"]["flags"])
    assert flags
    known = subprocess.run([sys.executable, "-m", "snakemake", "--help"], capture_output=True, text=True, check=True).stdout
    assert [flag for flag in flags if not re.search(rf"{flag}\b", known)] == []


def test_the_files_that_the_catalogue_asks_for_are_there():
    for name in ("workflow/Snakefile", "config/README.md", "config/config.yaml", ".test/config/config.yaml", "README.md", "LICENSE"):
        assert (ROOT / name).is_file(), name
    rules = "\n".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    assert "conda:" in rules, "as software-stack-deployment says"
    assert "report(" in rules, "as report says"


def test_the_small_configuration_plans_the_whole_workflow(fresh):
    shutil.copytree(ROOT / ".test", fresh.folder / ".test")
    jobs = fresh.jobs(overlays=("demo/config.yaml", ".test/config/config.yaml"))
    assert {"simulate_recording": 4, "extract_crops": 4, "segment_cells": 4}.items() <= jobs.items()
    assert {"train_model", "plot_effects", "export_model", "write_summary"} <= set(jobs)
