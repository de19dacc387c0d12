"""The tracks of an edited graph, with the numbers that they had, and in a table what a person changed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.tracks.edits.differences import Chain, Parts, differences
from cellfate.tracks.edits.match import NONE, Matched, links_before


@dataclass(frozen=True)
class Edited:
    """``tracks``: track_id, parent_id (Int64), frame, y, x, sorted by track and frame. ``ends_as``: {track: the track before as which it
    ends}, whose outcome it has; None: no track before ends in it. ``differences`` is the table EDITS without its recording.
    """

    tracks: pd.DataFrame
    ends_as: dict[int, int | None]
    differences: list[dict]


def edited_tracks(before: pd.DataFrame, matched: Matched, source: str) -> Edited:
    """The tracks of a matched graph; ``before`` is sorted by track and frame, with track_id, parent_id, frame, y, x.

    A link that was there before joins what it joined: two frames of a cell, or mother and daughter; with two new followers a cell divides;
    a new single link goes on with the same cell. A track has the number of the track before with whose first position it begins (of a
    track that was cut, the first part; of two that were joined, the first), and ends as the one with whose last position it ends.
    Raises InputError for tracks that merge, and for links within a frame.
    """
    graph = matched.graph
    mothers, chains = _chains(before, matched, source)
    chain_of = {node: number for number, chain in enumerate(chains) for node in chain}
    numbers = _numbers(before, matched, chains)
    parts = [_part(before, matched, chain) for chain in chains]
    parents = [
        _absent_mother(before, part) if mothers[chain[0]] is None else numbers[chain_of[mothers[chain[0]]]]
        for chain, part in zip(chains, parts, strict=True)
    ]
    rows = [
        {"track_id": number, "parent_id": parent, "frame": int(graph.frames[node]), "y": float(graph.y[node]), "x": float(graph.x[node])}
        for number, parent, chain in zip(numbers, parents, chains, strict=True)
        for node in chain
    ]
    tracks = pd.DataFrame(rows).astype({"parent_id": "Int64"}).sort_values(["track_id", "frame"], ignore_index=True)
    ends_as = _ends(before, parts, numbers)
    named = [Chain(number, parent, part) for number, parent, part in zip(numbers, parents, parts, strict=True)]
    return Edited(tracks, ends_as, differences(before, named))


def _chains(before: pd.DataFrame, matched: Matched, source: str) -> tuple[dict[int, int | None], list[list[int]]]:
    """{node: its mother, None: none} of the first node of each track, and the nodes of the tracks, by index and in their order."""
    graph, index = matched.graph, {node: place for place, node in enumerate(matched.graph.nodes)}
    followers: dict[int, list[int]] = defaultdict(list)
    predecessor: dict[int, int] = {}
    for link in graph.links:
        early, late = sorted((index[node] for node in link), key=lambda place: graph.frames[place])
        if graph.frames[early] == graph.frames[late]:
            raise InputError(f"{source}: nodes {link[0]} and {link[1]} are linked, but both are in frame {graph.frames[early]}")
        if predecessor.setdefault(late, early) != early:
            raise InputError(f"{source}: {_merging(before, matched, [predecessor[late], early], late)}: tracks that merge cannot be read")
        if late not in followers[early]:
            followers[early].append(late)
    goes_on = _goes_on(before, matched, followers)
    chains, mothers = [], {}
    for node in np.argsort(graph.frames, kind="stable").tolist():
        mother = predecessor.get(node)
        if mother is not None and goes_on.get(mother) == node:
            continue
        mothers[node], chain = mother, [node]
        while (after := goes_on.get(chain[-1])) is not None:
            chain.append(after)
        chains.append(chain)
    return mothers, chains


def _merging(before: pd.DataFrame, matched: Matched, pair: Sequence[int], late: int) -> str:
    """In words which tracks merge, by the numbers that they had."""
    tracks = before["track_id"].to_numpy()
    names = [
        f"track {tracks[matched.rows[place]]}" if matched.rows[place] != NONE else f"node {matched.graph.nodes[place]}" for place in pair
    ]
    return f"{' and '.join(names)} both go on in node {matched.graph.nodes[late]}, frame {matched.graph.frames[late]}"


def _goes_on(before: pd.DataFrame, matched: Matched, followers: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """{node: the next one of the same cell}; see :func:`edited_tracks`."""
    known, tracks, rows = links_before(before), before["track_id"].to_numpy(), matched.rows
    several = defaultdict(int)
    for early, _ in known:
        several[early] += 1
    found: dict[int, int] = {}
    for early, after in followers.items():
        old = [(int(rows[early]), int(rows[late])) in known for late in after]
        same = [is_old and tracks[rows[early]] == tracks[rows[late]] for is_old, late in zip(old, after, strict=True)]
        if len(after) == 1:
            one_daughter_before = old[0] and not same[0] and several[int(rows[early])] == 1
            if not one_daughter_before:
                found[early] = after[0]
        elif all(old) and any(same):  # a mother that went on beside her daughter does so still
            found[early] = after[same.index(True)]
    return found


def _part(before: pd.DataFrame, matched: Matched, chain: Sequence[int]) -> Parts:
    rows, graph = matched.rows[chain], matched.graph
    places = before[["y", "x"]].to_numpy(float)
    old = rows != NONE
    steps = np.zeros(len(rows))
    steps[old] = np.hypot(*(np.column_stack([graph.y, graph.x])[chain][old] - places[rows[old]]).T)
    return Parts(rows, graph.frames[chain], np.where(matched.moved[chain], steps, 0.0))


def _absent_mother(before: pd.DataFrame, part: Parts) -> int | None:
    """The mother of a track that begins as one before, where that names one which is in no row: no link could show her."""
    tracks, first = before["track_id"].to_numpy(), part.rows[0]
    if first == NONE or (first > 0 and tracks[first - 1] == tracks[first]):
        return None
    mother = before["parent_id"].iloc[first]
    return None if pd.isna(mother) or int(mother) in tracks else int(mother)


def _numbers(before: pd.DataFrame, matched: Matched, chains: Sequence[Sequence[int]]) -> list[int]:
    """The number of each track: of its first position before, where no other holds an earlier one of that track."""
    tracks = before["track_id"].to_numpy()
    held = [list(dict.fromkeys(tracks[row] for row in matched.rows[chain] if row != NONE)) for chain in chains]
    first: dict[int, tuple[int, int]] = {}  # of each track before: its first row that is left, and which chain holds it
    for place, chain in enumerate(chains):
        for row in matched.rows[chain]:
            if row != NONE:
                first[tracks[row]] = min(first.get(tracks[row], (row, place)), (row, place))
    numbers: list[int | None] = [next((int(one) for one in own if first[one][1] == place), None) for place, own in enumerate(held)]
    taken = {*tracks.tolist(), *(number for number in numbers if number is not None)}
    for place, chain in enumerate(chains):
        if numbers[place] is None:
            own = {matched.graph.numbers[node] for node in chain}
            given = own.pop() if len(own) == 1 else None  # as it was called where it was edited, now or in an earlier round
            numbers[place] = given if given is not None and given >= 0 and given not in taken else max(taken, default=0) + 1
            taken.add(numbers[place])
    return numbers


def _ends(before: pd.DataFrame, parts: Sequence[Parts], numbers: Sequence[int]) -> dict[int, int | None]:
    tracks, last = before["track_id"].to_numpy(), {}
    for part in parts:
        for row in part.rows[part.rows != NONE].tolist():
            last[tracks[row]] = max(row, last.get(tracks[row], NONE))
    ends = {}
    for number, part in zip(numbers, parts, strict=True):
        old = part.rows[part.rows != NONE].tolist()
        ends[number] = int(tracks[old[-1]]) if old and last[tracks[old[-1]]] == old[-1] else None
    return ends
