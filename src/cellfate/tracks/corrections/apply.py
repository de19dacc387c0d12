"""Corrections in the checked tables of one recording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.tracks.outcomes import CheckedTracks, resolve
from cellfate.tracks.raw import RecordingFacts, joined_notes
from cellfate.tracks.statements import PASSED, USED, Statement
from cellfate.tracks.tables import CENSORED, LEFT_OUT, OUTCOME_SOURCES, OUTCOMES, TRACKS, WRONG_TRACK


def corrected(checked: CheckedTracks, rows: Sequence[Mapping], path: str, facts: RecordingFacts, event_gap: int) -> CheckedTracks:
    """The tables after the ``rows`` of :func:`correction_rows` of this recording, which stand in ``path``, with or without their lines.

    A corrected outcome takes the place of what the sources say; a wrong track is set aside as if it had not been in the file, and its
    daughters have no mother, but stay in its lineage. Raises InputError with line and value for a track that is not there, an outcome
    before that is another than ``was``, an event that does not fit the track, and where no track is left.
    """
    for row in rows:
        here = f"{path}: {_where(row)}"
        found = checked.outcomes[checked.outcomes["track_id"] == row["track_id"]]
        if found.empty:
            raise InputError(f"{here}: track_id is {row['track_id']}, recording {facts.name} has no such track")
        before = found.iloc[0]
        if before["outcome"] != row["was"]:
            raise InputError(
                f"{here}: was is {row['was']!r}, but in its files track {row['track_id']} of {facts.name} is {before['outcome']}: were "
                "they corrected too? Then this row is not needed"
            )
        checked = _without(checked, row, here) if row["what"] == WRONG_TRACK else _with_corrected(checked, row, path, facts, event_gap)
    if checked.tracks.empty:
        raise InputError(f"{path}: all tracks of recording {facts.name} are marked as wrong")
    return checked


def _where(row: Mapping) -> str:
    return f"line {row['line']}" if "line" in row else f"recording {row['recording']}, track_id {row['track_id']}"


@dataclass(frozen=True)
class NewOutcome:
    """What a track's outcome becomes, as ``taken`` says, and what people ``said`` of it: each statement with what became of it."""

    taken: Statement
    said: tuple[tuple[Statement, str], ...]


def with_outcome(checked: CheckedTracks, new: NewOutcome, facts: RecordingFacts, event_gap: int) -> CheckedTracks:
    """The tables with another outcome of one track, and where it is from. Raises InputError for an event that does not fit the track."""
    outcomes, sources, said = checked.outcomes.copy(), checked.sources.copy(), new.taken
    place = outcomes.index[outcomes["track_id"] == said.track_id][0]
    track = next(outcomes.loc[[place]].itertuples(index=False))
    for one, _ in new.said:
        _resolved(track, one, facts, event_gap)
    outcome, event, warning = _resolved(track, said, facts, event_gap)
    outcomes.loc[place, ["outcome", "event_frame", "warning"]] = [outcome, event, joined_notes(said.note, warning)]
    own = sources["track_id"] == said.track_id
    sources.loc[own & (sources["result"] == USED), "result"] = PASSED
    added = [_source(one, result, facts.name) for one, result in new.said]
    sources = pd.concat([sources.astype(object), pd.DataFrame(added, dtype=object)], ignore_index=True)
    return replace(
        checked, outcomes=check_table(outcomes, OUTCOMES, said.source), sources=check_table(sources, OUTCOME_SOURCES, said.source)
    )


def _resolved(track, said: Statement, facts: RecordingFacts, event_gap: int) -> tuple[str, object, str | None]:
    """As :func:`resolve`, but an event that does not fit the track is an error."""
    here = f"{said.source}: {said.where}"
    outcome, event, warning = resolve(track, said._replace(note=None), facts.n_frames, event_gap)
    if outcome == CENSORED != said.outcome:
        raise InputError(f"{here}: event_frame is {said.event_frame}: {warning}")
    if not pd.isna(event) and event >= facts.n_frames:
        raise InputError(f"{here}: event_frame is {event}, the recording's frames are 0 to {facts.n_frames - 1}")
    return outcome, event, warning


def _source(said: Statement, result: str, recording: str) -> dict:
    found = {"recording": recording, "track_id": said.track_id, "source": said.source, "where": said.where, "said": said.said}
    return found | {"outcome": said.outcome, "event_frame": said.event_frame, "result": result}


def _with_corrected(checked: CheckedTracks, row: Mapping, path: str, facts: RecordingFacts, event_gap: int) -> CheckedTracks:
    note = f"corrected by hand, was {row['was']}" + (f": {row['note']}" if row["note"] else "")
    frame = pd.NA if row["event_frame"] is None else row["event_frame"]
    said = Statement(row["track_id"], row["outcome"], frame, (), None, _where(row), note, path, row["outcome"], False)
    return with_outcome(checked, NewOutcome(said, ((said, USED),)), facts, event_gap)


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
