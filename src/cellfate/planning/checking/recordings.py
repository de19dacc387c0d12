"""The frames and tracks of recordings, opened and checked before a run, as a run does it; every problem is kept."""

import contextlib
import io
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

import pandas as pd

from cellfate.base.causes import in_words
from cellfate.base.errors import collect
from cellfate.base.progress import progress
from cellfate.crops.digests import recording_digest
from cellfate.frames.formats import open_frames
from cellfate.frames.pixels import PixelNotes, end_problem
from cellfate.frames.reader import Frames
from cellfate.planning.checking.findings import Checked, CheckedRecording, raised
from cellfate.planning.checking.units import unit_doubts
from cellfate.recordings.sheet import frames_arguments
from cellfate.tracks.corrections.apply import corrected
from cellfate.tracks.edits.apply import check_edited_tracks
from cellfate.tracks.fates import fates_by_recording
from cellfate.tracks.formats import FORMATS
from cellfate.tracks.labels.apply import labelled
from cellfate.tracks.numbers.lineages import unknown_tracks
from cellfate.tracks.outcomes import complete_tracks, read_raw
from cellfate.tracks.raw import RawTracks, RecordingFacts
from cellfate.tracks.statements import OutcomesFrom

MOST_PROBLEMS = 20  # listed of one recording's frames, and of its tracks
SMALL_BYTES = 64 * 2**20  # of all images of a recording, up to which each is decoded
SHOWN_WARNINGS = 3  # of one file of tracks


def open_recordings(rows: list[tuple[int, tuple]], source: Path, fates: Mapping, checked: Checked, max_pixels: int) -> None:
    """Open the recording of each row of the sheet."""
    for line, row in progress(rows, "check", unit="recording"):
        here = f"{source}: line {line}"
        if row.images is None or row.channels is None:
            checked.left_out.append(f"{here}: frames and tracks were not opened, as images or channels is empty")
            continue
        found = collect(recording_problems(row, fates, here, checked, max_pixels), checked.problems)
        if found is not None:
            checked.recordings.append(found)


def recording_problems(row, fates: Mapping, here: str, checked: Checked, max_pixels: int) -> Generator[str, None, CheckedRecording | None]:
    """Yield the problems of one row's frames and tracks; return what it holds, or None where its frames cannot be opened.

    ``row`` has the columns of the sheet, ``fates`` is the section ``tracks`` of the settings, ``here`` names the sheet and the line.
    Warnings and tables go to ``checked``.
    """
    try:
        frames = open_frames(**frames_arguments(row.images, row.channels, row.channel_labels, row.last_image, max_pixels))
    except Exception as error:  # one damaged file must not hide the problems of all others
        yield f"{in_words(error, row.images)} ({here})"
        if row.tracks is not None:
            checked.left_out.append(f"{row.tracks}: the tracks can only be checked against frames that open ({here})")
        return None
    yield from _frame_problems(frames, row.recording, here, checked)
    checked.warnings += unit_doubts(row, frames, here)
    outcomes = None
    if row.tracks is not None and row.tracks_format in FORMATS:
        outcomes = yield from _track_problems(row, frames, fates, here, checked)
    return CheckedRecording(row.recording, frames.n_frames, frames.shape, str(frames.dtype), frames.channels, outcomes)


def _frame_problems(frames: Frames, name: str, here: str, checked: Checked) -> Iterator[str]:
    """Problems of the headers, and of the first, middle and last frame; of every frame where a header has a problem or all are small.

    What is wrong with pixels goes to the warnings; one value everywhere is a problem at the end, and so are images of another recording.
    """
    told, pixels = set(), PixelNotes(frames)
    frame_bytes = frames.dtype.itemsize * len(frames.channels) * frames.shape[0] * frames.shape[1]
    numbers = range(frames.n_frames)
    if frames.n_frames * frame_bytes > SMALL_BYTES:
        numbers = sorted({0, frames.n_frames // 2, frames.n_frames - 1})
    for problem in raised(frames.check, source=frames.path):
        told.add(problem)
        yield f"{problem} ({here})"
        numbers = range(frames.n_frames)
    for number in progress(numbers, f"check frames of {name}", unit="frame"):
        for problem in raised(lambda t: pixels.note(t, frames.read(t)), number, source=f"{frames.path}: frame {number}"):
            if problem not in told:
                told.add(problem)
                yield f"{problem} ({here})"
        if len(told) >= MOST_PROBLEMS:
            yield f"{frames.path}: {len(told)} problems, frames after number {number} were not read ({here})"
            return
    checked.warnings += [f"{line} ({here})" for line in [*frames.notes, *pixels.lines()]]
    if told:
        return
    if problem := end_problem(frames):
        yield f"{problem} ({here})"
    elif problem := checked.digests.problem(recording_digest(frames), f"{here}: recording {name}"):
        yield problem


def _track_problems(row, frames: Frames, fates: Mapping, here: str, checked: Checked) -> Generator[str, None, Mapping[str, int] | None]:
    """Yield the problems of a recording's tracks; return the number of tracks by outcome when there is none."""
    facts = RecordingFacts(
        row.recording, frames.n_frames, frames.shape, _known(row.pixel_size_um), _known(row.frame_interval_min), _last(row)
    )
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # of libraries
            edited = fates.get("edited_files", {}).get(facts.name)
            sources = _outcomes_from(fates, facts.name)
            found = check_edited_tracks(row.tracks, row.tracks_format, facts, fates["event_gap"], sources, edited=edited)
            found = labelled(found, fates.get("label_rows", {}).get(facts.name, []), facts, fates["event_gap"])
            found = corrected(
                found, fates.get("correction_rows", {}).get(facts.name, []), str(fates.get("corrections")), facts, fates["event_gap"]
            )
    except Exception as error:  # as above
        if str(error) in checked.problems:  # of the one table for all recordings
            checked.left_out.append(f"{row.tracks}: the tracks were not checked, as that problem comes first ({here})")
            return None
        yield f"{in_words(error, row.tracks)} ({here})"
        for problem in _problems_by_track(row, facts, fates):
            yield f"{problem} ({here})"
        return None
    checked.warnings += [*found.warnings, *_warnings(row, found.outcomes)]
    checked.tracks.append(found.tracks[["recording", "track_id", "frame", "y", "x"]])
    checked.outcomes.append(found.outcomes)
    checked.sources.append(found.sources)
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
    found = 0
    for track, part in progress(list(_by_track(raw)), f"check tracks of {facts.name}", unit="track"):
        problems = _problems_of(part, path, facts, fates)
        yield from problems
        found += len(problems)
        if found >= MOST_PROBLEMS:
            yield f"{path}: {found} problems, the tracks after track {track} were not looked at"
            return
    yield from unknown_tracks(raw.fates, raw.rows["track_id"].unique(), raw.file_numbers)


def _by_track(raw: RawTracks) -> Iterator[tuple[int, RawTracks]]:
    """Each track with its fates."""
    fates = _apart(raw)
    for track, rows in raw.rows.groupby("track_id", sort=False):
        yield track, RawTracks(rows, fates[fates["track_id"] == track])


def _apart(raw: RawTracks) -> pd.DataFrame:
    """The fates without the continuations that are there: each track is looked at without the others."""
    if raw.fates.empty or "continues_as" not in raw.fates:
        return raw.fates
    tracks = set(raw.rows["track_id"])
    lost = [tuple(one for one in own if one not in tracks) if isinstance(own, tuple) else () for own in raw.fates["continues_as"]]
    return raw.fates.assign(continues_as=pd.Series(lost, index=raw.fates.index, dtype=object))


def _problems_of(raw: RawTracks, path: Path, facts: RecordingFacts, fates: Mapping) -> list[str]:
    with contextlib.redirect_stderr(io.StringIO()):
        return list(raised(complete_tracks, raw, path, facts, fates["event_gap"], _outcomes_from(fates, facts.name)))


def _warnings(row, outcomes: pd.DataFrame) -> Iterator[str]:
    odd = outcomes[outcomes["warning"].notna()]
    for track, warning in odd[["track_id", "warning"]].head(SHOWN_WARNINGS).itertuples(index=False):
        yield f"{row.tracks}: track {track}: {warning}"
    if len(odd) > SHOWN_WARNINGS:
        yield f"{row.tracks}: {len(odd) - SHOWN_WARNINGS} further tracks have a warning of this kind"
