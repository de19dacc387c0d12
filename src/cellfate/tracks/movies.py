"""Tables of tracks and outcomes for ready-made crops: one movie per cell, which is a track from the movie's first frame to its last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.tracks.outcomes import CheckedTracks
from cellfate.tracks.raw import LeftOut
from cellfate.tracks.statements import USED
from cellfate.tracks.tables import CENSORED, LEFT_OUT, NO_EVENT, OUTCOME_SOURCES, OUTCOMES, TRACKS

WHOLE = "{} without event_frame: the whole track is kept"
UNCUT = (
    "{sheet}: {n} of {fated} cells of recording {recording} with an outcome have no event_frame, so their movies are kept whole: where "
    "a movie shows the event itself, the network learns to see it and not to foresee it"
)


@dataclass(frozen=True)
class CellMovie:
    """What a row of the cells sheet and its movie say of one cell.

    ``where`` names sheet, line and cell. ``outcome`` is the sheet's word, None where it is empty; ``lineage`` a name shared by relatives.
    ``n_frames`` and ``shape`` (height, width) are the movie's, ``frames`` the numbers of those that are used, rising.
    """

    cell: str
    track_id: int
    where: str
    outcome: str | None
    event_frame: int | None
    lineage: str | None
    n_frames: int
    shape: tuple[int, int]
    frames: np.ndarray


def tables_of_movies(recording: str, cells: Sequence[CellMovie], sheet: str, *, event_gap: int, words: Mapping[str, str]) -> CheckedTracks:
    """The declared tables of one recording's cells; ``words`` are {a word of the sheet: its outcome}.

    Each movie counts its frames from 0, whenever it began; the position of a cell is the centre of its movie, (height / 2, width / 2)
    in the movie's own pixels. An empty outcome is ``censored``: nothing says that a movie ends with its recording. Frames that are not
    used are in ``left_out``. Raises InputError with ``where`` for an event before a movie's first frame or more than ``event_gap``
    frames after its last one.
    """
    ordered = sorted(cells, key=lambda one: one.track_id)
    founders: dict[object, int] = {}
    for one in ordered:
        founders.setdefault(_family(one), one.track_id)
    rows, outcomes, left_out, sources = [], [], [], []
    for one in ordered:
        outcome, event, warning = _resolved(one, event_gap, words)
        y, x = (length / 2 for length in one.shape)
        rows.append(pd.DataFrame({"track_id": one.track_id, "frame": one.frames, "y": y, "x": x}))
        lineage = f"{recording}/{founders[_family(one)]}"
        seen = (int(one.frames[0]), int(one.frames[-1]), len(one.frames))
        outcomes.append((recording, one.track_id, pd.NA, lineage, *seen, outcome, event, warning))
        left_out += [(recording, *gone) for gone in _unused(one)]
        sources.append((recording, one.track_id, sheet, one.where, one.outcome, outcome, event, USED))
    tracks = pd.concat(rows, ignore_index=True).assign(recording=recording, parent_id=pd.NA)
    table = check_table(pd.DataFrame(outcomes, columns=list(OUTCOMES.columns)), OUTCOMES, sheet)
    return CheckedTracks(
        check_table(tracks[list(TRACKS.columns)], TRACKS, sheet),
        table,
        check_table(pd.DataFrame(left_out, columns=list(LEFT_OUT.columns)), LEFT_OUT, sheet),
        check_table(pd.DataFrame(sources, columns=list(OUTCOME_SOURCES.columns)), OUTCOME_SOURCES, sheet),
        (),
        tuple(_said(table, recording, sheet)),
    )


def _family(one: CellMovie) -> object:
    return ("cell", one.track_id) if one.lineage is None else one.lineage


def _unused(one: CellMovie) -> list[LeftOut]:
    gone = np.setdiff1d(np.arange(one.n_frames), one.frames)
    return [LeftOut("position", one.where, one.cell, int(frame), "one value everywhere in every channel") for frame in gone]


def _resolved(one: CellMovie, event_gap: int, words: Mapping[str, str]) -> tuple[str, object, str | None]:
    """(outcome, event_frame, warning) of one cell."""
    outcome = words.get(one.outcome, one.outcome)
    if outcome is None or outcome in (CENSORED, NO_EVENT):
        if one.event_frame is not None:
            raise InputError(f"{one.where}: event_frame is {one.event_frame}, but the outcome is {outcome or 'empty'}")
        return outcome or CENSORED, pd.NA, None
    if one.event_frame is None:
        return outcome, pd.NA, WHOLE.format(outcome)
    first, last = int(one.frames[0]), int(one.frames[-1])
    if not first <= one.event_frame <= last + event_gap:
        raise InputError(
            f"{one.where}: event_frame is {one.event_frame}, the movie has the frames {first} to {last}: the number of its first frame "
            f"that shows the event, counted from 0 in the movie, is needed, up to {event_gap} frames (tracks.event_gap) after its end"
        )
    return outcome, one.event_frame, None


def _said(outcomes: pd.DataFrame, recording: str, sheet: str) -> list[str]:
    fated = ~outcomes["outcome"].isin([CENSORED, NO_EVENT])
    uncut = fated & outcomes["event_frame"].isna()
    return [UNCUT.format(sheet=sheet, n=int(uncut.sum()), fated=int(fated.sum()), recording=recording)] if uncut.any() else []
