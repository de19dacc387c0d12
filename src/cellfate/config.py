"""The configuration: its schema, and what a schema cannot say."""

import math
from pathlib import Path

import pandas as pd
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from cellfate.errors import InputError
from cellfate.recordings import images_folder
from cellfate.tables import TABLES


def check_config(config: dict, schema_path: str | Path, config_files: list[str | Path]) -> None:
    """Check the merged configuration; raise an InputError that names the file, the key and the value.

    ``config_files`` are the files that were merged, in that order; the error names the last one that sets the key.
    """
    schema = yaml.safe_load(Path(schema_path).read_text())
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    if error is not None:
        raise InputError(_explain(error, config_files))
    _check_agreement(config, config_files)


def _explain(error: ValidationError, config_files: list[str | Path]) -> str:
    path = [str(part) for part in error.absolute_path]
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = next(key for key in error.instance if key not in known)
        where = ".".join([*path, unknown])
        return f"{_file_of([*path, unknown], config_files)}: unknown key {where}; known here: {', '.join(known)}"
    if error.validator == "required":
        absent = next(key for key in error.validator_value if key not in error.instance)
        return f"{_file_of(path, config_files)}: key {'.'.join([*path, absent])} is missing"
    wanted = {
        "enum": lambda: f"one of {', '.join(map(str, error.validator_value))} is needed",
        "minimum": lambda: f"at least {error.validator_value} is needed",
        "exclusiveMinimum": lambda: f"more than {error.validator_value} is needed",
        "maximum": lambda: f"at most {error.validator_value} is allowed",
        "type": lambda: f"{' or '.join(_as_list(error.validator_value))} is needed",
    }.get(error.validator, lambda: error.message)()
    return f"{_file_of(path, config_files)}: {'.'.join(path)} is {error.instance!r}, {wanted}"


def _as_list(value: str | list) -> list:
    return value if isinstance(value, list) else [value]


def _file_of(path: list[str], config_files: list[str | Path]) -> str:
    """The last configuration file that sets the key at ``path``."""
    for file in reversed(config_files):
        node = yaml.safe_load(Path(file).read_text()) or {}
        for part in path:
            if isinstance(node, dict) and part in node:
                node = node[part]
            elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
                node = node[int(part)]
            else:
                break
        else:
            return str(file)
    return ", ".join(map(str, config_files)) or "--config"


def _check_agreement(config: dict, config_files: list[str | Path]) -> None:
    """Rules between keys, each with the reason in its message."""

    def require(holds: bool, path: list[str], message: str) -> None:
        if not holds:
            node = config
            for part in path:
                node = node[part]
            raise InputError(f"{_file_of(path, config_files)}: {'.'.join(path)} is {node!r}, {message}")

    fractions = config["split"]["fractions"]
    require(math.isclose(sum(fractions), 1, abs_tol=1e-6), ["split", "fractions"], "train, validation and test must add up to 1")
    require(config["split"]["folds"] != 2, ["split", "folds"], "1 (one split) or at least 3 (train, validation and test parts) is needed")
    names = config["outcomes"]
    require(names["negative"] != names["positive"], ["outcomes", "positive"], "the two outcomes must differ")
    require("censored" not in names.values(), ["outcomes"], "censored tracks have no outcome that could be compared")
    require(
        config["crops"]["min_frames"] <= config["trajectories"]["min_frames"],
        ["crops", "min_frames"],
        f"at most trajectories.min_frames ({config['trajectories']['min_frames']}) is allowed: longer tracks would have no crops",
    )
    model = config["model"]
    width = model["width"] * 8 * (4 if model["block"] == "bottleneck" else 1)
    require(width % model["encoder_heads"] == 0, ["model", "encoder_heads"], f"must divide the width of the embeddings, {width}")
    size = config["crops"]["size"]
    require(model["input_size"] <= size, ["model", "input_size"], f"at most crops.size ({size}) is allowed")
    for key in ("truncation", "last_k"):
        values = config["evaluation"][key]
        require(sorted(set(values)) == values, ["evaluation", key], "numbers must rise, each once")
    for key in ("end_mask_fraction", "start_mask_fraction"):
        low, high = config["augmentation"][key]
        require(low <= high, ["augmentation", key], "the first must not be larger than the second")
    low, high = config["augmentation"]["blur_sigma"]
    require(0 < low <= high, ["augmentation", "blur_sigma"], "two positive numbers in rising order are needed")
    require(
        config["split"]["folds"] == 1 or set(config["attention"]["splits"]) == {"test"},
        ["attention", "splits"],
        "with several folds each trajectory is held out once: [test] is needed",
    )
    require(
        set(config["statistics"]["splits"]) <= set(config["attention"]["splits"]),
        ["statistics", "splits"],
        f"must be among attention.splits ({', '.join(config['attention']['splits'])})",
    )
    require(
        config["statistics"]["frames"] == "attention" or config["attention"]["occlusion_window"] is not None,
        ["statistics", "frames"],
        "attention.occlusion_window is needed for it, which is null",
    )
    require(
        config["segmentation"]["tracks"] == "all" or set(config["statistics"]["splits"]) == {"test"},
        ["statistics", "splits"],
        "only held-out cells are segmented: [test] is needed, or segmentation.tracks: all",
    )
    require(
        config["segmentation"]["whole_frames_from"] is None or config["segmentation"]["ladder"] == "single",
        ["segmentation", "whole_frames_from"],
        "the published ladder works on crops: null is needed, or segmentation.ladder: single",
    )


def check_sheet_agreement(config: dict, sheet: pd.DataFrame, config_files: list[str | Path], analysis: bool = True) -> None:
    """Check that what the configuration names is in the recordings sheet; raise an InputError that names both files.

    Channels are the same in all rows of a checked sheet. Recordings without tracks are segmented in the channel of ``tracking``.
    Without ``analysis`` only what tracks and predictions need is checked: settings of split, segmentation and evaluation may then
    name what is not there.
    """
    channels = sheet["channels"].iloc[0].split(",")
    here = config["recordings"]

    def refuse(path: list[str], value: object, message: str) -> None:
        raise InputError(f"{_file_of(path, config_files)}: {'.'.join(path)} is {value!r}, {message}")

    segmentation = config["segmentation"]
    if analysis and segmentation["ladder"] == "single" and segmentation["channel"] not in channels:
        refuse(["segmentation", "channel"], segmentation["channel"], f"but the channels in {here} are {', '.join(channels)}")
    tracking = config["tracking"]
    if sheet["tracks"].isna().any() and (tracking["channel"] or segmentation["channel"]) not in channels:
        row = int(sheet["tracks"].isna().to_numpy().argmax())
        found = f"but the channels in {here} are {', '.join(channels)}, and line {row + 2} has no tracks, so its cells are segmented"
        refuse(["tracking", "channel"], tracking["channel"] or segmentation["channel"], found)
    treatment = config["evaluation"]["treatment"]
    if analysis and treatment is not None and treatment not in set(sheet["treatment"]):
        known = ", ".join(sorted(set(sheet["treatment"])))
        refuse(["evaluation", "treatment"], treatment, f"but the treatments in {here} are {known}; null means all")
    if analysis and config["scaling"] == "reference" and len(channels) != 3:
        refuse(["scaling"], "reference", f"the published constants are for 3 channels, {here} has {len(channels)}")
    unit, folds = config["split"]["unit"], config["split"]["folds"]
    if analysis and unit == "recording" and len(sheet) < max(3, folds):
        needed = max(3, folds)
        found = f"but {here} has {len(sheet)} recordings and {needed} are needed"
        refuse(["split", "unit"], unit, f"{found}; alternatives: group, lineage, track")
    if analysis and unit == "group" and sheet["group"].isna().any():
        line = int(sheet["group"].isna().to_numpy().argmax()) + 2
        refuse(["split", "unit"], unit, f"but group is empty in {here}: line {line}")
    made_here = {"simulate": ("images", "tracks"), "download": ("images", "tracks"), "files": ("images",), "local": ()}
    for column in {"images", "tracks"} - set(made_here[config["source"]["kind"]]):
        for line, path in enumerate(sheet[column], start=2):
            if path is not None and not Path(images_folder(path) if column == "images" else path).exists():
                raise InputError(f"{here}: line {line}: {column} is {path!r}, which does not exist (paths are relative to {Path.cwd()})")
    checkpoint = config["training"]["checkpoint"]
    if checkpoint is not None and not Path(checkpoint).is_file():
        refuse(["training", "checkpoint"], checkpoint, "no such file")
    if checkpoint is not None and config["scaling"] != "reference":
        refuse(["training", "checkpoint"], checkpoint, "but the published model was trained with scaling: reference")
    model = config["segmentation"]["model"]
    if ("/" in model or "." in model) and not Path(model).expanduser().is_file():
        refuse(["segmentation", "model"], model, "no such file")
    registration = config["registration"]
    if registration["method"] != "none" and registration["channel"] not in channels:
        refuse(["registration", "channel"], registration["channel"], f"but the channels in {here} are {', '.join(channels)}")


def check_states(config: dict, sheet: pd.DataFrame, config_files: list[str | Path]) -> None:
    """Check the section ``states`` against the recordings sheet; raise an InputError that names both files.

    Every feature is measured, all recordings have one frame interval (the lag counts frames), and ``group_by`` is filled in.
    """
    here, settings = config["recordings"], config["states"]

    def refuse(key: str, value: object, message: str) -> None:
        raise InputError(f"{_file_of(['states', key], config_files)}: states.{key} is {value!r}, {message}")

    shapes = [name for name in TABLES["features"].columns if name not in TABLES["features"].key]
    known = [*shapes, *(f"intensity_mean-{channel}" for channel in sheet["channels"].iloc[0].split(",")), "intensity_mean"]
    for name in settings["features"]:
        if name not in known:
            refuse("features", name, f"one of {', '.join(known)} is needed (the channels are those of {here})")
    intervals = sorted(sheet["frame_interval_min"].unique())
    if len(intervals) > 1:
        found = ", ".join(f"{value:g}" for value in intervals)
        refuse("lag", settings["lag"], f"in frames, but the frame intervals in {here} differ ({found} min): one is needed")
    fewest = 20 * len(settings["steps"])  # with fewer no p-value is below 0.05 / steps
    if settings["bootstrap"] < fewest:
        refuse("bootstrap", settings["bootstrap"], f"at least {fewest} are needed to judge {len(settings['steps'])} steps")
    empty = sheet[settings["group_by"]].isna()
    if empty.any():
        line = int(empty.to_numpy().argmax()) + 2
        refuse("group_by", settings["group_by"], f"but {settings['group_by']} is empty in {here}: line {line}")
