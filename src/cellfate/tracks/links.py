"""From links between detections to tracks: the longest paths without a division, each with its parent."""

from collections.abc import Hashable, Iterable, Mapping

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
