# The checked configuration, the recordings sheet, and the functions that the other files of this folder use.
# Each cluster job parses this file again, so it imports nothing heavy.

import os
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# of this workflow, also where another one uses it as a module; data are found from the working folder
ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
if (ROOT / "src").is_dir():  # a clone; elsewhere the package is installed
    sys.path.insert(0, str(ROOT / "src"))
    os.environ.update(PYTHONPATH=str(ROOT / "src"))  # the rules' scripts import the package from here, in any environment

from cellfate.base.errors import InputError
from cellfate.planning.checks import checked_sheet, weights_of
from cellfate.planning.digests import config_digest, model_digest
from cellfate.planning.failed_jobs import FailedJobs
from cellfate.planning.library import library_of, readers_of
from cellfate.planning.targets import FIGURES, TITLES, Targets
from cellfate.recordings.sheet import frames_arguments, images_folder
from cellfate.tracks.formats import track_files

# in the order in which they are merged: the workflow's own first
CONFIG_FILES = sorted(workflow.configfiles, key=lambda file: Path(file).resolve() != (ROOT / "config/config.yaml").resolve())
STARTED, FAILED = time.time(), FailedJobs()
if workflow.is_main_process:
    logger.addHandler(FAILED)

try:
    SHEET = checked_sheet(config, CONFIG_FILES)
    WEIGHTS = weights_of(config)
except InputError as error:
    raise WorkflowError(f"Input error: {error}") from None

TARGETS = Targets(config, SHEET, CONFIG_FILES)
RECORDINGS, TRACKED, UNTRACKED = TARGETS.recordings, TARGETS.tracked, TARGETS.untracked
FOLDS = list(range(config["split"]["folds"]))
OWN_MODEL = f"{TARGETS.of_analysis}/model"
# masks of all tracks are shared between protocols; which tracks are held out is the protocol's choice
OF_ALL_TRACKS = config["segmentation"]["name"]
SEGMENTATION = OF_ALL_TRACKS + ("" if config["segmentation"]["tracks"] == "all" else f"-{config['protocol']}")
# minutes; None where recordings differ: then figures count frames only
COMMON_INTERVAL = None if SHEET is None or SHEET["frame_interval_min"].nunique() > 1 else float(SHEET["frame_interval_min"].iloc[0])

ALL_CROPS = expand("results/{{dataset}}/crops/{recording}.h5", recording=RECORDINGS)
ALL_FEATURES = expand(f"results/{{{{dataset}}}}/features/{SEGMENTATION}/{{recording}}.parquet", recording=RECORDINGS)
ALL_PREDICTIONS = expand("results/{{dataset}}/{{protocol}}/fold-{fold}/predictions.parquet", fold=FOLDS)
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


def code_of(script):
    """The modules that a script imports, directly or not: an input, so that editing one re-runs the rule."""
    return library_of(ROOT / "scripts" / script)


def of_recording(column):
    """A function of the wildcards: the sheet's value for the recording, None where the cell is empty."""
    values = {} if SHEET is None else dict(zip(SHEET["recording"], SHEET[column].astype(object).where(SHEET[column].notna(), None)))
    return lambda wildcards: values[wildcards.recording]


def images_of(wildcards):
    """The folder or file of the recording's frames; the folder in which they are, where the sheet has a pattern."""
    return images_folder(of_recording("images")(wildcards))


def frames_of(wildcards):
    """What opens the recording's frames: the arguments of cellfate.open_frames."""
    return frames_arguments(*(of_recording(column)(wildcards) for column in ("images", "channels", "channel_labels")))


def frames_reader(wildcards):
    """The modules that read the recording's frames: an input of what opens them, so that editing a reader re-runs its recordings alone."""
    return readers_of(of_recording("images")(wildcards))


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
