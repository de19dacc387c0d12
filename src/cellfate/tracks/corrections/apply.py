"""Corrections in the checked tables of one recording."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.tracks.outcomes import CheckedTracks, resolve
from cellfate.tracks.raw import RecordingFacts, joined_notes
from cellfate.tracks.statements import PASSED, USED, Statement
from cellfate.tracks.tables import CENSORED, LEFT_OUT, OUTCOME_SOURCES, OUTCOMES, TRACKS, WRONG_TRACK


def corrected(checked: CheckedTracks, rows: Sequence[Mapping], path: str, facts: RecordingFacts, event_gap: int) -> CheckedTracks:
    """The tables after the ``rows`` of :func:`correction_rows` of this recording, which stand in ``path``.

    A corrected outcome takes the place of what the sources say; a wrong track is set aside as if it had not been in the file, and its
    daughters have no mother, but stay in its lineage. Raises InputError with line and value for a track that is not there, an outcome
    before that is another than ``was``, an event that does not fit the track, and where no track is left.
    """
    for row in rows:
        here = f"{path}: line {row['line']}"
        found = checked.outcomes[checked.outcomes["track_id"] == row["track_id"]]
        if found.empty:
            raise InputError(f"{here}: track_id is {row['track_id']}, recording {facts.name} has no such track")
        before = found.iloc[0]
        if before["outcome"] != row["was"]:
            raise InputError(
                f"{here}: was is {row['was']!r}, but in its files track {row['track_id']} of {facts.name} is {before['outcome']}: were "
                "they corrected too? Then this row is not needed"
            )
        checked = _without(checked, row, here) if row["what"] == WRONG_TRACK else _with_outcome(checked, row, path, facts, event_gap)
    if checked.tracks.empty:
        raise InputError(f"{path}: all tracks of recording {facts.name} are marked as wrong")
    return checked


def _with_outcome(checked: CheckedTracks, row: Mapping, path: str, facts: RecordingFacts, event_gap: int) -> CheckedTracks:
    outcomes, sources = checked.outcomes.copy(), checked.sources.copy()
    place = outcomes.index[outcomes["track_id"] == row["track_id"]][0]
    track = next(outcomes.loc[[place]].itertuples(index=False))
    where, frame = f"line {row['line']}", pd.NA if row["event_frame"] is None else row["event_frame"]
    said = Statement(track.track_id, row["outcome"], frame, (), None, where, None, path, row["outcome"], False)
    outcome, event, warning = resolve(track, said, facts.n_frames, event_gap)
    if outcome == CENSORED != row["outcome"]:
        raise InputError(f"{path}: {where}: event_frame is {row['event_frame']}: {warning}")
    if not pd.isna(event) and event >= facts.n_frames:
        raise InputError(f"{path}: {where}: event_frame is {event}, the recording's frames are 0 to {facts.n_frames - 1}")
    note = f"corrected by hand, was {row['was']}" + (f": {row['note']}" if row["note"] else "")
    outcomes.loc[place, ["outcome", "event_frame", "warning"]] = [outcome, event, joined_notes(note, warning)]
    own = sources["track_id"] == row["track_id"]
    sources.loc[own & (sources["result"] == USED), "result"] = PASSED
    added = {"recording": facts.name, "track_id": row["track_id"], "source": path, "where": where, "said": row["outcome"]}
    added |= {"outcome": outcome, "event_frame": event, "result": USED}
    sources = pd.concat([sources.astype(object), pd.DataFrame([added], dtype=object)], ignore_index=True)
    return replace(checked, outcomes=check_table(outcomes, OUTCOMES, path), sources=check_table(sources, OUTCOME_SOURCES, path))


def _without(checked: CheckedTracks, row: Mapping, here: str) -> CheckedTracks:
    track = row["track_id"]
    reason = "marked as wrong by hand" + (f": {row['note']}" if row["note"] else "")
    left = {"recording": row["recording"], "what": "track", "where": here, "track": str(track), "frame": pd.NA, "reason": reason}
    left_out = pd.concat([checked.left_out.astype(object), pd.DataFrame([left], dtype=object)], ignore_index=True)
    return replace(
        checked,
        tracks=check_table(_orphaned(checked.tracks, track), TRACKS, here),
        outcomes=check_table(_orphaned(checked.outcomes, track), OUTCOMES, here),
        sources=checked.sources[checked.sources["track_id"] != track].reset_index(drop=True),
        left_out=check_table(left_out, LEFT_OUT, here),
    )


def _orphaned(table: pd.DataFrame, track: int) -> pd.DataFrame:
    rows = table[table["track_id"] != track].reset_index(drop=True)
    return rows.assign(parent_id=rows["parent_id"].mask(rows["parent_id"].eq(track).fillna(False), pd.NA))
