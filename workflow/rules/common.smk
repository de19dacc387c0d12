# The checked configuration, the recordings sheet, and the functions that the other files of this folder use.
# Each cluster job parses this file again, so it imports nothing heavy.

import json
import os
import sys
import time
from hashlib import sha256
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "src"))
os.environ.update(PYTHONPATH=str(ROOT / "src"))  # the rules' scripts import the package from here, in any environment

from cellfate.config import check_config, check_sheet_agreement, check_states
from cellfate.errors import InputError
from cellfate.exported_model import check_recordings
from cellfate.failures import failure_table, failures
from cellfate.library import library_of, readers_of
from cellfate.recordings import images_folder, read_sheet
from cellfate.track_formats import track_files
from cellfate.simulation_settings import simulation_settings
from cellfate.weights import FOLDER, SIMULATED, weights_path

# in the order in which they are merged: the Snakefile's own first
CONFIG_FILES = sorted(workflow.configfiles, key=lambda file: Path(file).resolve() != ROOT / "config.yaml")

OWN_MODEL = f"results/{config['dataset']}/{config['protocol']}/model"

try:
    check_config(config, ROOT / "workflow/schemas/config.schema.yaml", CONFIG_FILES)
    simulation_settings(config.get("simulation"))
    SHEET = read_sheet(config["recordings"]) if Path(config["recordings"]).exists() else None
    if SHEET is None and config["source"]["kind"] != "download":
        raise InputError(f"{config['recordings']}: no such file; it is the sheet of the recordings, one row each (see the README)")
    if SHEET is not None:
        check_sheet_agreement(config, SHEET, CONFIG_FILES, analysis=config["prediction"]["model"] is None)
    if SHEET is not None and config["prediction"]["model"] not in (None, OWN_MODEL):
        check_recordings(config["prediction"]["model"], SHEET, config["recordings"], config["prediction"]["allow_other_interval"])
    MODEL = config["segmentation"]["model"]
    # published weights serve every data set; the network that is trained here depends on its settings and seed
    WEIGHTS = str(weights_path(MODEL, f"resources/{config['dataset']}/cellpose" if MODEL == SIMULATED else FOLDER))
except InputError as error:
    raise WorkflowError(f"Input error: {error}") from None

RECORDINGS = [] if SHEET is None else list(SHEET["recording"])
# recordings whose row has no tracks: they are segmented and tracked here
UNTRACKED = [] if SHEET is None else list(SHEET.loc[SHEET["tracks"].isna(), "recording"])
TRACKED = [name for name in RECORDINGS if name not in UNTRACKED]
FOLDS = list(range(config["split"]["folds"]))
# masks of all tracks are shared between protocols; which tracks are held out is the protocol's choice
OF_ALL_TRACKS = config["segmentation"]["name"]
SEGMENTATION = OF_ALL_TRACKS + ("" if config["segmentation"]["tracks"] == "all" else f"-{config['protocol']}")
STARTED = time.time()

FIGURES = ["figure_2", "figure_3", "figure_4", "figure_5", "figure_6", "training_curves", "calibration"]
TITLES = {
    "figure_2": "Figure 2: confusion matrix",
    "figure_3": "Figure 3: truncation and last k frames",
    "figure_4": "Figure 4: attention and occlusion before the event",
    "figure_5": "Figure 5: features of the frames that count",
    "figure_6": "Figure 6: trajectories with their attention",
    "training_curves": "Training curves",
    "calibration": "Calibration",
    "states": "States of cells and where they end",
}
# minutes; None where recordings differ: then figures count frames only
COMMON_INTERVAL = None if SHEET is None or SHEET["frame_interval_min"].nunique() > 1 else float(SHEET["frame_interval_min"].iloc[0])


wildcard_constraints:
    dataset=config["dataset"].replace(".", r"\."),
    protocol=config["protocol"].replace(".", r"\.") + "|reference",
    segmentation="|".join({name.replace(".", r"\.") for name in (SEGMENTATION, OF_ALL_TRACKS)}),
    recording="|".join(name.replace(".", r"\.") for name in RECORDINGS) or "[A-Za-z0-9_.-]+",
    fold=r"\d+",


def code_of(script):
    """The modules that a script imports, directly or not: an input, so that editing one re-runs the rule."""
    return library_of(ROOT / "scripts" / script)


def frames_reader(wildcards):
    """The modules that read the recording's frames: an input of what opens them, so that editing a reader re-runs its recordings alone."""
    return readers_of(of_recording("images")(wildcards))


def readers(wildcards):
    """The modules that read the recording's frames and its tracks."""
    return readers_of(of_recording("images")(wildcards), of_recording("tracks_format")(wildcards))


def of_recording(column):
    """A function of the wildcards: the sheet's value for the recording, None where the cell is empty."""
    values = {} if SHEET is None else dict(zip(SHEET["recording"], SHEET[column]))

    def value(wildcards):
        found = values[wildcards.recording]
        return None if found != found else found

    return value


def one_of(names):
    """A wildcard constraint that only these names meet; none meets that of no names."""
    return "|".join(name.replace(".", r"\.") for name in names) or "(?!)"


def tracked_channel():
    """The channel in which recordings without tracks are segmented."""
    return config["tracking"]["channel"] or config["segmentation"]["channel"]


def tracking_settings():
    """The settings of the tracker; the other keys of the section belong to the segmentation and the checks."""
    others = ("channel", "diameter", "min_area", "min_doubling_h")
    return {key: value for key, value in config["tracking"].items() if key not in others}


def tracking_targets():
    """How plausible the tracks made here are, as a table and a picture for each recording."""
    kinds = ["qc.csv", "png"] + ["truth.csv"] * (config["source"]["kind"] == "simulate")
    return expand(f"results/{config['dataset']}/tracking/{{recording}}.{{kind}}", recording=UNTRACKED, kind=kinds)


def channels_of(wildcards):
    return of_recording("channels")(wildcards).split(",")


def images_of(wildcards):
    """The folder or file of the recording's frames; the folder in which they are, where the sheet has a pattern."""
    return images_folder(of_recording("images")(wildcards))


def frames_of(wildcards):
    """What opens the recording's frames: the arguments of cellfate.frames.open_frames."""
    labels = of_recording("channel_labels")(wildcards)
    return {
        "images": of_recording("images")(wildcards),
        "channels": channels_of(wildcards),
        "channel_labels": labels and labels.split(","),
    }


def config_digest():
    """A short digest of the merged configuration, printed on the summary page."""
    return sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:12]


def model_digest():
    """A short digest of the configuration without the sections that come after the model and its scores."""
    later = {"segmentation", "features", "attention", "statistics", "figures", "notes", "prediction", "transition", "states"}
    return sha256(json.dumps({k: v for k, v in config.items() if k not in later}, sort_keys=True).encode()).hexdigest()[:12]


def growing(amount):
    """A resource that grows with each attempt, so that a job that ran out of memory or time succeeds when it is tried again."""
    return lambda wildcards, attempt: amount * attempt


def tracks_segmented(wildcards):
    """``all`` or ``held_out``: which tracks have masks in the folder; the states of cells need those of all."""
    return "all" if wildcards.segmentation == OF_ALL_TRACKS else "held_out"


def only_held_out(value, otherwise):
    """A function of the wildcards: ``value`` where held-out tracks alone have masks, so that masks of all do not depend on it."""
    return lambda wildcards: value if tracks_segmented(wildcards) == "held_out" else otherwise


def held_out_tables(wildcards):
    """The tables that say which tracks are held out; masks of all tracks depend on no protocol's tables."""
    if tracks_segmented(wildcards) == "all":
        return {}
    folder = f"results/{config['dataset']}/{config['protocol']}"
    return {"trajectories": f"{folder}/trajectories.parquet", "split": f"{folder}/split.parquet"}


def whole_frames():
    """The frames of a recording as an input, where dense ones are segmented whole."""
    return {"images": images_of, "reader": frames_reader} if config["segmentation"]["whole_frames_from"] else {}


def figure(name):
    """The two files of a figure; the PNG goes into the report."""
    path = f"results/{{dataset}}/{{protocol}}/figures/{name}"
    return {
        "pdf": f"{path}.pdf",
        "png": report(f"{path}.png", category="2 Figures", caption=f"../report/{name}.rst", labels={"figure": TITLES[name]}),
    }


def figure_targets():
    folder = f"results/{config['dataset']}/{config['protocol']}/figures"
    names = FIGURES + ["truth"] * (config["source"]["kind"] == "simulate")
    return [] if SHEET is None else expand(f"{folder}/{{name}}.{{kind}}", name=names, kind=["pdf", "png"])


def final_targets():
    """Everything; as long as the sheet is not written, the sheet alone."""
    if SHEET is None:
        if workflow.is_main_process:
            print(
                f"\nThe recordings sheet {config['recordings']} is not there yet. This run downloads the annotations and writes it;\n"
                "run snakemake once more after that, and all jobs are planned from it.\n",
                file=sys.stderr,
            )
        return [config["recordings"]]
    if config["prediction"]["model"] is not None:  # not checked when the file was read: predictions do without
        try:
            check_sheet_agreement(config, SHEET, CONFIG_FILES)
        except InputError as error:
            raise WorkflowError(f"Input error: {error}") from None
    folder = f"results/{config['dataset']}/{config['protocol']}"
    published = [f"{folder}/tables/published.csv"] * (config["dataset"] == "published")
    if len(UNTRACKED) == len(SHEET):
        if workflow.is_main_process:
            print(
                f"\nNo recording of {config['recordings']} has tracks, so no cell has a fate to train with. This run segments and tracks the\n"
                "recordings and cuts their crops (of all tracks with crops: {tracks: all}); snakemake predict predicts their cells.\n",
                file=sys.stderr,
            )
        return [*tracking_targets(), *drift_targets(), *expand(f"results/{config['dataset']}/crops/{{recording}}.h5", recording=UNTRACKED)]
    return [*figure_targets(), f"{folder}/summary.html", OWN_MODEL, *published, *tracking_targets(), *drift_targets()]


def prediction_targets():
    """The predictions of each recording, as tables, for viewers, and as a picture; without the sheet, the sheet."""
    if SHEET is None:
        return [config["recordings"]]
    kinds = ["parquet", "csv", "geff", "napari.csv", "png"]
    return expand(f"results/{config['dataset']}/predictions/{{recording}}.{{kind}}", recording=RECORDINGS, kind=kinds)


def drift_targets():
    """The pictures of the drift, where it is registered."""
    if SHEET is None or config["registration"]["method"] == "none":
        return []
    return expand(f"results/{config['dataset']}/drift/{{recording}}.png", recording=RECORDINGS)


def drift_table():
    """The table of a recording's drift as an input, where it is registered: tracks are then linked in registered positions."""
    return {} if config["registration"]["method"] == "none" else {"drift": "results/{dataset}/drift/{recording}.csv"}


def last_words():
    """Where the results of a finished run are: of the rules that were asked for by name, else the summary page of the whole."""
    results = Path("results", config["dataset"])
    folders = {"predict": "predictions", "transition": "transition", "states": f"{config['protocol']}/figures"}
    asked = [results / folders[target] for target in sorted(workflow.dag_settings.targets) if target in folders]
    if there := [f"{folder}/" for folder in asked if folder.is_dir()]:
        return f"\nThe results are in {' and '.join(there)}"
    page = results / config["protocol"] / "summary.html"
    return f"\nOpen {page} in a browser; figures and tables are beside it." if page.exists() else ""


def failed_jobs(logs):
    """Each recording that failed in this run, with the rule and the reason, so that they are the last thing on the screen."""
    groups = []
    for failed in workflow.scheduler.failed if workflow.scheduler else ():
        jobs = [job for level in failed.toposorted for job in level] if failed.is_group() else [failed]
        groups.append([(job_name(job), job.rule.name, str(job.log[0]) if job.log else "") for job in jobs])
    messages = "".join(Path(log).read_text(errors="replace") for log in logs if Path(log).exists())
    found = failures(groups, messages, STARTED)
    if not found:
        return "\nThe run stopped before any job failed: see the messages above."
    advice = "\nTo go on without a recording put # before its row of the sheet; then run the same command again."
    return f"\n{len(found)} jobs failed:\n{failure_table(found)}\n{advice * any(failure.what in RECORDINGS for failure in found)}"


def job_name(job):
    """The recording of a job, else its fold, else a dash."""
    values = dict(job.wildcards.items()) if job.wildcards else {}
    return values.get("recording") or (f"fold {values['fold']}" if "fold" in values else "-")


def transition_figure(name):
    """The two files of a figure of the phenotype transitions."""
    path = f"results/{{dataset}}/transition/figures/{name}"
    return {
        "pdf": f"{path}.pdf",
        "png": report(f"{path}.png", category="4 Phenotype transitions", caption=f"../report/{name}.rst"),
    }


def transition_only(path):
    """A file that static labels do not have: they are refused as transitions."""
    return [] if config["transition"]["targets"]["kind"] == "static" else path


def transition_outputs():
    """Figures and tables of the phenotype transitions; static labels give a classification, its confusion and a screening of genes."""
    settings = config["transition"]
    simulated = settings["source"] == "simulate"
    if not simulated and settings["expression"]["path"] is None:
        raise WorkflowError("Input error: transition.expression.path is not set; it is the h5ad file of your cells (docs/transition.md)")
    if not simulated and not Path(settings["expression"]["path"]).is_file():
        raise WorkflowError(f"Input error: transition.expression.path is {settings['expression']['path']!r}, which does not exist")
    folder = f"results/{config['dataset']}/transition"
    names = ["transition_matrix", "regulators", "ablation"] + ["knockouts"] * bool(transition_only("knockouts"))
    targets = expand(f"{folder}/figures/{{name}}.{{kind}}", name=names, kind=["pdf", "png"])
    return targets + [f"{folder}/truth/scores.csv"] * (simulated and "knockouts" in names)


def states_outputs():
    """The figure of the states of cells; what the sheet cannot give stops here."""
    if SHEET is None:
        return [config["recordings"]]
    try:
        check_states(config, SHEET, CONFIG_FILES)
    except InputError as error:
        raise WorkflowError(f"Input error: {error}") from None
    return expand(f"results/{config['dataset']}/{config['protocol']}/figures/states.{{kind}}", kind=["pdf", "png"])
