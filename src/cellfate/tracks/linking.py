"""Cells linked to tracks with laptrack (Fukai and Kawaguchi 2023, https://doi.org/10.1093/bioinformatics/btac799).

laptrack solves the linear assignment of Jaqaman et al. (2008, https://doi.org/10.1038/nmeth.1237): cells of consecutive frames
by squared distance, then ends to later starts over gaps, and divisions. This is the only module that knows the tracker.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.edits.apply import completed, with_edits
from cellfate.tracks.edits.file import check_before, read_edited
from cellfate.tracks.links import tracks_of_links
from cellfate.tracks.outcomes import complete_tracks
from cellfate.tracks.raw import FATES, RawTracks, RecordingFacts

Cell = tuple[int, int]  # frame, and the cell's number in it


@dataclass(frozen=True)
class TrackingSettings:
    """How cells are linked. Lengths in pixels."""

    max_step: float  # that a cell moves from one frame to the next, or over a gap
    gap_frames: int  # in a row in which a cell may be missed
    divisions: bool  # look for divisions
    division_distance: float  # from the mother to each daughter, at most; about a cell's diameter
    filter_divisions: bool  # undo divisions that fail one of the next three conditions
    division_offset: float  # distance of the daughters' midpoint to the mother / division_distance, at most
    division_area_ratio: float  # larger daughter / smaller daughter, at most
    daughter_frames: int  # in which each daughter is seen, at least; fewer at the recording's end


def link_cells(
    cells: pd.DataFrame, n_frames: int, settings: TrackingSettings, shifts: np.ndarray | None = None
) -> tuple[pd.Series, dict[int, int | None]]:
    """Link ``cells`` (columns frame, y, x, area) of a recording of ``n_frames`` frames.

    ``shifts`` (T, 2) is the drift in y and x, pixels: cells are linked at their position minus their frame's shift. Returns the
    track of each cell, as a series with the index of ``cells``, and {track: parent or None}. Tracks are numbered from 1 in the
    order of their first frame.
    """
    positions = _positions(cells, n_frames, shifts)
    ordered = cells.sort_values("frame", kind="stable")
    numbers = ordered.groupby("frame").cumcount()
    nodes: list[Cell] = list(zip(ordered["frame"].tolist(), numbers.tolist(), strict=True))
    links = _laptrack_links(positions, settings)
    if settings.divisions and settings.filter_divisions:
        areas = dict(zip(nodes, ordered["area"], strict=True))
        links = filter_divisions(links, positions, areas, n_frames, settings)
    links = _within_reach(links, positions, settings.max_step)
    named, parents = tracks_of_links({node: node[0] for node in nodes}, links)
    number = {name: position for position, name in enumerate(parents, start=1)}
    tracks = pd.Series([number[named[node]] for node in nodes], index=ordered.index, name="track_id")
    return tracks.reindex(cells.index), {number[name]: None if parent is None else number[parent] for name, parent in parents.items()}


def _positions(cells: pd.DataFrame, n_frames: int, shifts: np.ndarray | None) -> list[np.ndarray]:
    """Registered positions (N, 2) of the cells of each frame."""
    if shifts is not None and np.shape(shifts) != (n_frames, 2):
        raise InputError(f"shifts of shape {np.shape(shifts)}, ({n_frames}, 2) is needed: y and x of every frame")
    drift = np.zeros((n_frames, 2)) if shifts is None else np.asarray(shifts, float)
    by_frame = {int(t): table[["y", "x"]].to_numpy(float) for t, table in cells.groupby("frame")}
    return [by_frame.get(t, np.empty((0, 2))) - drift[t] for t in range(n_frames)]


def _laptrack_links(positions: Sequence[np.ndarray], settings: TrackingSettings) -> list[tuple[Cell, Cell]]:
    from laptrack import LapTrack  # 3 s

    tracker = LapTrack(
        metric="sqeuclidean",
        cutoff=settings.max_step**2,
        gap_closing_metric="sqeuclidean",
        gap_closing_cutoff=settings.max_step**2,
        gap_closing_max_frame_count=settings.gap_frames + 1,  # laptrack counts the step over the gap
        splitting_metric="sqeuclidean",
        splitting_cutoff=settings.division_distance**2 if settings.divisions else False,
        merging_cutoff=False,
    )
    return [tuple(tuple(map(int, node)) for node in edge) for edge in tracker.predict(list(positions)).edges]


def filter_divisions(
    links: Sequence[tuple[Cell, Cell]],
    positions: Sequence[np.ndarray],
    areas: dict[Cell, float],
    n_frames: int,
    settings: TrackingSettings,
) -> list[tuple[Cell, Cell]]:
    """The links without those of divisions that are none.

    A division stays when the daughters' midpoint is within ``division_offset`` times ``division_distance`` of the mother, their
    areas agree within ``division_area_ratio``, and each is seen in ``daughter_frames`` frames (or all that the recording still
    has). Otherwise the mother goes on as one of them: as the one that lives on where the other does not, else as the nearer.
    Later divisions are decided first, so that a daughter's life is counted to her own division.
    """
    followers: dict[Cell, list[Cell]] = {}
    for early, late in links:
        followers.setdefault(early, []).append(late)
    for mother in sorted((cell for cell, after in followers.items() if len(after) > 1), reverse=True):
        daughters = sorted(followers[mother], key=lambda cell: _distance(positions, mother, cell))
        lives = [_life(cell, followers) for cell in daughters]
        needed = [min(settings.daughter_frames, n_frames - cell[0]) for cell in daughters]
        alive = [life >= least for life, least in zip(lives, needed, strict=True)]
        if not (all(alive) and _looks_like_one(mother, daughters, positions, areas, settings)):
            followers[mother] = [daughters[alive.index(True) if any(alive) else 0]]
    return [(early, late) for early, after in followers.items() for late in after]


def _within_reach(links: Sequence[tuple[Cell, Cell]], positions: Sequence[np.ndarray], max_step: float) -> list[tuple[Cell, Cell]]:
    """The links without steps above ``max_step``; those to daughters may be longer.

    laptrack takes an ended track for a mother too: then a cell goes on over the distance of a division.
    """
    followers = Counter(early for early, _ in links)
    return [link for link in links if followers[link[0]] > 1 or _distance(positions, *link) <= max_step]


def _looks_like_one(mother: Cell, daughters: list[Cell], positions: Sequence[np.ndarray], areas: dict[Cell, float], settings) -> bool:
    midpoint = np.mean([positions[t][number] for t, number in daughters], axis=0)
    offset = np.linalg.norm(midpoint - positions[mother[0]][mother[1]])
    sizes = [areas[cell] for cell in daughters]
    return offset <= settings.division_offset * settings.division_distance and max(sizes) <= settings.division_area_ratio * min(sizes)


def _distance(positions: Sequence[np.ndarray], one: Cell, other: Cell) -> float:
    return float(np.linalg.norm(positions[one[0]][one[1]] - positions[other[0]][other[1]]))


def _life(cell: Cell, followers: dict[Cell, list[Cell]]) -> int:
    """In how many frames a cell is seen until it ends or divides."""
    seen = 1
    while len(after := followers.get(cell, [])) == 1:
        cell, seen = after[0], seen + 1
    return seen


def track_cells(
    cells: pd.DataFrame,
    source: str | Path,
    facts: RecordingFacts,
    *,
    settings: TrackingSettings,
    shifts: np.ndarray | None = None,
    edited: str | Path | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables ``tracks`` and ``outcomes`` of a recording from its cells (frame, y, x, area), measured in ``source``.

    ``edited`` is a file of edits of these tracks (:mod:`cellfate.tracks.edits`).

    Positions stay those of the raw frames. A track is ``no_event_by_end`` when it reaches the last frame, else ``censored``: no
    fate is invented, also where the tracker sees a division; that stands in ``parent_id`` of the daughters and in the mother's
    ``warning``. Raises InputError when no frame has a cell.
    """
    if cells.empty:
        raise InputError(
            f"{source}: no cell in any of the {facts.n_frames} frames of {facts.name}; see tracking.channel and tracking.diameter"
        )
    tracks, parents = link_cells(cells, facts.n_frames, settings, shifts)
    mothers = pd.Series([pd.NA if parents[track] is None else parents[track] for track in tracks], index=tracks.index, dtype="Int64")
    rows = cells[["frame", "y", "x"]].assign(track_id=tracks, parent_id=mothers)
    rows["where"] = "frame " + rows["frame"].astype(str)
    raw = RawTracks(rows, _division_notes(rows, source))
    checked = complete_tracks(raw, Path(source), facts, event_gap=0)
    if edited is not None:
        found = read_edited(edited)
        check_before(checked.tracks, found, edited)
        after = with_edits(replace(raw, fates=raw.fates.iloc[:0]), found, edited, facts)
        after = replace(after, fates=_division_notes(after.rows, source))
        checked = completed(after, found, Path(source), facts, event_gap=0)
    checked.say_warnings()
    return checked.tracks, checked.outcomes


def _division_notes(rows: pd.DataFrame, source: str | Path) -> pd.DataFrame:
    """Rows of fates without a fate: what the mothers' ``warning`` says."""
    starts = rows.groupby("track_id")["frame"].min()
    born_of = rows.drop_duplicates("track_id").dropna(subset="parent_id")
    daughters = {int(mother): own["track_id"].tolist() for mother, own in born_of.groupby("parent_id")}
    notes = [
        {
            "track_id": mother,
            "outcome": None,
            "event_frame": pd.NA,
            "continues_as": (),
            "lineage": None,
            "where": f"track {mother}",
            "source": str(source),
            "note": f"the tracker sees a division in frame {starts[born].min()} (tracks {', '.join(map(str, born))})",
        }
        for mother, born in daughters.items()
    ]
    return pd.DataFrame(notes, columns=FATES)
