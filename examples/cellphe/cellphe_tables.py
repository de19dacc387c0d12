"""The real example: tracks and outcomes of a CellPhe movie, brought to every fifth frame and to our csv format.

Wiggins et al., Nat Commun 14, 1854 (2023). The movie's frames are numbered 1 to 481, about 6 min apart; the images kept are
1, 6, 11 ... 481, which become frames 0 to 96, 30 min apart.

``PYTHONPATH=src python examples/cellphe/cellphe_tables.py roi_centroids_all481.csv outcomes_by_eye.csv examples/cellphe/tracks.csv``
"""

import math
import sys
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.files import replacing
from cellfate.tracks.raw import outcomes_beside
from cellfate.tracks.tables import NO_EVENT

EVERY = 5  # of the movie's frames, one is kept
N_FRAMES = 97


def grid_frame(movie_frame: float, every: int = EVERY) -> int:
    """The first kept frame, 0-based, that is not before frame ``movie_frame`` (1-based) of the movie."""
    return math.ceil((movie_frame - 1) / every)


def write_example(centroids: str | Path, outcomes: str | Path, tracks: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write the example's tables ``tracks`` and, beside it, ``<stem>_outcomes.csv``; returns both.

    ``centroids``: CSV with cell_id, frame (1-based), x, y in pixels. ``outcomes``: CSV with one row per long track: track_id,
    outcome, event_frame (1-based), starts_in_slippage, continues_as (ids separated by ';').
    """
    fates = pd.read_csv(outcomes, dtype={"continues_as": str})
    needed = {"track_id", "outcome", "event_frame", "starts_in_slippage", "continues_as"}
    if not needed <= set(fates):
        raise InputError(f"{outcomes}: column {', '.join(sorted(needed - set(fates)))} missing")
    points = grid_tracks(pd.read_csv(centroids), set(fates.loc[~fates["starts_in_slippage"], "track_id"]))
    table = grid_outcomes(fates, points.groupby("track_id")["frame"].max())
    for path, content in ((Path(tracks), points), (outcomes_beside(tracks), table)):
        with replacing(path) as temporary:
            content.to_csv(temporary, index=False)
    return points, table


def grid_tracks(centroids: pd.DataFrame, wanted: set[int], every: int = EVERY) -> pd.DataFrame:
    """The centroids of the wanted tracks on the kept frames: track_id, frame (0-based), y, x, sorted."""
    kept = centroids[centroids["cell_id"].isin(wanted) & ((centroids["frame"] - 1) % every == 0)]
    table = pd.DataFrame({"track_id": kept["cell_id"], "frame": (kept["frame"] - 1) // every, "y": kept["y"], "x": kept["x"]})
    return table.sort_values(["track_id", "frame"], ignore_index=True)


def grid_outcomes(fates: pd.DataFrame, last_frames: pd.Series, n_frames: int = N_FRAMES, every: int = EVERY) -> pd.DataFrame:
    """Outcomes on the kept frames, without the tracks that start inside an event.

    ``fates`` is the table by eye, ``last_frames`` maps track_id to its last kept frame. A track without an event that reaches
    the last frame is ``no_event_by_end``. ``lineage`` is the smallest id of the tracks connected by ``continues_as``, over
    all of ``fates``, also through ids that are not in it. Returns track_id, outcome, event_frame, lineage.
    """
    lineages = chains(dict(zip(fates["track_id"], fates["continues_as"].fillna(""), strict=True)))
    rows = []
    for fate in fates[~fates["starts_in_slippage"]].itertuples(index=False):
        eventless = fate.outcome == "censored"
        rows.append(
            {
                "track_id": fate.track_id,
                "outcome": NO_EVENT if eventless and last_frames[fate.track_id] == n_frames - 1 else fate.outcome,
                "event_frame": pd.NA if eventless else grid_frame(fate.event_frame, every),
                "lineage": lineages[fate.track_id],
            }
        )
    return pd.DataFrame(rows).astype({"event_frame": "Int64"}).sort_values("track_id", ignore_index=True)


def chains(continues_as: dict[int, str]) -> dict[int, int]:
    """{track: smallest track id connected to it}; values are the ids that a track continues as, separated by ';'."""
    links = {track: {track, *(int(part) for part in text.split(";") if part)} for track, text in continues_as.items()}
    groups: list[set[int]] = []
    for link in links.values():
        touching = [group for group in groups if group & link]
        groups = [group for group in groups if not group & link] + [link.union(*touching)]
    return {track: min(group & links.keys()) for group in groups for track in group & links.keys()}


if __name__ == "__main__":
    write_example(*sys.argv[1:])
