"""Everything that a run would open, opened and checked before it: settings, sheet, frames, tracks, fates. Every problem is kept.

No rule stands here: each problem comes from the check that the run itself would stop at.
"""

import contextlib
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError, collect
from cellfate.crops.cutting import larger_than_image
from cellfate.evaluation.design import check_design, design_settings
from cellfate.frames.reader import MAX_PIXELS
from cellfate.model.saved.exported import check_recordings
from cellfate.planning.agreement import sheet_agreement_problems, states_problems
from cellfate.planning.checking.findings import Checked, CheckedRecording, raised
from cellfate.planning.checking.movies import movies_problems
from cellfate.planning.checking.recordings import open_recordings
from cellfate.planning.checking.units import movie_doubts
from cellfate.planning.checking.words import word_doubts
from cellfate.planning.checks import corrections_of, edited_of, labels_of, missing_sheet
from cellfate.planning.config import SCHEMA, broken_keys, config_problems, is_broken, min_frames_of, schema_errors, unfit_values
from cellfate.planning.config_files import DEFAULTS, merged, read_settings
from cellfate.recordings.cells import caveat, cells_problems, is_cells_sheet, recordings_of
from cellfate.recordings.doubts import sheet_doubts
from cellfate.recordings.sheet import images_folder, sheet_line, sheet_problems
from cellfate.segmentation.weights import weights_path
from cellfate.simulation.settings import simulation_settings
from cellfate.tracks.fates import fates_by_recording, unmatched
from cellfate.tracks.oddities import crowding_warning
from cellfate.trajectories.lengths import Lengths
from cellfate.trajectories.selection import not_compared, select_trajectories
from cellfate.trajectories.split import split_trajectories

SHEET_SUFFIXES = (".tsv", ".csv")
CONFIG_SUFFIXES = (".yaml", ".yml", ".json")


def check_project(path: str | Path, *overlays: str | Path) -> Checked:
    """Check a recordings sheet (.tsv, .csv) or a configuration (.yaml, .json), which is laid over the default one, ``overlays`` over it.

    Raises InputError for a path that is neither; all other problems are in the result.
    """
    paths = [Path(path), *map(Path, overlays)]
    for one in paths:
        if not one.exists():
            raise InputError(f"{one}: no such file; a recordings sheet (.tsv, .csv) or a configuration (.yaml) is needed")
        if one.is_dir() or one.suffix.lower() not in SHEET_SUFFIXES + CONFIG_SUFFIXES:
            raise InputError(
                f"{one}: a recordings sheet (.tsv, .csv) or a configuration (.yaml) is needed; `cellfate init` looks at folders"
            )
    sheets = [one for one in paths if one.suffix.lower() in SHEET_SUFFIXES]
    if sheets and len(paths) > 1:
        raise InputError(f"{sheets[0]}: a sheet is checked alone; several files are settings, laid over each other in their order")
    checked = Checked(paths[0])
    if sheets and is_cells_sheet(paths[0]):
        if (cells := _sound_cells(paths[0], checked)) is not None:
            checked.warnings += [*sheet_doubts(recordings_of(cells, "", scaled=False), paths[0]), *movie_doubts(cells, paths[0])]
            _check_movies(cells, paths[0], None, read_settings(DEFAULTS), checked)
        checked.left_out.append("whether movies have the size of the crops: that stands in settings (source.kind: crops), check these")
    elif sheets:
        _check_sheet(paths[0], read_settings(DEFAULTS)["tracks"], checked)
    else:
        _check_configuration(paths, checked)
    return checked


def _check_configuration(paths: list[Path], checked: Checked) -> None:
    files, own = [DEFAULTS, *(path for path in paths if path.resolve() != DEFAULTS.resolve())], {}
    for path in files[1:]:
        try:
            own = merged(own, read_settings(path))
        except InputError as error:
            checked.problems.append(str(error))
    if checked.problems:
        return
    config = merged(read_settings(DEFAULTS), own)
    collect(config_problems(config, SCHEMA, files), checked.problems)
    broken = broken_keys(schema_errors(config, SCHEMA)) | set(unfit_values(config))
    collect(_further_problems(config, broken), checked.problems)
    if "transition" in own and not is_broken("transition", broken):
        checked.transition = config["transition"]
    if is_broken("recordings", broken):
        return
    kind = "local" if is_broken("source.kind", broken) else config["source"]["kind"]
    if kind != "download" and not Path(config["recordings"]).exists():
        checked.problems.append(missing_sheet(config["recordings"], files))
        return
    cells = _sound_cells(config["recordings"], checked) if kind == "crops" else None
    if kind == "crops":
        sheet = None if cells is None else recordings_of(cells, config["dataset"], scaled=False)
    else:
        sheet = _sheet_of(config, broken, checked)
    if sheet is None:
        return
    checked.warnings += sheet_doubts(sheet, config["recordings"])
    checked.warnings += [] if cells is None else movie_doubts(cells, config["recordings"])
    analysis = is_broken("prediction.model", broken) or config["prediction"]["model"] is None
    collect(sheet_agreement_problems(config, sheet, files, analysis, broken), checked.problems)
    if "states" in own and not is_broken("states", broken):
        collect(states_problems(config, sheet, files), checked.problems)
    if not analysis:
        collect(_model_problems(config, sheet), checked.problems)
    keys = ("tracks.event_gap", "tracks.outcomes_from")
    fates = read_settings(DEFAULTS)["tracks"] if any(is_broken(key, broken) for key in keys) else config["tracks"]
    collect(_table_problems(fates["outcomes_from"], sheet, checked), checked.problems)
    fates = fates | {"correction_rows": _by_hand(corrections_of, {"tracks": fates}, sheet, checked)}
    fates["edited_files"] = _by_hand(edited_of, {"tracks": fates}, sheet, checked)
    if not any(is_broken(key, broken) for key in ("outcomes", "explorer.label.outcomes", "tracks.labels")):
        fates["label_rows"] = _by_hand(labels_of, config | {"tracks": fates}, sheet, checked)
    if cells is not None:
        known = not any(is_broken(key, broken) for key in ("crops.size", "source"))
        _check_movies(cells, Path(config["recordings"]), config if known else None, config | {"tracks": fates}, checked)
    else:
        rows = _opened_rows(sheet, kind, config["recordings"], checked)
        max_pixels = MAX_PIXELS if is_broken("source.max_pixels", broken) else config["source"]["max_pixels"]
        open_recordings(rows, Path(config["recordings"]), fates, checked, max_pixels)
        if not is_broken("crops.size", broken):
            checked.warnings += _small_images(config["crops"]["size"], checked.recordings)
        if analysis and checked.tracks and not is_broken("crops.size", broken):
            crowded = crowding_warning(pd.concat(checked.tracks, ignore_index=True), config["crops"]["size"])
            checked.warnings[:0] = [crowded] if crowded else []
    if checked.sources and len(checked.sources) == sheet["tracks"].notna().sum() and not is_broken("outcomes", broken):
        sources = pd.concat(checked.sources, ignore_index=True)
        checked.warnings[:0] = word_doubts(fates["outcomes_from"], config["outcomes"].values(), sources)
    if analysis and not broken and not checked.problems:
        collect(_selection_problems(config, sheet, checked), checked.problems)


def _small_images(size: int, recordings: Sequence[CheckedRecording]) -> Iterator[str]:
    """A line about the recordings of each size of images that is smaller than the crops."""
    for shape in dict.fromkeys(one.shape for one in recordings):
        names = [one.name for one in recordings if one.shape == shape]
        if larger := larger_than_image(size, shape):
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            yield f"recording {names[0]}{more}: {larger}"


def _by_hand(read: Callable[..., dict], config: Mapping, sheet: pd.DataFrame, checked: Checked) -> dict:
    """What files of corrections, labels or edits say, by recording; nothing where one has a problem, which is noted."""
    try:
        return read(config, sheet)
    except InputError as error:
        checked.problems.append(str(error))
        return {}


def _sheet_of(config: dict, broken: set[str], checked: Checked) -> pd.DataFrame | None:
    """The sheet that a configuration names, its problems noted; None where there is none."""
    path = Path(config["recordings"])
    downloads = not is_broken("source.kind", broken) and config["source"]["kind"] == "download"
    if path.exists() or not downloads:
        return collect(sheet_problems(path), checked.problems)
    checked.left_out.append(f"{path}: the first run writes it (source.kind is download), so there is nothing to open yet")
    return None


def _sound_cells(path: str | Path, checked: Checked) -> pd.DataFrame | None:
    """A cells sheet; None where it has problems, which are noted, as they could make nonsense of what its movies say."""
    problems: list[str] = []
    cells = collect(cells_problems(path), problems)
    if not problems:
        return cells
    checked.problems += problems
    checked.left_out.append(f"{path}: the movies were not opened, as its own problems come first")
    return None


def _check_movies(cells: pd.DataFrame, source: Path, config: Mapping | None, settings: Mapping, checked: Checked) -> None:
    """Open all movies of a cells sheet; ``config`` is None where it is not known how large crops are."""
    checked.warnings += [text for text in [caveat(cells, source)] if text]
    for one in collect(movies_problems(cells, source, config, settings["tracks"], settings["crops"]["min_frames"]), checked.problems):
        checked.recordings.append(CheckedRecording(*one.facts, Counter(one.tables.outcomes["outcome"])))
        checked.warnings += one.warnings
        checked.tracks.append(one.tables.tracks[["recording", "track_id", "frame"]])
        checked.outcomes.append(one.tables.outcomes)


def _model_problems(config: dict, sheet: pd.DataFrame) -> Iterator[str]:
    """Whether the model of ``prediction`` can be used on the recordings; nothing for the one that this data set trains itself."""
    settings = config["prediction"]
    complete = sheet[["recording", "channels", "frame_interval_min"]].notna().all(axis=None)
    if complete and settings["model"] != f"results/{config['dataset']}/{config['protocol']}/model":
        yield from raised(check_recordings, settings["model"], sheet, config["recordings"], settings["allow_other_interval"])


def _further_problems(config: dict, broken: set[str]) -> Iterator[str]:
    """Those that the workflow finds while it reads its settings, besides schema and rules."""
    if not is_broken("simulation", broken):
        yield from raised(simulation_settings, config.get("simulation"))
    if not is_broken("segmentation.model", broken):
        yield from raised(weights_path, config["segmentation"]["model"])


def _table_problems(settings: Mapping, sheet: pd.DataFrame, checked: Checked) -> Iterator[str]:
    """What is wrong with the table of outcomes for all recordings; recordings that the sheet lacks go to the warnings."""
    if settings["table"] is None:
        return
    try:
        line = unmatched(fates_by_recording(settings["table"], settings["columns"]), list(sheet["recording"]), settings["table"])
    except InputError as error:
        yield str(error)
    else:
        checked.warnings += [line] if line else []


def _check_sheet(path: Path, fates: Mapping, checked: Checked) -> None:
    sheet = collect(sheet_problems(path), checked.problems)
    if sheet is not None:
        checked.warnings += sheet_doubts(sheet, path)
        open_recordings(_with_lines(sheet), path, fates, checked, MAX_PIXELS)


def _opened_rows(sheet: pd.DataFrame, kind: str, source: str, checked: Checked) -> list[tuple[int, tuple]]:
    """The rows, with their lines, whose images are there; of a missing file the check of paths has told, unless a run makes it.

    Tracks that are not there are taken out of their row.
    """
    rows = []
    for line, row in _with_lines(sheet):
        if row.tracks is not None and not Path(row.tracks).exists():
            row = row._replace(tracks=None, tracks_format=None)
        if row.images is None or Path(images_folder(row.images)).exists():
            rows.append((line, row))
        elif kind != "local":
            checked.left_out.append(f"{source}: line {line}: {row.images} is not there yet, a run makes or fetches it")
    return rows


def _with_lines(sheet: pd.DataFrame) -> list[tuple[int, tuple]]:
    return [(sheet_line(sheet, number), row) for number, row in enumerate(sheet.itertuples(index=False))]


def _selection_problems(config: dict, sheet: pd.DataFrame, checked: Checked) -> Iterator[str]:
    """What the selection of trajectories and their split into training, validation and test would stop at."""
    tracked = sheet if config["source"]["kind"] == "crops" else sheet[sheet["tracks"].notna()]
    if not checked.outcomes or len(checked.outcomes) < len(tracked):
        return
    tracks, outcomes = pd.concat(checked.tracks, ignore_index=True), pd.concat(checked.outcomes, ignore_index=True)
    if warning := not_compared(outcomes["outcome"].value_counts(), list(config["outcomes"].values())):
        checked.warnings.append(warning)
    settings = config["trajectories"]
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            trajectories = select_trajectories(
                tracked, tracks, outcomes, config["outcomes"], min_frames=min_frames_of(config), cut_at_event=settings["cut_at_event"]
            )
    except InputError as error:
        yield f"{checked.path}: {error}"
        return
    split = None
    try:
        split = split_trajectories(trajectories, **config["split"], seed=config["seed"], min_frames=min_frames_of(config))
        Lengths.of(trajectories, config["evaluation"]["treatment"]).occlusion_window(config["attention"]["occlusion_window"])
    except InputError as error:
        yield f"{checked.path}: {error}"
    checked.design += list(check_design(trajectories, split, design_settings(config))[1]["text"])
