"""Tracks and their outcomes from the files that users have; every check of them happens here.

The formats are in :mod:`cellfate.tracks.formats`.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.tracks.formats import format_named
from cellfate.tracks.numbers.lineages import mistakable_tracks
from cellfate.tracks.oddities import (
    early_end_warning,
    first_frame_warning,
    late_mothers,
    lineage_notes,
    outside_hint,
    refuse_many,
    spelled_lineages,
    step_warning,
    unit_warning,
)
from cellfate.tracks.raw import LeftOut, RawTracks, RecordingFacts, joined_notes
from cellfate.tracks.statements import (
    AS_IN_THE_FILE,
    OutcomesFrom,
    Statement,
    decided,
    divisions,
    refuse_unknown_continuations,
    statements_by_track,
    table_of_statements,
    with_fates,
)
from cellfate.tracks.tables import CENSORED, LEFT_OUT, NO_EVENT, OUTCOME_SOURCES, OUTCOMES, TRACKS


@dataclass(frozen=True)
class CheckedTracks:
    """The tables of :mod:`cellfate.tracks.tables` of one recording, and lines for a person.

    ``sources`` says which track got which outcome from where. ``warnings`` are about the file as a whole,
    ``in_table`` says how many tracks have a warning of their own in ``outcomes``.
    """

    tracks: pd.DataFrame
    outcomes: pd.DataFrame
    left_out: pd.DataFrame
    sources: pd.DataFrame
    warnings: tuple[str, ...]
    in_table: tuple[str, ...]

    def say_warnings(self) -> None:
        """Print all of them on standard error."""
        for warning in (*self.warnings, *self.in_table):
            print(f"WARNING: {warning}", file=sys.stderr, flush=True)


def read_tracks(path: str | Path, tracks_format: str, facts: RecordingFacts, event_gap: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables ``tracks`` and ``outcomes`` of :func:`check_tracks`; its warnings are printed on standard error."""
    checked = check_tracks(path, tracks_format, facts, event_gap)
    checked.say_warnings()
    return checked.tracks, checked.outcomes


def check_tracks(
    path: str | Path, tracks_format: str, facts: RecordingFacts, event_gap: int, outcomes_from: OutcomesFrom = AS_IN_THE_FILE
) -> CheckedTracks:
    """Read, check and complete the tracks of one recording.

    A track keeps the outcome that its sources give (:mod:`cellfate.tracks.statements`). Without one it is ``no_event_by_end`` when it
    reaches the last frame, else ``censored``. An event later than ``event_gap`` frames after the track's last frame makes the track
    censored, and ``warning`` says so. ``lineage`` is ``<recording>/<track>`` of the earliest among all tracks that are connected as
    parents or as parts of one cell. A parent 0 is a mother where there is a track 0, else none. What of the file could not be used
    is in ``left_out``.

    Raises InputError with file, row and value for coordinates that are not finite or outside the image, frames
    outside the recording, a track twice in a frame, two fates, an event before its track's start, ``no_event_by_end`` on a
    track that ends earlier, an empty recording, and where much had to be left out. Gaps in a track are allowed.
    """
    path = Path(path)
    raw = read_raw(path, tracks_format, facts, outcomes_from)
    refuse_many(raw.rows, raw.left_out, path)
    checked = complete_tracks(raw, path, facts, event_gap, outcomes_from)
    found = (
        early_end_warning(raw.rows, path, facts),
        first_frame_warning(raw.rows, path),
        step_warning(raw.rows, path),
        unit_warning(raw.rows, path, facts),
    )
    return replace(checked, warnings=(*checked.warnings, *(line for line in found if line)))


def read_raw(path: str | Path, tracks_format: str, facts: RecordingFacts, outcomes_from: OutcomesFrom) -> RawTracks:
    """The tracks of a file, with what it and all tables say of their ends, not yet checked; InputError for a file that is not readable."""
    path = Path(path)
    kind = format_named(tracks_format, path)
    if not path.exists():
        raise InputError(f"{path}: no such {'folder' if kind.folder else 'file'} ({tracks_format} tracks)")
    raw = kind.read(path, replace(facts, event_columns=tuple(outcomes_from.events)))
    return with_fates(raw, path, facts, outcomes_from, own_events=kind.own_events)


def complete_tracks(
    raw: RawTracks, path: Path, facts: RecordingFacts, event_gap: int, outcomes_from: OutcomesFrom = AS_IN_THE_FILE
) -> CheckedTracks:
    """The checked tables of raw tracks that stand in ``path``; see :func:`check_tracks`."""
    refuse_unknown_continuations(raw)
    if facts.last_image is not None:
        raw = raw.until(facts.last_image)
    _check_rows(raw.rows, path, facts)
    rows = raw.rows.sort_values(["track_id", "frame"], kind="stable", ignore_index=True)
    parents = _parents(rows, path)
    late = late_mothers(rows, parents)
    left_out = [*raw.left_out, *late]
    refuse_many(rows, left_out, path)
    parents |= {int(one.track): pd.NA for one in late}
    outcomes = _summarise(rows, parents, facts.name)
    said = statements_by_track(raw.fates, outcomes["track_id"], outcomes_from.words, path, raw.file_numbers)
    if outcomes_from.divisions is not None:
        for track, one in divisions(outcomes, outcomes_from.divisions, str(path)).items():
            said[track].append(one)
    taken = {track: decided(own, event_gap) for track, own in said.items()}
    fates = {track: fate for track, (fate, _) in taken.items() if fate is not None}
    outcomes["lineage"] = _lineages(outcomes, fates, facts.name)
    resolved = [
        _with_place(*resolve(track, fates.get(track.track_id), facts.n_frames, event_gap), fates.get(track.track_id), path)
        for track in outcomes.itertuples(index=False)
    ]
    outcomes[["outcome", "event_frame", "warning"]] = pd.DataFrame(resolved, columns=["outcome", "event_frame", "warning"], dtype=object)
    sources = table_of_statements(outcomes, said, {track: results for track, (_, results) in taken.items()})
    warnings = [
        *raw.warnings,
        *mistakable_tracks(raw.fates, outcomes["track_id"], raw.file_numbers),
        *_said_left_out(left_out, path),
        *spelled_lineages(pd.Series([one.lineage for one in fates.values()], dtype=object), path),
    ]
    in_table = _said(outcomes, path)
    relatives = lineage_notes(rows, outcomes)
    outcomes["warning"] = [joined_notes(own, relatives.get(track)) for track, own in outcomes[["track_id", "warning"]].values.tolist()]
    if relatives:
        first = next(track for track in outcomes["track_id"] if track in relatives)
        warnings.append(
            f"{path}: {len(relatives)} of {len(outcomes)} tracks share cells or time with others: track {first} {relatives[first]}"
        )
    tracks = rows.assign(recording=facts.name, parent_id=rows["track_id"].map(parents))
    return CheckedTracks(
        check_table(tracks[["recording", "track_id", "parent_id", "frame", "y", "x"]], TRACKS, path),
        check_table(outcomes, OUTCOMES, path),
        check_table(pd.DataFrame(left_out, columns=LeftOut._fields).assign(recording=facts.name)[list(LEFT_OUT.columns)], LEFT_OUT, path),
        check_table(sources, OUTCOME_SOURCES, path),
        tuple(warnings),
        tuple(in_table),
    )


def _said(outcomes: pd.DataFrame, path: Path) -> list[str]:
    """One line with the number of warnings and the first of them; all are in the table."""
    odd = outcomes[outcomes["warning"].notna()]
    if odd.empty:
        return []
    first = f"track {odd['track_id'].iloc[0]}: {odd['warning'].iloc[0]}"
    return [f"{path}: {len(odd)} of {len(outcomes)} tracks have a warning, the first: {first}"]


def _said_left_out(left_out: Iterable[LeftOut], path: Path) -> list[str]:
    """One line for each kind of thing that was left out, with their number and the first; all are in the table."""
    by_kind: dict[str, list[LeftOut]] = {}
    for one in left_out:
        by_kind.setdefault(one.what, []).append(one)
    return [
        f"{path}: {len(these)} {kind}{'s' * (len(these) > 1)} left out, the first: {these[0].where}: {these[0].reason}"
        for kind, these in by_kind.items()
    ]


def _check_rows(rows: pd.DataFrame, path: Path, facts: RecordingFacts) -> None:
    if rows.empty:
        raise InputError(f"{path}: recording {facts.name} is empty: no tracks")
    frame = rows["frame"]
    wanted = f"the recording's frames are 0 to {facts.n_frames - 1}"
    if frame.min() == 1 and frame.max() == facts.n_frames:
        wanted += "; none of the file is 0: are its frames counted from 1? Here they count from 0"
    _refuse(rows, (frame < 0) | (frame >= facts.n_frames), "frame", path, wanted)
    hint = outside_hint(rows, facts)
    for column, size in (("y", facts.frame_shape[0]), ("x", facts.frame_shape[1])):
        values = rows[column]
        _refuse(rows, ~np.isfinite(values), column, path, "a finite number is needed")
        _refuse(rows, (values < 0) | (values > size), column, path, f"outside the image, 0 to {size} pixels is needed{hint}")
    twice = rows.duplicated(["track_id", "frame"])
    if twice.any():
        row = rows[twice].iloc[0]
        first = rows[(rows["track_id"] == row["track_id"]) & (rows["frame"] == row["frame"])].iloc[0]
        raise InputError(f"{path}: {row['where']}: track {row['track_id']} is in frame {row['frame']} already ({first['where']})")


def _refuse(rows: pd.DataFrame, bad: pd.Series, column: str, path: Path, wanted: str) -> None:
    if bad.any():
        row = rows[bad].iloc[0]
        raise InputError(f"{path}: {row['where']}: {column} of track {row['track_id']} is {row[column]:g}, {wanted}")


def _parents(rows: pd.DataFrame, path: Path) -> dict[int, object]:
    """{track: parent or NA}; one parent per track, and no track is its own ancestor. Parent 0 is none where there is no track 0."""
    parents: dict[int, object] = {}
    zero = bool((rows["track_id"] == 0).any())
    for track, parent, where in rows[["track_id", "parent_id", "where"]].itertuples(index=False, name=None):
        parent = pd.NA if pd.isna(parent) or (parent == 0 and not zero) else int(parent)
        known = parents.setdefault(track, parent)
        if (known is pd.NA) != (parent is pd.NA) or (parent is not pd.NA and known != parent):
            shown, before = ("none" if one is pd.NA else one for one in (parent, known))
            raise InputError(f"{path}: {where}: parent_id of track {track} is {shown}, {before} in an earlier frame")
    for track in parents:
        seen, ancestor = {track}, parents[track]
        while ancestor is not pd.NA:
            if ancestor in seen:
                raise InputError(f"{path}: track {track} with parent_id {parents[track]} is its own ancestor")
            seen.add(ancestor)
            ancestor = parents.get(ancestor, pd.NA)
    return parents


def _summarise(rows: pd.DataFrame, parents: dict[int, object], recording: str) -> pd.DataFrame:
    """One row per track: recording, track_id, parent_id, first_frame, last_frame, n_frames."""
    frames = rows.groupby("track_id")["frame"]
    table = pd.DataFrame({"first_frame": frames.min(), "last_frame": frames.max(), "n_frames": frames.size()}).reset_index()
    table.insert(0, "recording", recording)
    table.insert(2, "parent_id", table["track_id"].map(parents))
    return table


def resolve(track, fate: Statement | None, n_frames: int, event_gap: int) -> tuple[str, object, str | None]:
    """(outcome, event_frame, warning) of one track."""
    reaches_end = track.last_frame == n_frames - 1
    note = None if fate is None else fate.note
    if fate is None or fate.outcome is None:
        if fate is not None and not pd.isna(fate.event_frame):
            raise InputError(
                f"{fate.source}: {fate.where}: event_frame of track {track.track_id} is {fate.event_frame}, but no outcome is given"
            )
        return NO_EVENT if reaches_end else CENSORED, pd.NA, note
    here = f"{fate.source}: {fate.where}: track {track.track_id}"
    if fate.outcome in (NO_EVENT, CENSORED):
        if not pd.isna(fate.event_frame):
            raise InputError(f"{here}: event_frame is {fate.event_frame}, with outcome {fate.outcome} it must be empty")
        if fate.outcome == NO_EVENT and not reaches_end:
            raise InputError(
                f"{here}: outcome is {NO_EVENT}, but its last frame is {track.last_frame}, not the recording's last ({n_frames - 1})"
            )
        return fate.outcome, pd.NA, note
    if pd.isna(fate.event_frame):
        return fate.outcome, pd.NA, joined_notes(note, f"{fate.outcome} without event_frame: the whole track is kept")
    return _resolve_event(track, fate, event_gap, here)


def _with_place(outcome: str, event: object, warning: str | None, fate: Statement | None, path: Path) -> tuple[str, object, str | None]:
    """The same, where the warning is about an event that another file than the tracks' names, with the place in that file."""
    if warning is None or fate is None or pd.isna(fate.event_frame) or fate.source == str(path):
        return outcome, event, warning
    return outcome, event, f"{warning} ({fate.place})"


def _resolve_event(track, fate, event_gap: int, here: str) -> tuple[str, object, str | None]:
    event = int(fate.event_frame)
    if event < track.first_frame:
        raise InputError(f"{here}: event_frame is {event}, before the track's start at frame {track.first_frame}")
    after = event - track.last_frame
    if after > event_gap:
        text = f"{fate.outcome} at frame {event}, {after} frames after the track's last ({track.last_frame}): censored"
        return CENSORED, pd.NA, joined_notes(fate.note, text)
    text = f"{fate.outcome} at frame {event}, but the track goes on to frame {track.last_frame}" if -after > event_gap else None
    return fate.outcome, event, joined_notes(fate.note, text)


def _lineages(outcomes: pd.DataFrame, fates: dict[int, Statement], recording: str) -> list[str]:
    """``<recording>/<founder>`` per row: tracks connected by parents, continues_as or a lineage label share a founder.

    The founder is the track of the group that starts first (the smallest id among those that start together).
    """
    leader: dict[object, object] = {}

    def find(node: object) -> object:
        while leader.setdefault(node, node) != node:
            node = leader[node]
        return node

    for track in outcomes.itertuples(index=False):
        fate = fates.get(track.track_id)
        related = [] if pd.isna(track.parent_id) else [int(track.parent_id)]
        if fate is not None:
            related += list(fate.continues_as) + ([] if fate.lineage is None else [f"label {fate.lineage}"])
        for other in related:
            leader[find(track.track_id)] = find(other)
    founders: dict[object, int] = {}
    for track in outcomes.sort_values(["first_frame", "track_id"]).itertuples(index=False):
        founders.setdefault(find(track.track_id), track.track_id)
    return [f"{recording}/{founders[find(track)]}" for track in outcomes["track_id"]]
