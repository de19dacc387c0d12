"""What a person changed in tracks, one row for each change of a track, in words that a person reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

NONE = -1  # a position that was not there before
KINDS = ("cut", "divided", "joined", "moved", "shortened", "extended", "deleted", "new", "mother")


@dataclass(frozen=True)
class Parts:
    """The positions of a track: its ``rows`` (n,) before, NONE for a new position, ``frames`` (n,), and by how many pixels each moved."""

    rows: np.ndarray
    frames: np.ndarray
    steps: np.ndarray


@dataclass(frozen=True)
class Chain:
    """A track after the edits."""

    number: int
    parent: int | None
    parts: Parts


def differences(before: pd.DataFrame, chains: Sequence[Chain]) -> list[dict]:
    """Rows of the table EDITS without their recording: track_id, what, first_frame, last_frame, positions, detail; by track and kind."""
    tracks = before["track_id"].to_numpy()
    holders: dict[int, list[Chain]] = {}
    for chain in chains:
        for track in dict.fromkeys(tracks[chain.parts.rows[chain.parts.rows != NONE]].tolist()):
            holders.setdefault(track, []).append(chain)
    found = []
    for track, rows in before.groupby("track_id").indices.items():
        found += _of_track(int(track), rows, before, holders.get(int(track), []))
    for chain in chains:
        found += _of_chain(chain, before, holders)
    return sorted(found, key=lambda row: (row["track_id"], KINDS.index(row["what"]), row["first_frame"]))


def _row(track: int, what: str, frames: np.ndarray, detail: str | None = None) -> dict:
    ends = {"first_frame": int(frames.min()), "last_frame": int(frames.max()), "positions": len(frames)}
    return {"track_id": track, "what": what, **ends, "detail": detail}


def _of_track(track: int, rows: np.ndarray, before: pd.DataFrame, holders: Sequence[Chain]) -> Iterator[dict]:
    """What became of a track that was there before."""
    frames = before["frame"].to_numpy()
    if not holders:
        yield _row(track, "deleted", frames[rows])
        return
    held = [np.intersect1d(chain.parts.rows, rows) for chain in holders]
    order = sorted(range(len(holders)), key=lambda place: held[place][0])
    for early, late in pairwise(order):
        divided = holders[late].parent == holders[early].number
        detail = f"from here on track {holders[late].number}" + (", a daughter" if divided else "")
        yield _row(holders[early].number, "divided" if divided else "cut", frames[held[late]], detail)
    gone = np.setdiff1d(rows, np.concatenate(held))
    if len(gone):
        yield _row(holders[order[0]].number, "shortened", frames[gone])


def _of_chain(chain: Chain, before: pd.DataFrame, holders: dict[int, list[Chain]]) -> Iterator[dict]:
    """What is new in a track that is there now."""
    parts, tracks = chain.parts, before["track_id"].to_numpy()
    old = parts.rows != NONE
    if not old.any():
        yield _row(chain.number, "new", parts.frames, None if chain.parent is None else f"a daughter of {chain.parent}")
        return
    held = list(dict.fromkeys(tracks[parts.rows[old]].tolist()))
    for track in held[1:]:
        own = np.array([row != NONE and tracks[row] == track for row in parts.rows])
        yield _row(chain.number, "joined", parts.frames[own], f"here what was track {track}")
    if not old.all():
        yield _row(chain.number, "extended", parts.frames[~old])
    if (parts.steps > 0).any():
        yield _row(chain.number, "moved", parts.frames[parts.steps > 0], f"by up to {parts.steps.max():.1f} px")
    first = parts.rows[old][0]
    if chain.number == held[0] and (first == 0 or tracks[first - 1] != held[0]):  # it still begins as it did
        mother = before["parent_id"].iloc[first]
        was = None if pd.isna(mother) else int(mother)
        if was in set(tracks.tolist()):
            now = holders.get(was, [])  # that which holds its end, last; none where it was deleted
            was_now = now[-1].number if now else None
        else:
            was_now = was
        if was_now != chain.parent:
            words = ["none" if one is None else str(one) for one in (was, chain.parent)]
            yield _row(chain.number, "mother", parts.frames[:1], f"{words[0]} before, {words[1]} now")
