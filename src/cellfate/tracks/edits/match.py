"""Which detection of an edited graph is which of the tracks that were edited: by place first, then by the numbers that nodes carry."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from cellfate.base.errors import InputError
from cellfate.tracks.links import track_edges
from cellfate.tracks.readers.geff import Graph

SAME_PLACE = 0.01  # pixels: programs keep positions as 32-bit numbers
ENOUGH = 0.5  # of the nodes that must be where they were, so that the graph is an edited one of these tracks
TRUSTED = 0.99  # of the nodes that are where they were: so many must carry their old number, so that it tells which one a moved node is
NONE = -1


@dataclass(frozen=True)
class Matched:
    """``rows`` (N,) are the rows of the tracks before for each node of ``graph``, ``NONE`` for a new one; ``moved`` (N,) says which moved.

    ``lines`` say what was made of the file so that it fits.
    """

    graph: Graph
    rows: np.ndarray
    moved: np.ndarray
    lines: tuple[str, ...]


def match_nodes(before: pd.DataFrame, graph: Graph, source: str, pixel_size_um: float | None) -> Matched:
    """Match the nodes of a graph in ``source`` with ``before``, tracks sorted by track and frame, columns track_id, frame, y, x.

    Positions that another program has multiplied by the pixel size, and axes that it has exchanged, are found by the places that then
    agree. Raises InputError where less than half the nodes are at a place of these tracks, whatever is tried.
    """
    least = ENOUGH * min(len(before), len(graph.nodes))
    for change, line in _readings(pixel_size_um):
        tried = change(graph)
        rows = _by_place(before, tried)
        if np.sum(rows != NONE) > least or (len(rows) and np.sum(rows != NONE) == len(before)):
            found = _by_numbers(before, tried, rows)
            return Matched(tried, found, (found != NONE) & (rows == NONE), (f"{source}: {line}",) if line else ())
    shifted = max((-1, 1), key=lambda by: np.sum(_by_place(before, replace(graph, frames=graph.frames + by)) != NONE))
    if np.sum(_by_place(before, replace(graph, frames=graph.frames + shifted)) != NONE) > least:
        raise InputError(
            f"{source}: its positions are those of the tracks in the frame {'after' if shifted > 0 else 'before'}: frames count from 0"
        )
    n = np.sum(_by_place(before, graph) != NONE)
    raise InputError(
        f"{source}: {n} of its {len(graph.nodes)} positions are those of the tracks that should have been edited: is it of another "
        "recording, or were cells tracked again since?"
    )


def _readings(pixel_size_um: float | None) -> Iterator[tuple[Callable[[Graph], Graph], str]]:
    """Ways in which positions may be meant: as they are, in micrometres, and both with y and x exchanged."""
    sizes = [1.0] if pixel_size_um in (None, 1.0) else [1.0, pixel_size_um]
    for exchanged in (False, True):
        for size in sizes:
            words = [f"its positions are in micrometres and are divided by {size:g}"] * (size != 1)
            words += ["its y and x are exchanged, and are exchanged back"] * exchanged
            yield (lambda graph, size=size, exchanged=exchanged: _scaled(graph, size, exchanged)), "; ".join(words)


def _scaled(graph: Graph, size: float, exchanged: bool) -> Graph:
    y, x = (graph.x, graph.y) if exchanged else (graph.y, graph.x)
    return replace(graph, y=y / size, x=x / size)


def _by_place(before: pd.DataFrame, graph: Graph) -> np.ndarray:
    """The row of ``before`` at the place of each node; of several at one place, the one whose numbers the node carries."""
    places = before[["y", "x"]].to_numpy(float)
    frames, tracks = before["frame"].to_numpy(), before["track_id"].to_numpy()
    nodes = np.column_stack([graph.y, graph.x])
    pairs = []
    for frame in np.intersect1d(frames, graph.frames):
        ours, theirs = np.flatnonzero(frames == frame), np.flatnonzero(graph.frames == frame)
        near = cKDTree(nodes[theirs]).sparse_distance_matrix(cKDTree(places[ours]), SAME_PLACE, output_type="ndarray")
        pairs.append(pd.DataFrame({"node": theirs[near["i"]], "row": ours[near["j"]], "distance": near["v"]}))
    found = np.full(len(nodes), NONE)
    if not pairs:
        return found
    table = pd.concat(pairs, ignore_index=True)
    numbers = [graph.numbers[node] == tracks[row] for node, row in table[["node", "row"]].itertuples(index=False)]
    table = table.assign(other=~np.array(numbers, bool)).sort_values(["other", "distance"], kind="stable")
    taken: set[int] = set()
    for node, row in table[["node", "row"]].itertuples(index=False):
        if found[node] == NONE and row not in taken:
            found[node] = row
            taken.add(row)
    return found


def _by_numbers(before: pd.DataFrame, graph: Graph, found: np.ndarray) -> np.ndarray:
    """The nodes that are at no place of before: by their own number, then by their track's and the frame, where these were kept."""
    frames, tracks = before["frame"].to_numpy(), before["track_id"].to_numpy()
    rows, known = found.copy(), np.flatnonzero(found != NONE)
    by_track = {key: row for row, key in enumerate(zip(tracks.tolist(), frames.tolist(), strict=True))}
    ways = [
        *([node - first for node in graph.nodes] for first in (1, 0)),
        [by_track.get((number, frame), NONE) for number, frame in zip(graph.numbers, graph.frames.tolist(), strict=True)],
    ]
    for way in map(np.array, ways):
        if not len(known) or np.mean(way[known] == found[known]) < TRUSTED:
            continue
        taken = set(rows[rows != NONE].tolist())
        for node in np.flatnonzero(rows == NONE).tolist():
            row = int(way[node])
            if 0 <= row < len(before) and row not in taken and frames[row] == graph.frames[node]:
                rows[node] = row
                taken.add(row)
    return rows


def links_before(before: pd.DataFrame) -> set[tuple[int, int]]:
    """The links of the tracks before, as pairs of their rows."""
    return {(int(one), int(other)) for one, other in track_edges(before)}
