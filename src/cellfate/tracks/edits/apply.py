"""Edited tracks in place of those of a file, or of those that were made here: with the outcomes of the tracks as which they end."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.tracks.edits.file import EditedRecording, check_before, read_edited
from cellfate.tracks.oddities import refuse_many
from cellfate.tracks.outcomes import AS_IN_THE_FILE, CheckedTracks, OutcomesFrom, check_tracks, complete_tracks, read_raw
from cellfate.tracks.raw import RawTracks, RecordingFacts, joined_notes
from cellfate.tracks.tables import OUTCOMES

SHOWN = 5


def check_edited_tracks(
    path: str | Path,
    tracks_format: str,
    facts: RecordingFacts,
    event_gap: int,
    outcomes_from: OutcomesFrom = AS_IN_THE_FILE,
    *,
    edited: str | Path | None,
) -> CheckedTracks:
    """:func:`check_tracks` of the tracks in ``path`` after the edits in the file ``edited``; None: as they are.

    Raises InputError also where the tracks are no longer those that were edited.
    """
    if edited is None:
        return check_tracks(path, tracks_format, facts, event_gap, outcomes_from)
    raw, found = read_raw(path, tracks_format, facts, outcomes_from), read_edited(edited)
    refuse_many(raw.rows, raw.left_out, Path(path))
    check_before(complete_tracks(raw, Path(path), facts, event_gap, outcomes_from).tracks, found, edited)
    return completed(with_edits(raw, found, edited, facts), found, Path(path), facts, event_gap, outcomes_from)


def completed(
    raw: RawTracks, edited: EditedRecording, path: Path, facts: RecordingFacts, event_gap: int, outcomes_from: OutcomesFrom = AS_IN_THE_FILE
) -> CheckedTracks:
    """The checked tables of edited raw tracks; ``warning`` says what was edited."""
    checked = complete_tracks(raw, path, facts, event_gap, outcomes_from)
    said = edited.differences.assign(text=[_in_words(row) for row in edited.differences.itertuples(index=False)])
    notes = said.groupby("track_id")["text"].agg(lambda texts: "edited by hand: " + ", ".join(texts)).to_dict()
    warnings = [joined_notes(notes.get(track), own) for track, own in checked.outcomes[["track_id", "warning"]].values.tolist()]
    outcomes = check_table(checked.outcomes.assign(warning=pd.Series(warnings, dtype=object)), OUTCOMES, path)
    return replace(checked, outcomes=outcomes)


def _in_words(row) -> str:
    frames = f"frame {row.first_frame}" if row.first_frame == row.last_frame else f"frames {row.first_frame} to {row.last_frame}"
    return f"{row.what} ({frames}{'' if pd.isna(row.detail) else f': {row.detail}'})"


def with_edits(raw: RawTracks, edited: EditedRecording, path: str | Path, facts: RecordingFacts) -> RawTracks:
    """Raw tracks with the rows of the edited ones, and of those that were set aside when they were edited.

    What sources say of a track is said of the track that ends as it now; where none does, it is dropped with a warning.
    """
    if edited.recording != facts.name:
        raise InputError(f"{path}: it is of recording {edited.recording}, not of {facts.name}")
    rows = edited.after.assign(
        where=[f"track {track}, frame {frame}" for track, frame in edited.after[["track_id", "frame"]].values.tolist()]
    )
    aside = raw.rows[raw.rows["track_id"].isin(edited.aside)]
    now = {end: track for track, end in edited.ends_as.items() if end is not None} | {track: track for track in edited.aside}
    fates, lost = _renamed(raw.fates, now, {*edited.before["track_id"].tolist()})
    warnings = list(raw.warnings)
    if lost:
        shown = ", ".join(lost[:SHOWN]) + (f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else "")
        warnings.append(f"{path}: no track ends any more as {shown}, so these outcomes are not used")
    together = pd.concat([rows, aside.reindex(columns=rows.columns)], ignore_index=True).astype({"parent_id": "Int64"})
    return replace(raw, rows=together, fates=fates, warnings=tuple(warnings))


def _renamed(fates: pd.DataFrame, now: Mapping[int, int], before: set[int]) -> tuple[pd.DataFrame, list[str]]:
    """Rows of fates with the numbers of the tracks now, and in words those that have none. What names no track before stays: an error."""
    gone = np.array([track in before and track not in now for track in fates["track_id"]], bool)
    lost = fates[gone]
    words = [f"track {row.track_id} ({row.outcome})" for row in lost.itertuples(index=False) if row.outcome is not None]
    kept = fates[~gone]
    ids = [now.get(track, track) for track in kept["track_id"]]
    related = [tuple(now.get(one, one) for one in (own or ()) if one in now or one not in before) for own in kept["continues_as"]]
    return kept.assign(track_id=ids, continues_as=pd.Series(related, index=kept.index, dtype=object)), words
