"""Labels in the checked tables of one recording: outcomes of tracks of which the input has none."""

from collections.abc import Mapping, Sequence

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.corrections.apply import NewOutcome, with_outcome
from cellfate.tracks.labels.digest import track_digests
from cellfate.tracks.outcomes import CheckedTracks
from cellfate.tracks.raw import RecordingFacts
from cellfate.tracks.statements import Statement, decided
from cellfate.tracks.tables import CANNOT_TELL, CENSORED, NEITHER, NO_EVENT

OPEN = (CENSORED, NO_EVENT)  # what a track is of which no file says how it ended


def labelled(checked: CheckedTracks, rows: Sequence[Mapping], facts: RecordingFacts, event_gap: int) -> CheckedTracks:
    """The tables after the ``rows`` of :func:`label_rows` of this recording.

    ``neither`` makes a track that reaches the last frame ``no_event_by_end``, an earlier one ``censored``; ``cannot_tell`` makes it
    ``censored``, also where another person can tell. People who disagree, in the outcome or by more than ``event_gap`` frames, make it
    ``censored``, as sources do that disagree. A track that has an outcome keeps it. Raises InputError with file, track and value for a
    track that is not there or is another by its positions, an event that does not fit it, and another outcome than the input's.
    """
    digests = track_digests(checked.tracks)
    by_track: dict[int, list[Mapping]] = {}
    for row in rows:
        by_track.setdefault(row["track_id"], []).append(row)
    outcomes = checked.outcomes.set_index("track_id")
    for track, own in by_track.items():
        for row in own:
            _check(row, track, digests, outcomes, facts.name)
        if outcomes.loc[track, "outcome"] in OPEN:
            checked = _with_labels(checked, own, outcomes.loc[track, "last_frame"], facts, event_gap)
    return checked


def _here(row: Mapping) -> str:
    return f"{row['file']}: recording {row['recording']}, track_id {row['track_id']}"


def _check(row: Mapping, track: int, digests: Mapping[int, str], outcomes: pd.DataFrame, recording: str) -> None:
    if track not in digests:
        raise InputError(f"{_here(row)}: recording {recording} has no such track")
    if row["data"] != digests[track]:
        raise InputError(
            f"{_here(row)}: data is {row['data']!r}, but the positions of this track make {digests[track]}: another track was labelled, as "
            "where cells were tracked again since; label these tracks anew"
        )
    given = outcomes.loc[track, "outcome"]
    if given not in OPEN and row["outcome"] not in (given, CANNOT_TELL):
        raise InputError(
            f"{_here(row)}: outcome is {row['outcome']}, but it is {given} in its files. Labels are for tracks without an outcome: "
            "take the row out, or correct the outcome (tracks.corrections)"
        )


def _with_labels(checked: CheckedTracks, rows: Sequence[Mapping], last: int, facts: RecordingFacts, event_gap: int) -> CheckedTracks:
    """The tables with what the people said of one track."""
    words = {NEITHER: NO_EVENT if last == facts.n_frames - 1 else CENSORED, CANNOT_TELL: CENSORED}
    said = [
        Statement(
            track_id=row["track_id"],
            outcome=words.get(row["outcome"], row["outcome"]),
            event_frame=pd.NA if row["event_frame"] is None else row["event_frame"],
            continues_as=(),
            lineage=None,
            where=f"recording {row['recording']}, track_id {row['track_id']}",
            note=f"labelled {row['outcome']} by {row['by']}" + (f": {row['note']}" if row["note"] else ""),
            source=row["file"],
            said=row["outcome"],
            derived=False,
        )
        for row in rows
    ]
    taken, results = decided(said, event_gap)
    new = NewOutcome(taken, tuple(zip(said, results, strict=True)))
    return with_outcome(checked, new, facts, event_gap)
