"""Everything that a run would open, opened and checked before it: settings, sheet, frames, tracks, fates. Every problem is kept.

No rule stands here: each problem comes from the check that the run itself would stop at.
"""

import contextlib
import io
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import yaml

from cellfate.base.errors import InputError, collect, in_words
from cellfate.base.progress import progress
from cellfate.evaluation.design import check_design, design_settings
from cellfate.frames.constant import ConstantFrames, end_problem
from cellfate.frames.formats import open_frames
from cellfate.frames.reader import Frames
from cellfate.model.saved.exported import check_recordings
from cellfate.planning.agreement import sheet_agreement_problems, states_problems
from cellfate.planning.config import DEFAULTS, SCHEMA, broken_keys, config_problems, is_broken, schema_errors
from cellfate.planning.movies_check import movies_problems
from cellfate.recordings.cells import caveat, cells_problems, is_cells_sheet, recordings_of
from cellfate.recordings.sheet import frames_arguments, images_folder, sheet_line, sheet_problems
from cellfate.segmentation.weights import weights_path
from cellfate.simulation.settings import simulation_settings
from cellfate.tracks.fates import fates_by_recording, unmatched
from cellfate.tracks.formats import FORMATS
from cellfate.tracks.outcomes import check_tracks, complete_tracks, read_raw
from cellfate.tracks.raw import RawTracks, RecordingFacts
from cellfate.tracks.statements import OutcomesFrom
from cellfate.trajectories.selection import not_compared, select_trajectories
from cellfate.trajectories.split import split_trajectories

SHEET_SUFFIXES = (".tsv", ".csv")
CONFIG_SUFFIXES = (".yaml", ".yml", ".json")
MOST_PROBLEMS = 20  # listed of one recording's frames, and of its tracks
SMALL_BYTES = 64 * 2**20  # of all images of a recording, up to which each is decoded
SHOWN_WARNINGS = 3  # of one file of tracks


@dataclass(frozen=True)
class CheckedRecording:
    """What one recording holds. ``outcomes`` counts its tracks by outcome; None for a recording that comes without tracks."""

    name: str
    n_frames: int
    shape: tuple[int, int]
    dtype: str
    channels: tuple[str, ...]
    outcomes: Mapping[str, int] | None


@dataclass
class Checked:
    """The result: ``problems`` would stop a run, ``warnings`` would not, ``left_out`` says what could not be looked at.

    ``design`` are the lines of the design check, as the report has them.
    """

    path: Path
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    recordings: list[CheckedRecording] = field(default_factory=list)
    transition: Mapping | None = None  # the section of that name, where the settings have one: its files are not opened here
    design: list[str] = field(default_factory=list)
    tracks: list[pd.DataFrame] = field(default_factory=list)
    outcomes: list[pd.DataFrame] = field(default_factory=list)


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
            _check_movies(cells, paths[0], None, _read_config(DEFAULTS), checked)
        checked.left_out.append("whether movies have the size of the crops: that stands in settings (source.kind: crops), check these")
    elif sheets:
        _check_sheet(paths[0], _read_config(DEFAULTS)["tracks"], checked)
    else:
        _check_configuration(paths, checked)
    return checked


def _read_config(path: Path) -> dict:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f"line {mark.line + 1}: "
        raise InputError(f"{path}: {where}not valid YAML: {getattr(error, 'problem', None) or error}") from error
    if content is not None and not isinstance(content, dict):
        raise InputError(f"{path}: keys with values are needed, such as `dataset: mine`; found {content!r:.60}")
    return content or {}


def merged(below: dict, above: dict) -> dict:
    """``above`` laid over ``below`` as Snakemake's --configfile does it: mappings are merged, everything else is replaced."""
    both = dict(below)
    for key, value in above.items():
        inner = both.get(key)
        both[key] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return both


def _check_configuration(paths: list[Path], checked: Checked) -> None:
    files, own = [DEFAULTS, *(path for path in paths if path.resolve() != DEFAULTS.resolve())], {}
    for path in files[1:]:
        try:
            own = merged(own, _read_config(path))
        except InputError as error:
            checked.problems.append(str(error))
    if checked.problems:
        return
    config = merged(_read_config(DEFAULTS), own)
    collect(config_problems(config, SCHEMA, files), checked.problems)
    broken = broken_keys(schema_errors(config, SCHEMA))
    collect(_further_problems(config, broken), checked.problems)
    if "transition" in own and not is_broken("transition", broken):
        checked.transition = config["transition"]
    if is_broken("recordings", broken):
        return
    kind = "local" if is_broken("source.kind", broken) else config["source"]["kind"]
    cells = _sound_cells(config["recordings"], checked) if kind == "crops" else None
    if kind == "crops":
        sheet = None if cells is None else recordings_of(cells, config["dataset"], scaled=False)
    else:
        sheet = _sheet_of(config, broken, checked)
    if sheet is None:
        return
    analysis = is_broken("prediction.model", broken) or config["prediction"]["model"] is None
    collect(sheet_agreement_problems(config, sheet, files, analysis, broken), checked.problems)
    if "states" in own and not is_broken("states", broken):
        collect(states_problems(config, sheet, files), checked.problems)
    if not analysis:
        collect(_model_problems(config, sheet), checked.problems)
    keys = ("tracks.event_gap", "tracks.outcomes_from")
    fates = _read_config(DEFAULTS)["tracks"] if any(is_broken(key, broken) for key in keys) else config["tracks"]
    collect(_table_problems(fates["outcomes_from"], sheet, checked), checked.problems)
    if cells is not None:
        known = not any(is_broken(key, broken) for key in ("crops.size", "source"))
        _check_movies(cells, Path(config["recordings"]), config if known else None, config | {"tracks": fates}, checked)
    else:
        rows = _opened_rows(sheet, kind, config["recordings"], checked)
        _check_recordings(rows, Path(config["recordings"]), fates, checked)
    if analysis and not broken and not checked.problems:
        collect(_selection_problems(config, sheet, checked), checked.problems)


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
        yield from _raised(check_recordings, settings["model"], sheet, config["recordings"], settings["allow_other_interval"])


def _further_problems(config: dict, broken: set[str]) -> Iterator[str]:
    """Those that the workflow finds while it reads its settings, besides schema and rules."""
    if not is_broken("simulation", broken):
        yield from _raised(simulation_settings, config.get("simulation"))
    if not is_broken("segmentation.model", broken):
        yield from _raised(weights_path, config["segmentation"]["model"])


def _raised(check: Callable, *arguments, source: object = "") -> Iterator[str]:
    """The problem that a check raises; where ``source`` is given, also one that it does not expect."""
    try:
        check(*arguments)
    except InputError as error:
        yield str(error)
    except Exception as error:
        if not source:
            raise
        yield in_words(error, source)


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
        _check_recordings(_with_lines(sheet), path, fates, checked)


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


def _check_recordings(rows: list[tuple[int, tuple]], source: Path, fates: Mapping, checked: Checked) -> None:
    """Open the recording of each row of the sheet."""
    for line, row in progress(rows, "check", unit="recording"):
        here = f"{source}: line {line}"
        if row.images is None or row.channels is None:
            checked.left_out.append(f"{here}: frames and tracks were not opened, as images or channels is empty")
            continue
        found = collect(recording_problems(row, fates, here, checked), checked.problems)
        if found is not None:
            checked.recordings.append(found)


def recording_problems(row, fates: Mapping, here: str, checked: Checked) -> Generator[str, None, CheckedRecording | None]:
    """Yield the problems of one row's frames and tracks; return what it holds, or None where its frames cannot be opened.

    ``row`` has the columns of the sheet, ``fates`` is the section ``tracks`` of the settings, ``here`` names the sheet and the line.
    Warnings and tables go to ``checked``.
    """
    try:
        frames = open_frames(**frames_arguments(row.images, row.channels, row.channel_labels, row.last_image))
    except Exception as error:  # one damaged file must not hide the problems of all others
        yield f"{in_words(error, row.images)} ({here})"
        if row.tracks is not None:
            checked.left_out.append(f"{row.tracks}: the tracks can only be checked against frames that open ({here})")
        return None
    yield from _frame_problems(frames, row.recording, here, checked)
    outcomes = None
    if row.tracks is not None and row.tracks_format in FORMATS:
        outcomes = yield from _track_problems(row, frames, fates, here, checked)
    return CheckedRecording(row.recording, frames.n_frames, frames.shape, str(frames.dtype), frames.channels, outcomes)


def _frame_problems(frames: Frames, name: str, here: str, checked: Checked) -> Iterator[str]:
    """Problems of the headers, and of the first, middle and last frame; of every frame where a header has a problem or all are small.

    Frames with one value everywhere go to the warnings, and are a problem at the end of the recording.
    """
    told, constant = set(), ConstantFrames(frames)
    frame_bytes = frames.dtype.itemsize * len(frames.channels) * frames.shape[0] * frames.shape[1]
    numbers = range(frames.n_frames)
    if frames.n_frames * frame_bytes > SMALL_BYTES:
        numbers = sorted({0, frames.n_frames // 2, frames.n_frames - 1})
    for problem in _raised(frames.check, source=frames.path):
        told.add(problem)
        yield f"{problem} ({here})"
        numbers = range(frames.n_frames)
    for number in progress(numbers, f"check frames of {name}", unit="frame"):
        for problem in _raised(lambda t: constant.note(t, frames.read(t)), number, source=f"{frames.path}: frame {number}"):
            if problem not in told:
                told.add(problem)
                yield f"{problem} ({here})"
        if len(told) >= MOST_PROBLEMS:
            yield f"{frames.path}: {len(told)} problems, frames after number {number} were not read ({here})"
            return
    checked.warnings += [f"{line} ({here})" for line in [*frames.notes, *constant.lines()]]
    if not told and (problem := end_problem(frames)):
        yield f"{problem} ({here})"


def _track_problems(row, frames: Frames, fates: Mapping, here: str, checked: Checked) -> Generator[str, None, Mapping[str, int] | None]:
    """Yield the problems of a recording's tracks; return the number of tracks by outcome when there is none."""
    facts = RecordingFacts(
        row.recording, frames.n_frames, frames.shape, _known(row.pixel_size_um), _known(row.frame_interval_min), _last(row)
    )
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # of libraries
            found = check_tracks(row.tracks, row.tracks_format, facts, fates["event_gap"], _outcomes_from(fates, facts.name))
    except Exception as error:  # as above
        yield f"{in_words(error, row.tracks)} ({here})"
        for problem in _problems_by_track(row, facts, fates):
            yield f"{problem} ({here})"
        return None
    checked.warnings += [*found.warnings, *_warnings(row, found.outcomes)]
    checked.tracks.append(found.tracks[["recording", "track_id", "frame"]])
    checked.outcomes.append(found.outcomes)
    return Counter(found.outcomes["outcome"])


def _outcomes_from(fates: Mapping, recording: str) -> OutcomesFrom:
    """Where outcomes of a recording come from, with its rows of the table for all recordings; InputError for a table that is none."""
    settings = fates["outcomes_from"]
    rows = [] if settings["table"] is None else fates_by_recording(settings["table"], settings["columns"]).get(recording, [])
    return OutcomesFrom(**settings, rows=rows)


def _last(row) -> int | None:
    return None if pd.isna(row.last_image) else int(row.last_image)


def _known(value: float | None) -> float | None:
    return None if pd.isna(value) else float(value)


def _problems_by_track(row, facts: RecordingFacts, fates: Mapping) -> Iterator[str]:
    """The problems of each track for itself, and of each row of fates that belongs to none; nothing where the file is not readable.

    The checks of tracks stop at their first problem, so they are asked for one track after the other.
    """
    path = Path(row.tracks)
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            raw = read_raw(path, row.tracks_format, facts, _outcomes_from(fates, facts.name))
        except Exception:  # it was told above
            return
    for one in raw.left_out[:MOST_PROBLEMS]:
        yield f"{path}: {one.where}: {one.reason}"
    found, sound = 0, None
    for track, part in progress(list(_by_track(raw)), f"check tracks of {facts.name}", unit="track"):
        problems = _problems_of(part, path, facts, fates)
        yield from problems
        found, sound = found + len(problems), sound if problems else part
        if found >= MOST_PROBLEMS:
            yield f"{path}: {found} problems, the tracks after track {track} were not looked at"
            return
    if sound is not None:
        unknown = raw.fates[~raw.fates["track_id"].isin(raw.rows["track_id"])]
        for number in range(min(len(unknown), MOST_PROBLEMS)):
            part = RawTracks(sound.rows, unknown.iloc[[number]])
            yield from _problems_of(part, path, facts, fates)


def _by_track(raw: RawTracks) -> Iterator[tuple[int, RawTracks]]:
    """Each track with its fates."""
    for track, rows in raw.rows.groupby("track_id", sort=False):
        yield track, RawTracks(rows, raw.fates[raw.fates["track_id"] == track])


def _problems_of(raw: RawTracks, path: Path, facts: RecordingFacts, fates: Mapping) -> list[str]:
    with contextlib.redirect_stderr(io.StringIO()):
        return list(_raised(complete_tracks, raw, path, facts, fates["event_gap"], _outcomes_from(fates, facts.name)))


def _warnings(row, outcomes: pd.DataFrame) -> Iterator[str]:
    odd = outcomes[outcomes["warning"].notna()]
    for track, warning in odd[["track_id", "warning"]].head(SHOWN_WARNINGS).itertuples(index=False):
        yield f"{row.tracks}: track {track}: {warning}"
    if len(odd) > SHOWN_WARNINGS:
        yield f"{row.tracks}: {len(odd) - SHOWN_WARNINGS} further tracks have a warning of this kind"


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
                tracked, tracks, outcomes, config["outcomes"], min_frames=settings["min_frames"], cut_at_event=settings["cut_at_event"]
            )
    except InputError as error:
        yield f"{checked.path}: {error}"
        return
    split = None
    try:
        split = split_trajectories(trajectories, **config["split"], seed=config["seed"], min_frames=settings["min_frames"])
    except InputError as error:
        yield f"{checked.path}: {error}"
    checked.design += list(check_design(trajectories, split, design_settings(config))[1]["text"])
