# What the other files of this folder look up in the recordings sheet and the configuration.

from functools import cache
from types import SimpleNamespace

from cellfate.explanation.attributions.names import RISKS, models_of, needs_images, needs_masks
from cellfate.planning.config import label_words
from cellfate.tracks.corrections.rows import all_rows, without_lines


@cache  # every job asks: a sheet of 300 recordings would be read thousands of times
def sheet_values(column):
    """The sheet's value for each recording, None where the cell is empty; shared by all who ask, and not to be changed."""
    return {} if SHEET is None else dict(zip(SHEET["recording"], SHEET[column].astype(object).where(SHEET[column].notna(), None)))


def of_recording(column):
    """A function of the wildcards: the sheet's value for the recording."""
    values = sheet_values(column)
    return lambda wildcards: values[wildcards.recording]


def images_of(wildcards):
    """The folder or file of the recording's frames; the folder in which they are, where the sheet has a pattern.

    The time of a folder that is not made here says nothing: what a file browser leaves in it would re-run all. Its frames are a param.
    """
    path = images_folder(of_recording("images")(wildcards))
    return ancient(path) if config["source"]["kind"] == "local" and Path(path).is_dir() else path


def images_known(wildcards):
    """A digest of the frames in the recording's folder, where it is not made here: other frames re-run what reads them."""
    return images_digest(of_recording("images")(wildcards)) if config["source"]["kind"] == "local" else None


def tracks_of(wildcards):
    """The recording's tracks; where they stand in a large file of many recordings, the folder of its pieces."""
    path = of_recording("tracks")(wildcards)
    pieces = [name for name, whole in LARGE_ANNOTATIONS.items() if whole == path]
    return f"results/{wildcards.dataset}/annotations/{pieces[0]}" if pieces else path


def files_beside_tracks(wildcards):
    """The files that are read besides the tracks."""
    path = of_recording("tracks")(wildcards)
    return [] if path in LARGE_ANNOTATIONS.values() else track_files(path, of_recording("tracks_format")(wildcards))


def edited_of_recording(wildcards):
    """The file of the recording's edited tracks; nothing where none of them was edited."""
    return BY_HAND.edited.get(wildcards.recording, [])


def cells_of(wildcards):
    """The rows of the cells sheet for the recording: params, so that a change of another recording's cells re-runs nothing here."""
    return rows_of(CELLS, wildcards.recording)


def movies_of(wildcards):
    """The files and folders of the movies of the recording's cells; folders as in images_of."""
    paths = dict.fromkeys(images_folder(row["movie"]) for row in cells_of(wildcards))
    return [ancient(path) if Path(path).is_dir() else path for path in paths]


def movies_known(wildcards):
    """A digest of the frames of each movie that is a folder or a pattern, as images_known; None for files."""
    return [images_digest(row["movie"]) for row in cells_of(wildcards)]


def movie_readers(wildcards):
    """The modules that read the movies of the recording's cells."""
    return readers_of([row["movie"] for row in cells_of(wildcards)])


def frames_of(wildcards):
    """What opens the recording's frames: the arguments of cellfate.open_frames."""
    row = (of_recording(column)(wildcards) for column in ("images", "channels", "channel_labels", "last_image"))
    return frames_arguments(*row, config["source"]["max_pixels"])


def frames_reader(wildcards):
    """The modules that read the recording's frames: an input of what opens them, so that editing a reader re-runs its recordings alone."""
    return readers_of(of_recording("images")(wildcards))


def readers(wildcards):
    """The modules that read the recording's frames and its tracks."""
    return readers_of(of_recording("images")(wildcards), of_recording("tracks_format")(wildcards))


def crops_of(wildcards):
    """The recording's crops."""
    return TARGETS.crops(wildcards.recording)


def tracks_cut(wildcards):
    """``all`` or ``fated``: which tracks have crops in the folder."""
    return "fated" if wildcards.kind else "all"


def tracked_channel():
    """The channel in which recordings without tracks are segmented."""
    return config["tracking"]["channel"] or config["segmentation"]["channel"]


def tracking_settings():
    """The settings of the tracker; the other keys of the section belong to the segmentation and the checks."""
    others = ("channel", "diameter", "min_area", "min_doubling_h")
    return {key: value for key, value in config["tracking"].items() if key not in others}


def drift_table():
    """The table of a recording's drift as an input, where it is registered: tracks are then linked in registered positions."""
    return {} if config["registration"]["method"] == "none" else {"drift": "results/{dataset}/drift/{recording}.csv"}


def frames_of_doubt():
    """The frames of a recording as an input, where intensities say which links are doubtful."""
    return {"images": images_of, "reader": frames_reader} if config["tracks"]["doubt"] == "images" else {}


def confidence_of_tracks():
    """How likely each track is one cell, of all recordings; nothing where it is not asked for, or there are no positions."""
    files = expand("results/{{dataset}}/tracks/{recording}.confidence.parquet", recording=RECORDINGS)
    return {} if config["tracks"]["doubt"] is None or READY_MADE else {"confidence": files}


def confidence_of_selection():
    """The same for the selection, which takes note of it; as long as nothing is left out by it, it is no reason to select, and train, anew."""
    found = confidence_of_tracks()
    return found if config["tracks"]["min_confidence"] is not None else {name: list(map(ancient, files)) for name, files in found.items()}


def score_by_confidence():
    """The score by how sure tracks are, for the summary page; nothing where it is not asked for."""
    return {"by_confidence": "results/{dataset}/{protocol}/tables/score_by_confidence.csv"} if confidence_of_tracks() else {}


def tracks_segmented(wildcards):
    """``all`` or ``held_out``: which tracks have masks in the folder; the states of cells need those of all."""
    return "all" if wildcards.segmentation == OF_ALL_TRACKS else "held_out"


def only_held_out(value, otherwise):
    """A function of the wildcards: ``value`` where held-out tracks alone have masks, so that masks of all do not depend on it."""
    return lambda wildcards: value if tracks_segmented(wildcards) == "held_out" else otherwise


def held_out_tables(wildcards):
    """The tables that say which tracks are held out; masks of all tracks depend on no protocol's tables."""
    tables = {name: f"{TARGETS.of_analysis}/{name}.parquet" for name in ("trajectories", "split")}
    return {} if tracks_segmented(wildcards) == "all" else tables


def features_of_all():
    """The features of all tracks as an input, where they are measured for all: those of held-out cells alone teach nothing."""
    return {"features": ALL_FEATURES} if SEGMENTATION == OF_ALL_TRACKS else {}


def hidden_from():
    """Crops, where a part of the image is hidden, and masks, where the cell is: none that evaluation.ablations does not need."""
    kinds = config["evaluation"]["ablations"] or []
    return {"crops": ALL_CROPS if {"cell", "channels"} & set(kinds) else [], "masks": ALL_MASKS if "cell" in kinds else []}


def explained_with():
    """What the methods of explanations need besides the published network: crops, masks, and what the risks rest on."""
    methods = TARGETS.methods
    crops = {"crops": ALL_CROPS if needs_images(methods) else [], "masks": ALL_MASKS if needs_masks(methods) else []}
    if not models_of(methods)[RISKS]:
        return crops
    return {**crops, **inputs_of_risks(), "risks": "results/{dataset}/{protocol}/fold-{fold}/risks/model"}


def scores_of_explanations():
    """How faithful the explanations are, for the summary page; nothing where no method is asked for, or none serves a model of the run."""
    return {"attributions": "results/{dataset}/{protocol}/tables/attribution_scores.csv"} if TARGETS.methods else {}


def coverage_of(wildcards):
    """Where the cell was found, beside the features; not known of the published effect sizes."""
    return {} if wildcards.protocol == "reference" else {"coverage": "results/{dataset}/{protocol}/tables/segmentation_coverage.csv"}


def whole_frames():
    """The frames of a recording as an input, where dense ones are segmented whole."""
    return {"images": images_of, "reader": frames_reader} if config["segmentation"]["whole_frames_from"] else {}


def inputs_of_risks():
    """The tables that the numbers of frames are read from, for training and prediction of risks."""
    features = {"features": ALL_FEATURES} if config["risks"]["inputs"]["features"] else {}
    embedding = {"embedding": config["risks"]["embedding"]} if config["risks"]["embedding"] else {}
    return {"rings": ALL_RINGS, **features, **embedding}


def params_of_risks():
    """What both steps of the risks need to know: their inputs, when the drug came, and how tracks without a fate are split."""
    starts = {} if SHEET is None else dict(zip(SHEET["recording"], SHEET["treatment_start_h"].fillna(0).astype(float).tolist()))
    shared = {"starts": starts, "unit": config["split"]["unit"], "seed": config["seed"]}
    return {"inputs": config["risks"]["inputs"], **shared}


def risks_to_export():
    """The networks of risks of all folds, what they said of held-out tracks and how good that is, where there are any."""
    if not config["risks"]["enabled"]:
        return {}
    scores = {"risk_scores": "results/{dataset}/{protocol}/tables/risk_scores.csv"}
    names = {"risks": "model", "fates": "fates.parquet"}
    return scores | {
        key: expand(f"results/{{{{dataset}}}}/{{{{protocol}}}}/fold-{{fold}}/risks/{name}", fold=FOLDS) for key, name in names.items()
    }


def inputs_of_new_risks():
    """What the model's networks of risks need of a new recording besides its frames; of a model without, its other predictions."""
    needs = risks_needed(config)
    if needs is None:
        return predictions_by_network()
    features = {"features": f"results/{{dataset}}/features/{OF_ALL_TRACKS}/{{recording}}.parquet"} if needs.features else {}
    return {**features, **({"embedding": config["risks"]["embedding"]} if needs.embedding else {})}


def predictions_by_network():
    """What the published network says of a recording, where the model holds it."""
    return {"predictions": "results/{dataset}/predictions/{recording}.parquet"} if TARGETS.network_predicts else {}


def images_for_viewers():
    """The frames of a recording as arrays beside its tracks, where they are asked for."""
    return {"images": "results/{dataset}/predictions/{recording}.images.zarr"} if config["prediction"]["viewer_images"] else {}


def outlines_for_viewers(wildcards):
    """The masks of whole frames, and the tracks that were made of them; none where tracks were given."""
    found = {"masks": "results/{dataset}/frame_masks/{recording}.h5", "tracks": "results/{dataset}/tracks/{recording}.parquet"}
    return {name: path.format(**wildcards) for name, path in found.items()} if wildcards.recording in UNTRACKED else {}


def tables_of_predicted(wildcards):
    """What is predicted of all recordings, and their tracks."""
    kinds = {"tracks": "tracks/{}.parquet", "outcomes": "tracks/{}.outcomes.parquet", "fates": "predictions/{}.fates.parquet"}
    kinds |= {"predictions": "predictions/{}.parquet"} if TARGETS.network_predicts else {}
    return {key: [f"results/{wildcards.dataset}/{kind.format(name)}" for name in RECORDINGS] for key, kind in kinds.items()}


def facts_of_predicted(name):
    """What opens a recording's frames, and the numbers that the sheet says of it."""
    recording = SimpleNamespace(recording=name)
    return {"frames": frames_of(recording), **facts_of_recording(recording)}


def facts_of_recording(wildcards):
    """What the sheet says of a recording that risks depend on."""
    columns = ("frame_interval_min", "pixel_size_um", "treatment_start_h")
    return {column: of_recording(column)(wildcards) for column in columns}


def tables_of_risks():
    """How good the risks are, for the summary page; nothing where they are not asked for."""
    names = ("risk_scores", "risk_calibration", "risk_alarms", "fate_before") if config["risks"]["enabled"] else ()
    return {name: f"results/{{dataset}}/{{protocol}}/tables/{name}.csv" for name in names}


def fates_of_held_out():
    """What the risks say of held-out tracks, for the page of cells; nothing where they are not asked for."""
    return {"fates": TARGETS.fates()} if config["risks"]["enabled"] else {}


def cells_of_figures():
    """The tables that say which single cells are in figures."""
    names = {"in_figure_5": "effects.parquet", "in_figure_6": "examples.csv"}
    names |= {"in_risks": "risk_examples.csv"} if config["risks"]["enabled"] else {}
    return {key: f"results/{{dataset}}/{{protocol}}/tables/{name}" for key, name in names.items()}


def single_cells():
    """The worst errors and the cells of figures, for the summary page; nothing without an explorer."""
    errors = {"errors": "results/{dataset}/{protocol}/tables/worst_errors.json"}
    return {**errors, **cells_of_figures()} if config["explorer"]["enabled"] else {}


def times_of_recordings():
    """Minutes between frames, and hours to the drug, of each recording."""
    columns = {column: sheet_values(column) for column in ("frame_interval_min", "treatment_start_h")}
    return {name: {column: values[name] for column, values in columns.items()} for name in RECORDINGS}


def predictions_known():
    """The predictions that are there for the order of the label page, each with its time; none for an order that needs none."""
    return [[path, os.stat(path).st_mtime_ns] for path in TARGETS.predicted()]


def trends_along():
    """The column that trends of fates follow, None where nothing says it."""
    targets = TRANSITION["targets"]
    of_targets = {"optimal_transport": targets["time"], "pseudotime": targets["column"]}
    return TRANSITION["fates"]["along"] or of_targets.get(targets["kind"])


def cells_file():
    """The h5ad file of the cells: made up, made of tracked cells, or the user's; nothing where none is named."""
    made = {"simulate": "resources/{dataset}/transition/cells.h5ad", "features": "results/{dataset}/transition/looks.h5ad"}
    return made.get(TRANSITION["source"]) or TRANSITION["expression"]["path"] or []


def tables_of_tracks():
    """The tables of tracked cells: the user's, or features and states of this dataset's own."""
    if tables := TRANSITION["tracks"]["files"]:
        return {"tables": tables}
    own = expand(f"results/{{{{dataset}}}}/features/{OF_ALL_TRACKS}/{{recording}}.parquet", recording=RECORDINGS)
    return {"tables": own, "states": f"results/{{dataset}}/{config['protocol']}/states.parquet"}


def others_of_tracks():
    """The columns of tracked cells that settings name, besides those that every look has."""
    named = (TRANSITION["group"], TRANSITION["condition"]["column"])
    return [name for name in dict.fromkeys(named) if name not in (None, "recording", "track", "phenotype")]


def facts_of_tracks():
    """What the sheet says of the recordings whose tracked cells are looked at; None for the user's tables."""
    columns = ["recording", "frame_interval_min", *others_of_tracks()]
    if TRANSITION["tracks"]["files"] or SHEET is None:
        return None
    if absent := [name for name in columns if name not in SHEET]:
        raise WorkflowError(f"Input error: the recordings sheet has no column {absent[0]!r} (transition.group, transition.condition)")
    return SHEET[columns].astype(object).where(SHEET[columns].notna(), None).to_dict("list")


def transition_only(path):
    """A file that static labels do not have: they are refused as transitions."""
    return [] if TRANSITION["targets"]["kind"] == "static" else path


def order_of_cells():
    """The order of the cells in the annotation file as an input, where there is one such file and the split depends on it."""
    return {"cells": "resources/{dataset}/cells.tsv"} if ORDER_OF_CELLS_KNOWN and config["split"]["unit"] == "source_code" else {}


def start_of_training():
    """What training starts from: the scaling of the fold, or a published checkpoint, which has its own."""
    imported = config["training"]["checkpoint"]
    return {"checkpoint": imported} if imported else {"scaling": "results/{dataset}/{protocol}/fold-{fold}/scaling.json"}
