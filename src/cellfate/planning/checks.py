"""Everything that is checked before the first job is planned: the configuration, the recordings sheet, and that they agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError, raise_first
from cellfate.model.saved.exported import check_recordings
from cellfate.model.saved.risks import read_risks
from cellfate.planning.agreement import check_sheet_agreement
from cellfate.planning.config import SCHEMA, check_config, label_words
from cellfate.planning.config_files import Source, file_of
from cellfate.planning.digests import outlines_of
from cellfate.recordings.cells import missing_movies, read_cells, recordings_of
from cellfate.recordings.sheet import read_sheet
from cellfate.segmentation.weights import FOLDER, SIMULATED, weights_path
from cellfate.simulation.settings import simulation_settings
from cellfate.tracks.corrections.rows import correction_rows
from cellfate.tracks.fates import fates_by_recording, unmatched
from cellfate.tracks.labels.rows import label_files, label_rows


def checked_sheet(config: dict, config_files: Sequence[Source]) -> pd.DataFrame | None:
    """The recordings sheet, after every check; None where it is written by the first run.

    ``config`` is merged of ``config_files``. Raises InputError with file, key or line, and value.
    """
    check_config(config, SCHEMA, config_files)
    simulation_settings(config.get("simulation"))
    path, model = config["recordings"], config["prediction"]["model"]
    if not Path(path).exists():
        if config["source"]["kind"] == "download":
            return None
        raise InputError(missing_sheet(path, config_files))
    sheet = read_sheet(path) if config["source"]["kind"] != "crops" else _of_cells(config)
    check_sheet_agreement(config, sheet, config_files, analysis=model is None)
    if _of_others(config):
        check_recordings(model, sheet, path, config["prediction"]["allow_other_interval"])
        if (risks := read_risks(model)) is not None:
            risks.check_available(features=config["segmentation"]["tracks"] == "all", embedding=config["risks"]["embedding"] is not None)
            risks.check_outlines(outlines_of(config))
    return sheet


def missing_sheet(path: str, config_files: Sequence[Source]) -> str:
    """The line about a sheet that is not there, and where a file of that name stands beside the settings."""
    blamed = file_of(["recordings"], config_files)
    beside = Path(blamed).with_name(Path(path).name)
    there = f"; {beside} is there: start in its folder, {beside.parent}" if beside.is_file() and not Path(path).is_absolute() else ""
    return (
        f"{blamed}: recordings is {path!r}, no such file; it is the sheet, one row for each recording (see the README). Paths count "
        f"from the present folder, {Path.cwd()}{there}"
    )


def _of_others(config: Mapping) -> bool:
    """Whether predictions are by a model that this configuration does not train."""
    return config["prediction"]["model"] not in (None, f"results/{config['dataset']}/{config['protocol']}/model")


@dataclass(frozen=True)
class RisksNeeded:
    """Which numbers besides rings and times the networks of risks of a model rest on."""

    features: bool
    embedding: bool


def risks_needed(config: Mapping) -> RisksNeeded | None:
    """What predictions of risks need; None where the model has none. ``config`` is checked."""
    if not _of_others(config):
        risks = config["risks"]
        return RisksNeeded(risks["inputs"]["features"], risks["embedding"] is not None) if risks["enabled"] else None
    risks = read_risks(config["prediction"]["model"])
    return None if risks is None else RisksNeeded(bool(risks.inputs["features"]), bool(risks.embedding))


def _of_cells(config: Mapping) -> pd.DataFrame:
    return recordings_of(checked_cells(config), config["dataset"], scaled=config["source"]["other_sizes"] == "resize")


def checked_cells(config: Mapping) -> pd.DataFrame | None:
    """The cells sheet of ready-made crops, with every movie at its place; None for recordings.

    Raises InputError with file, line and value.
    """
    if config["source"]["kind"] != "crops":
        return None
    cells = read_cells(config["recordings"])
    raise_first(missing_movies(cells, config["recordings"]))
    return cells


def outcome_rows(config: Mapping, sheet: pd.DataFrame | None) -> dict[str, list[dict[str, str]]]:
    """{recording: its rows in the table of outcomes for all recordings}; empty without such a table or without a sheet.

    Rows are parameters of the jobs, so that a corrected row re-runs its recording alone. Raises InputError for a table that is none.
    """
    settings = config["tracks"]["outcomes_from"]
    if settings["table"] is None or sheet is None:
        return {}
    found = fates_by_recording(settings["table"], settings["columns"])
    unmatched(found, list(sheet["recording"]), settings["table"])
    return found


def corrections_of(config: Mapping, sheet: pd.DataFrame | None) -> dict[str, list[dict]]:
    """{recording: its rows in the file of corrections}; params of the jobs, as those of :func:`outcome_rows`."""
    if sheet is None:
        return {}
    given = dict(zip(sheet["recording"], sheet["tracks"].notna(), strict=True))
    return correction_rows(config["tracks"]["corrections"], given)


def labels_of(config: Mapping, sheet: pd.DataFrame | None) -> dict[str, list[dict]]:
    """{recording: its rows in the files of labels}; params of the jobs, as those of :func:`outcome_rows`."""
    if sheet is None:
        return {}
    given = dict(zip(sheet["recording"], sheet["tracks"].notna(), strict=True))
    return label_rows(label_files(config["tracks"]["labels"]), given, label_words(config))


def edited_of(config: Mapping, sheet: pd.DataFrame | None) -> dict[str, str]:
    """{recording: the file of its edited tracks} in the folder ``tracks.edited``; inputs of the jobs of these recordings alone.

    Raises InputError for a folder that is none, and for files of recordings that the sheet lacks.
    """
    folder = config["tracks"]["edited"]
    if folder is None or sheet is None:
        return {}
    if not Path(folder).is_dir():
        raise InputError(f"tracks.edited is {folder!r}, which is no folder; cellfate edits writes it")
    found = {path.stem: str(path) for path in sorted(Path(folder).glob("*.json"))}
    if others := [path for name, path in found.items() if name not in set(sheet["recording"])]:
        raise InputError(
            f"{others[0]}: the sheet has no recording {Path(others[0]).stem}: its recordings are {', '.join(sheet['recording'])}"
        )
    return found


@dataclass(frozen=True)
class ByHand:
    """What people said of tracks, by recording: rows of the table of outcomes, of corrections and of labels, and files of edits."""

    outcome_rows: dict[str, list[dict[str, str]]]
    corrections: dict[str, list[dict]]
    labels: dict[str, list[dict]]
    edited: dict[str, str]


def by_hand(config: Mapping, sheet: pd.DataFrame | None) -> ByHand:
    """All of it; see the functions above."""
    return ByHand(outcome_rows(config, sheet), corrections_of(config, sheet), labels_of(config, sheet), edited_of(config, sheet))


def weights_of(config: Mapping) -> str:
    """The file of the segmentation network: published weights serve every data set, one that is trained here its own."""
    model = config["segmentation"]["model"]
    return str(weights_path(model, f"resources/{config['dataset']}/cellpose" if model == SIMULATED else FOLDER))
