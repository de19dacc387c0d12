"""From links between detections to tracks: the longest paths without a division, each with its parent."""

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError


def tracks_of_links(
    frames: Mapping[Hashable, int], links: Iterable[tuple[Hashable, Hashable]]
) -> tuple[dict[Hashable, Hashable], dict[Hashable, Hashable | None]]:
    """Cut a graph of detections at its divisions.

    ``frames`` gives the frame of each detection; a link joins two detections of one cell in two frames, in any order. Returns
    {detection: track} and {track: parent or None}, in the order of the frames; a track is named by its first detection. A
    detection with two or more followers ends its track, and the followers begin theirs. Raises InputError for
    a link to an unknown detection or within a frame, and for a detection with two predecessors: tracks that merge are no
    tracks of single cells.
    """
    followers: dict[Hashable, list] = {node: [] for node in frames}
    before: dict[Hashable, Hashable] = {}
    for link in links:
        unknown = [node for node in link if node not in frames]
        if unknown:
            raise InputError(f"a link names {unknown[0]}, there is no such detection")
        early, late = sorted(link, key=frames.__getitem__)
        if frames[early] == frames[late]:
            raise InputError(f"{early} and {late} are linked, but both are in frame {frames[early]}")
        if before.get(late) == early:
            continue  # the same link twice
        if late in before:
            raise InputError(f"{late} follows both {before[late]} and {early}: tracks that merge cannot be read")
        before[late] = early
        followers[early].append(late)
    tracks: dict[Hashable, Hashable] = {}
    parents: dict[Hashable, Hashable | None] = {}
    for node in sorted(frames, key=frames.__getitem__):
        mother = before.get(node)
        if mother is not None and len(followers[mother]) == 1:
            tracks[node] = tracks[mother]
        else:
            tracks[node] = node
            parents[node] = None if mother is None else tracks[mother]
    return tracks, parents


def numbered_tracks(
    frames: Mapping[Hashable, int], links: Iterable[tuple[Hashable, Hashable]], numbers: Mapping[Hashable, int | None]
) -> tuple[dict[Hashable, int], dict[int, int | None]] | str:
    """Tracks by the numbers that detections carry, in the form of :func:`tracks_of_links`; in words why not, where they are no tracks.

    They are where each detection has one and those with the same number are one path. Links between numbers join mother and daughter; a
    mother may go on beside her daughter.
    """
    missing = next((node for node in frames if numbers.get(node) is None), None)
    if missing is not None:
        return f"{missing} has none"
    ordered = sorted(frames, key=frames.__getitem__)
    last: dict[int, Hashable] = {}
    before = {max(link, key=frames.__getitem__): min(link, key=frames.__getitem__) for link in links}
    parents: dict[int, int | None] = {}
    for node in ordered:
        number, earlier = numbers[node], before.get(node)
        if number in last and earlier != last[number]:
            return f"{last[number]} and {node} both have {number}, and are not linked"
        if number not in last:
            parents[number] = None if earlier is None else numbers[earlier]
        last[number] = node
    return {node: numbers[node] for node in ordered}, parents


def track_edges(tracks: pd.DataFrame) -> np.ndarray:
    """Row numbers (E, 2) of ``tracks`` (sorted by track and frame) that follow one another: within a track, and mother to daughter.

    A daughter hangs on the last row of its mother before the daughter's first frame; where there is none there is no edge.
    """
    track, frame = tracks["track_id"].to_numpy(), tracks["frame"].to_numpy()
    rows = np.arange(len(tracks))
    within = np.flatnonzero(track[1:] == track[:-1])
    edges: list[Sequence] = [np.column_stack([within, within + 1])]
    starts = np.flatnonzero(np.concatenate([[True], track[1:] != track[:-1]])) if len(tracks) else rows
    for row in starts[tracks["parent_id"].iloc[starts].notna().to_numpy()]:
        mother = rows[(track == int(tracks["parent_id"].iloc[row])) & (frame < frame[row])]
        if len(mother):
            edges.append([[mother[-1], row]])
    return np.concatenate(edges).astype(np.uint64)
