# What every rule file needs: the checked configuration, the recordings sheet, and a few small functions.
# Each cluster job parses this file again, so it imports nothing heavy.

import ast
import json
import os
import sys
from hashlib import sha256
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "src"))
os.environ["PYTHONPATH"] = str(ROOT / "src")  # the rules' scripts import the package from here, in any environment

from cellfate.config import check_config, check_sheet_agreement
from cellfate.errors import InputError
from cellfate.recordings import read_sheet, track_files
from cellfate.simulation_settings import simulation_settings
from cellfate.weights import weights_path

try:
    check_config(config, ROOT / "workflow/schemas/config.schema.yaml", workflow.configfiles)
    simulation_settings(config.get("simulation"))
    SHEET = read_sheet(config["recordings"]) if Path(config["recordings"]).exists() else None
    if SHEET is None and config["source"]["kind"] != "download":
        raise InputError(f"{config['recordings']}: no such file; it is the sheet of the recordings, one row each (see the README)")
    if SHEET is not None:
        check_sheet_agreement(config, SHEET, workflow.configfiles)
    WEIGHTS = str(weights_path(config["segmentation"]["model"]))
except InputError as error:
    raise WorkflowError(f"Input error: {error}") from None

RECORDINGS = [] if SHEET is None else list(SHEET["recording"])
FOLDS = list(range(config["split"]["folds"]))
# masks of all tracks are shared between protocols; which tracks are held out is the protocol's choice
SEGMENTATION = config["segmentation"]["name"] + ("" if config["segmentation"]["tracks"] == "all" else f"-{config['protocol']}")
# modules that move and check data but compute nothing: editing them makes no result stale
PLUMBING = {"errors", "files", "logs", "progress", "tables", "config"}


wildcard_constraints:
    dataset=config["dataset"].replace(".", r"\."),
    protocol=config["protocol"].replace(".", r"\.") + "|reference",
    segmentation=SEGMENTATION.replace(".", r"\."),
    recording="|".join(name.replace(".", r"\.") for name in RECORDINGS) or "[A-Za-z0-9_.-]+",
    fold=r"\d+",


def library_of(script):
    """The modules of src/cellfate that a script imports, directly or not: an input, so that editing one re-runs the rule.

    Snakemake watches scripts but not what they import. The imports are found by reading the code, nothing is run.
    """
    found, queue = set(), [ROOT / "scripts" / script]
    while queue:
        tree = ast.parse(queue.pop().read_text())
        for node in ast.walk(tree):
            names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                package, _, module = name.partition(".")
                path = ROOT / "src/cellfate" / f"{module}.py"
                if package == "cellfate" and module not in PLUMBING and path not in found and path.exists():
                    found.add(path)
                    queue.append(path)
    return sorted(os.path.relpath(path) for path in found)


def of_recording(column):
    """A function of the wildcards: the sheet's value for the recording, None where the cell is empty."""
    values = {} if SHEET is None else dict(zip(SHEET["recording"], SHEET[column]))

    def value(wildcards):
        found = values[wildcards.recording]
        return None if found != found else found

    return value


def channels_of(wildcards):
    return of_recording("channels")(wildcards).split(",")


def config_digest():
    """A short digest of the merged configuration, printed on the summary page."""
    return sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:12]


def growing(amount):
    """A resource that grows with each attempt, so that a job that ran out of memory or time succeeds when it is tried again."""
    return lambda wildcards, attempt: amount * attempt
