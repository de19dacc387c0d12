# The checked configuration, the recordings sheet, and the functions that the other files of this folder use.
# Each cluster job parses this file again, so it imports nothing heavy.

import os
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError

# of this workflow, also where another one uses it as a module; data are found from the working folder
ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
if (ROOT / "src/cellfate").is_dir():  # a clone; elsewhere the package is installed
    sys.path.insert(0, str(ROOT / "src"))
    # the rules' scripts import the package from here, in any environment
    others = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder not in ("", sys.path[0])]
    os.environ.update(PYTHONPATH=os.pathsep.join([sys.path[0], *others]))

from cellfate.base.errors import InputError
from cellfate.planning.annotations import large_annotations
from cellfate.planning.checks import by_hand, checked_cells, checked_sheet, risks_needed, weights_of
from cellfate.planning.config import min_frames_of, transition_settings
from cellfate.planning.config_files import DEFAULTS, sources_of
from cellfate.planning.digests import as_text, config_digest, digest_without_corrections, model_digest, outlines_of
from cellfate.planning.running.failed_jobs import failure_report
from cellfate.planning.images import images_digest
from cellfate.planning.library import library_of, readers_of
from cellfate.planning.running.place import check_place, check_writable, folders_of_results
from cellfate.planning.targets import TITLES, Targets
from cellfate.recordings.cells import caveat, rows_of
from cellfate.recordings.sheet import frames_arguments, images_folder
from cellfate.tracks.formats import track_files

# the workflow's own, which is config/config.yaml in a clone, and that of the folder where results are written
for file in filter(os.path.exists, dict.fromkeys([os.path.relpath(DEFAULTS.resolve()), "config/config.yaml"])):

    configfile: file


STARTED = time.time()

try:
    check_place()
    CONFIG_FILES = sources_of(workflow, config)
    SHEET = checked_sheet(config, CONFIG_FILES)
    CELLS, WEIGHTS = checked_cells(config), weights_of(config)  # cells of ready-made crops, each with a movie; None for recordings
    BY_HAND = by_hand(config, SHEET)
except InputError as error:
    raise WorkflowError(f"Input error: {error}") from None

TARGETS = Targets(config, SHEET, CONFIG_FILES, None if CELLS is None else caveat(CELLS, config["recordings"]))
RECORDINGS, TRACKED, UNTRACKED, READY_MADE = TARGETS.recordings, TARGETS.tracked, TARGETS.untracked, TARGETS.ready_made
RECORDINGS_SHEET = config["recordings"] if CELLS is None else f"results/{config['dataset']}/recordings.tsv"
LARGE_ANNOTATIONS = large_annotations(SHEET) if config["source"]["kind"] in ("local", "files") else {}  # else each has its own
MIN_FRAMES, FOLDS = min_frames_of(config), list(range(config["split"]["folds"]))
ORDER_OF_CELLS_KNOWN = config["source"]["kind"] == "download"  # one annotation file for all recordings
OWN_MODEL = f"{TARGETS.of_analysis}/model"
# masks of all tracks are shared between protocols; which tracks are held out is the protocol's choice
OF_ALL_TRACKS = config["segmentation"]["name"]
SEGMENTATION = OF_ALL_TRACKS + ("" if config["segmentation"]["tracks"] == "all" else f"-{config['protocol']}")
# minutes; None where recordings differ: then figures count frames only
COMMON_INTERVAL = None if SHEET is None or SHEET["frame_interval_min"].nunique() > 1 else float(SHEET["frame_interval_min"].iloc[0])

ALL_CROPS = [TARGETS.crops(name) for name in RECORDINGS]
ALL_FEATURES = expand(f"results/{{{{dataset}}}}/features/{SEGMENTATION}/{{recording}}.parquet", recording=RECORDINGS)
ALL_MASKS = expand(f"results/{{{{dataset}}}}/masks/{SEGMENTATION}/{{recording}}.h5", recording=RECORDINGS)
ALL_RINGS = [TARGETS.rings(name) for name in RECORDINGS if name not in UNTRACKED]
ALL_PREDICTIONS = expand("results/{{dataset}}/{{protocol}}/fold-{fold}/predictions.parquet", fold=FOLDS)
ALL_PREFIXES = expand("results/{{dataset}}/{{protocol}}/fold-{fold}/prefixes.parquet", fold=FOLDS)
ALL_ATTENTION = expand("results/{{dataset}}/{{protocol}}/fold-{fold}/attention.parquet", fold=FOLDS)


def one_of(names):
    """A wildcard constraint that only these names meet; none meets that of no names."""
    return "|".join(name.replace(".", r"\.") for name in names) or "(?!)"


wildcard_constraints:
    dataset=one_of([config["dataset"]]),
    protocol=one_of([config["protocol"], "reference"]),
    segmentation=one_of({SEGMENTATION, OF_ALL_TRACKS}),
    recording=one_of(RECORDINGS) if RECORDINGS else "[A-Za-z0-9_.-]+",
    fold=r"\d+",
    kind="(-fated)?",  # of crops and rings: all tracks, or those with a fate


def of_workflow(path):
    """A file of this workflow as seen from the working folder; where the workflow itself is elsewhere it is fetched."""
    return os.path.relpath(ROOT / path if ROOT.is_dir() else workflow.source_path(f"../../{path}"))


def code_of(script):
    """The modules that a script imports, directly or not: an input, so that editing one re-runs the rule."""
    return library_of(of_workflow(f"scripts/{script}"))


def growing(amount):
    """A resource that grows with each attempt, so that a job that ran out of memory or time succeeds when it is tried again."""
    return lambda wildcards, attempt: amount * attempt


def figure(name, folder="results/{dataset}/{protocol}/figures", category="2 Figures"):
    """The two files of a figure; the PNG goes into the report."""
    labels = {"figure": TITLES[name]} if name in TITLES else None
    in_report = dict(category=category, caption=f"../report/{name}.rst", labels=labels)
    return {"pdf": f"{folder}/{name}.pdf", "png": report(f"{folder}/{name}.png", **in_report)}


def files_of(target):
    """The files of a target, found when it is asked for: what it lacks is no error for the others."""

    def files(wildcards):
        if target == "everything" and workflow.is_main_process and (note := TARGETS.note()):
            print(note, file=sys.stderr)
        try:
            return getattr(TARGETS, target)()
        except InputError as error:
            raise WorkflowError(f"Input error: {error}") from None

    return files
