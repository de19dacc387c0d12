"""What several sources say of how a track ended, and what is taken from them.

Sources are the file of the tracks, the table beside it, one table for all recordings, and the lineage. Two that disagree make a track
censored: nobody here knows which of them is right.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.fates import fates_beside, fates_of_rows
from cellfate.tracks.numbers.lineages import FILE_NUMBER, by_track_here, names_file_numbers, unknown_tracks
from cellfate.tracks.raw import FATES, RawTracks, RecordingFacts, joined_notes
from cellfate.tracks.tables import CENSORED, NO_EVENT

SHOWN = 8
USED, AGREES, DISAGREES, PASSED, LATE = "used", "agrees", "disagrees", "passed over", "too late"  # what became of a statement


@dataclass(frozen=True)
class OutcomesFrom:
    """Where outcomes come from, as ``tracks.outcomes_from`` of the settings says: see docs/tracks.md.

    ``words`` are {a program's word: outcome}. ``divisions`` is the outcome of a track that has two daughters or more; None leaves such
    tracks as they are. ``table`` is one table of outcomes for all recordings, of which ``rows`` are those of this one. ``columns`` are
    {column here: its name in that table, or without one in those beside tracks}, ``events`` the columns, properties or tags in which
    files of tracks name events.
    """

    words: Mapping[str, str]
    divisions: str | None
    table: str | None
    columns: Mapping[str, str]
    events: Sequence[str]
    rows: Sequence[Mapping[str, Any]] = ()


AS_IN_THE_FILE = OutcomesFrom({}, None, None, {}, ())


class Statement(NamedTuple):
    """What one source says of a track; ``said`` in its own word. A frame that is ``derived`` yields to one that somebody wrote."""

    track_id: int
    outcome: str | None
    event_frame: Any
    continues_as: tuple[int, ...]
    lineage: str | None
    where: str
    note: str | None
    source: str
    said: str | None
    derived: bool

    @property
    def place(self) -> str:
        return f"{Path(self.source).name}, {self.where}"


def with_fates(raw: RawTracks, path: Path, facts: RecordingFacts, outcomes_from: OutcomesFrom, own_events: bool) -> RawTracks:
    """Raw tracks with what all tables, and the words of the file itself, say of how they ended; the lineage is not among them.

    ``own_events`` says that the format has event times of its own and no table beside it.
    """
    names = outcomes_from.columns if outcomes_from.table is None else {}
    if raw.file_numbers and "track_id" not in names and names_file_numbers(path):
        names = {**names, "track_id": FILE_NUMBER}
    found, beside = (None, path) if own_events else fates_beside(path, facts, names)
    found = by_track_here(found, names, raw)
    fates, warnings = [raw.fates, found], list(raw.warnings)
    if outcomes_from.table is not None:
        table = Path(outcomes_from.table)
        of_all = fates_of_rows(outcomes_from.rows, table, outcomes_from.columns, facts) if outcomes_from.rows else None
        fates.append(by_track_here(of_all, outcomes_from.columns, raw))
        if not outcomes_from.rows:
            warnings.append(f"{table}: no row of it is of recording {facts.name}")
    events = _mapped(raw.events_said, outcomes_from.words, str(path))
    if len(raw.events_said) and events.empty:
        words = Counter(f"{column}={word}" for column, word in zip(raw.events_said["column"], raw.events_said["word"], strict=True))
        shown = ", ".join(f"{word} ({number})" for word, number in words.most_common(SHOWN))
        warnings.append(f"{path}: its events are {shown}, tracks each; tracks.outcomes_from.words makes no outcome of them")
    fates = [one for one in [*fates, events] if one is not None and len(one)]
    if found is None and not fates and not own_events and outcomes_from.table is None and outcomes_from.divisions is None:
        warnings.append(f"{path}: there is no {beside.name} beside it, so none of its tracks has a fate")
    elif found is not None and not fates and outcomes_from.table is None and outcomes_from.divisions is None:
        warnings.append(f"{beside}: no row of it is of recording {facts.name}, so none of its tracks has a fate")
    together = pd.concat([one.reindex(columns=FATES).astype(object) for one in fates], ignore_index=True) if fates else raw.fates
    return replace(raw, fates=together, warnings=tuple(warnings))


def _mapped(events: pd.DataFrame, words: Mapping[str, str], source: str) -> pd.DataFrame:
    """Rows of fates from the events that ``words`` map, as ``column=word`` or by the word alone: the first of an outcome in each track.

    An event without a frame cannot be seen in its track, which is censored.
    """
    full = events["column"].astype(str) + "=" + events["word"].astype(str)
    said = full.where(full.isin(list(words)), events["word"])
    rows = events.assign(outcome=said, kind=said.map(words), where=events["where"].astype(str) + ", " + events["column"].astype(str))
    rows = rows[rows["kind"].notna()].sort_values("event_frame", kind="stable").drop_duplicates(["track_id", "kind"]).sort_index()
    rows["continues_as"] = pd.Series([()] * len(rows), index=rows.index, dtype=object)
    unseen = rows["event_frame"].isna() | rows["kind"].isin([CENSORED, NO_EVENT])
    rows["event_frame"] = rows["event_frame"].astype(object).mask(unseen, pd.NA)
    never = unseen & ~rows["kind"].isin([CENSORED, NO_EVENT])
    rows["note"] = (rows["outcome"].astype(str) + " is not seen in the track (" + rows["where"] + "): censored").where(never, None)
    rows["outcome"] = rows["outcome"].mask(never, CENSORED)
    return rows.assign(lineage=None, source=source).reindex(columns=FATES)


def refuse_unknown_continuations(raw: RawTracks) -> None:
    """Raise an InputError for ``continues_as`` that names no track: a slip there would take relatives for strangers."""
    tracks = set(raw.rows["track_id"])
    fates = raw.fates.reindex(columns=FATES)
    for related, where, source in zip(fates["continues_as"], fates["where"], fates["source"], strict=True):
        for other in related if isinstance(related, tuple) else ():
            if other not in tracks:
                raise InputError(f"{source}: {where}: continues_as is {other}, there is no such track")


def statements_by_track(
    fates: pd.DataFrame, tracks: Iterable[int], words: Mapping[str, str], path: Path, file_numbers: Mapping[int, Sequence[int]]
) -> dict[int, list[Statement]]:
    """{track: what its sources say, in our words}. ``file_numbers`` are those of the raw tracks.

    Raises InputError for a track that is none, and for two rows about one track in a table, which is any source but ``path``.
    """
    found: dict[int, list[Statement]] = {track: [] for track in tracks}
    if problem := next(unknown_tracks(fates, list(found), file_numbers), None):
        raise InputError(problem)
    rows = fates.reindex(columns=FATES).astype(object)
    for row in rows.where(rows.notna(), None).itertuples(index=False):
        one = Statement(*row[:2], pd.NA if row.event_frame is None else row.event_frame, *row[3:], row.outcome, False)
        one = one._replace(outcome=words.get(row.outcome, row.outcome), continues_as=row.continues_as or ())
        other = next((other for other in found[row.track_id] if other.source == one.source), None)
        if other is not None and one.source != str(path):
            raise InputError(
                f"{row.source}: {row.where}: track {row.track_id} has two fates, {one.outcome} and {other.outcome} ({other.where})"
            )
        found[row.track_id].append(one)
    return found


def divisions(outcomes: pd.DataFrame, word: str, source: str) -> dict[int, Statement]:
    """{mother: statement}: a track with two daughters or more ends in a division, in the first frame that shows one of them."""
    found: dict[int, Statement] = {}
    first = dict(zip(outcomes["track_id"], outcomes["first_frame"], strict=True))
    for mother, daughters in outcomes.dropna(subset="parent_id").groupby("parent_id")["track_id"]:
        if mother in first and len(daughters) > 1:
            names, event = ", ".join(map(str, daughters)), min(first[one] for one in daughters)
            note = f"{word} taken from its daughters {names}, the first in frame {event}"
            found[mother] = Statement(mother, word, event, (), None, f"daughters {names}", note, source, "two daughters", True)
    return found


def decided(statements: Sequence[Statement], event_gap: int) -> tuple[Statement | None, list[str]]:
    """What is taken from all sources of one track, and what became of each statement.

    ``censored`` in any source stands. Outcomes that differ, and written frames of one outcome that are more than ``event_gap``
    apart, disagree: the track is censored, and the note names the two.
    """
    if not statements:
        return None, []
    chosen, results, quarrel = _chosen(statements, event_gap)
    notes = [one.note for one in statements if not one.derived or one is chosen]
    labels = list(dict.fromkeys(one.lineage for one in statements if one.lineage is not None))
    if len(labels) > 1:
        raise InputError(f"{chosen.source}: {chosen.where}: track {chosen.track_id} has two lineages, {labels[0]} and {labels[1]}")
    together = tuple(dict.fromkeys(track for one in statements for track in one.continues_as))
    merged = chosen._replace(continues_as=together, lineage=labels[0] if labels else None, note=joined_notes(*notes, quarrel))
    return (merged if quarrel is None else merged._replace(outcome=CENSORED, event_frame=pd.NA)), results


def _chosen(statements: Sequence[Statement], event_gap: int) -> tuple[Statement, list[str], str | None]:
    """The statement that counts, what became of each, and the quarrel of two that disagree, if any."""
    speaking = [one for one in statements if one.outcome is not None]
    if not speaking:
        return next((one for one in statements if not pd.isna(one.event_frame)), statements[0]), [PASSED] * len(statements), None
    censored = next((one for one in speaking if one.outcome == CENSORED), None)
    if censored is not None:
        return censored, [USED if one is censored else AGREES if one.outcome == CENSORED else PASSED for one in statements], None
    first = next((one for one in speaking if not one.derived and not pd.isna(one.event_frame)), speaking[0])
    other = next((one for one in speaking if _disagree(first, one, event_gap)), None)
    results = [PASSED if one.outcome is None else USED if one is first else AGREES for one in statements]
    if other is None:
        return first, results, None
    two = [f"{one.outcome}{'' if pd.isna(one.event_frame) else f' at frame {one.event_frame}'} ({one.place})" for one in (first, other)]
    results = [PASSED if one.outcome is None else DISAGREES for one in statements]
    return first, results, f"{two[0]}, but {two[1]}: censored, as the two disagree"


def _disagree(one: Statement, other: Statement, event_gap: int) -> bool:
    if one.outcome != other.outcome:
        return True
    known = not (one.derived or other.derived or pd.isna(one.event_frame) or pd.isna(other.event_frame))
    return known and abs(int(one.event_frame) - int(other.event_frame)) > event_gap


def table_of_statements(
    outcomes: pd.DataFrame, statements: Mapping[int, Sequence[Statement]], results: Mapping[int, Sequence[str]]
) -> pd.DataFrame:
    """One row per statement, and one for each track of which no source says anything: its end in the recording decides."""
    rows = []
    for track in outcomes.itertuples(index=False):
        own = [
            (one.source, one.where, one.said, one.outcome, one.event_frame, LATE if _is_late(one, track.outcome, result) else result)
            for one, result in zip(statements[track.track_id], results[track.track_id], strict=True)
        ]
        if not any(result in (USED, DISAGREES, LATE) for *_, result in own):
            own.append(("end of the track", f"frame {track.last_frame}", None, track.outcome, pd.NA, USED))
        rows += [(track.recording, track.track_id, *one) for one in own]
    columns = ["recording", "track_id", "source", "where", "said", "outcome", "event_frame", "result"]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"event_frame": "Int64"}).replace({np.nan: None}) if table.empty else table.astype({"event_frame": "Int64"})


def _is_late(one: Statement, outcome: str, result: str) -> bool:
    """Whether a statement that counts did not become the track's outcome: its event is too long after the track's end."""
    return result in (USED, AGREES) and one.outcome not in (None, outcome)
