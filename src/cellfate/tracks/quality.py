"""How plausible tracks are, where no truth is known: counts per frame, lengths, steps, divisions, and warnings in words."""

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

# In simulations at 11 px steps and 5 % missed cells no tracker kept more than 21 % of the tracks whole (cells 36 px across, their
# nearest neighbours at about 40 px); link errors begin where a step is a notable part of the way to the next cell.
LARGE_STEP = 0.25  # median step / distance to the nearest neighbour
NEAR_LIMIT = 0.7  # 90th percentile of the steps / max_step
MANY_MISSES = 0.04  # of the cells between the first and the last frame of their tracks
MANY_ENDS = 0.05  # cells appearing or lost in a frame / cells in a frame
DRIFT = 3.0  # pixels by which all cells of a frame move together


def per_frame(tracks: pd.DataFrame, n_frames: int) -> pd.DataFrame:
    """Counts per frame (index 0 ... n_frames - 1): cells, links (to the cell's frame before), appearing, lost, divisions.

    ``appearing`` counts tracks without a parent that begin after the first frame, ``lost`` tracks without daughters whose last
    frame this is, before the recording's last. A division counts in the first frame of the daughters.
    """
    ends = tracks.groupby("track_id").agg(first=("frame", "min"), last=("frame", "max"), parent=("parent_id", "first"))
    born = ends[ends["parent"].notna()]
    fresh = ends[ends["parent"].isna() & (ends["first"] > 0)]
    gone = ends[~ends.index.isin(born["parent"].astype("int64")) & (ends["last"] < n_frames - 1)]
    linked = tracks[tracks["frame"] > tracks["track_id"].map(ends["first"])]
    counts = {
        "cells": tracks["frame"],
        "links": linked["frame"],
        "appearing": fresh["first"],
        "lost": gone["last"],
        "divisions": born.groupby("parent")["first"].min(),
    }
    return pd.DataFrame({name: np.bincount(frames.astype("int64"), minlength=n_frames) for name, frames in counts.items()})


def steps(tracks: pd.DataFrame, shifts: np.ndarray | None = None) -> pd.DataFrame:
    """Moves of cells between consecutive frames: frame (of arrival), dy, dx, length in pixels, drift ``shifts`` (T, 2) taken off."""
    rows = tracks.sort_values(["track_id", "frame"], ignore_index=True)
    drift = 0 if shifts is None else np.asarray(shifts, float)[rows["frame"]]
    moves = pd.DataFrame(np.diff(rows[["y", "x"]].to_numpy(float) - drift, axis=0), columns=["dy", "dx"])
    moves.insert(0, "frame", rows["frame"].to_numpy()[1:])
    next_frame = (np.diff(rows["track_id"]) == 0) & (np.diff(rows["frame"]) == 1)
    return moves.assign(length=np.hypot(moves["dy"], moves["dx"]))[next_frame]


def neighbour_distance(tracks: pd.DataFrame) -> float:
    """Median distance in pixels from a cell to the nearest other cell of its frame; NaN where no frame has two."""
    found = []
    for _, cells in tracks.groupby("frame"):
        points = cells[["y", "x"]].to_numpy(float)
        if len(points) > 1:
            found.append(KDTree(points).query(points, k=2)[0][:, 1])
    return float(np.median(np.concatenate(found))) if found else np.nan


def assess_tracking(
    tracks: pd.DataFrame,
    n_frames: int,
    frame_interval_min: float,
    max_step: float,
    min_doubling_h: float,
    shifts: np.ndarray | None = None,
) -> pd.DataFrame:
    """The table ``tracking_quality``, one row, of one recording's ``tracks``.

    Lengths of tracks are frames from the first to the last; ``full_length_share`` is the share of the cells of the first frame
    whose track lasts until the last frame or ends in a division; ``missed_share`` the share of frames within tracks without the
    cell. Steps are in pixels with the drift ``shifts`` (T, 2) taken off. ``doubling_h`` is the time in which so many divisions per
    cell would double the number of cells; below ``min_doubling_h`` the divisions are flagged as implausible.
    """
    counts, moves = per_frame(tracks, n_frames), steps(tracks, shifts)
    ends = tracks.groupby("track_id")["frame"].agg(["min", "max", "size"])
    lengths = ends["max"] - ends["min"] + 1
    whole = (ends["max"] == n_frames - 1) | ends.index.isin(tracks["parent_id"].dropna().astype("int64"))
    divisions = int(counts["divisions"].sum())
    cell_hours = counts["cells"].sum() * frame_interval_min / 60
    doubling = np.log(2) * cell_hours / divisions if divisions else np.nan
    row = {
        "recording": tracks["recording"].iloc[0],
        "n_frames": n_frames,
        "tracks": len(ends),
        "cells_per_frame": counts["cells"].mean(),
        "median_length": lengths.median(),
        "mean_length": lengths.mean(),
        "full_length_share": whole[ends["min"] == 0].mean() if (ends["min"] == 0).any() else 0.0,
        "links_per_frame": counts["links"][1:].mean() if n_frames > 1 else 0.0,
        "appearing_per_frame": counts["appearing"].sum() / max(n_frames - 1, 1),
        "lost_per_frame": counts["lost"].sum() / max(n_frames - 1, 1),
        "missed_share": 1 - ends["size"].sum() / lengths.sum(),
        "median_step": moves["length"].median(),
        "step_90": moves["length"].quantile(0.9),
        "neighbour_distance": neighbour_distance(tracks),
        "divisions": divisions,
        "divisions_per_frame": divisions / max(n_frames - 1, 1),
        "doubling_h": doubling,
        "implausible_divisions": bool(doubling < min_doubling_h),
    }
    found = _warnings(row, max_step, min_doubling_h, moves, shifts is not None)
    return pd.DataFrame([row | {"warnings": "; ".join(found) or None}])


def _warnings(row: dict, max_step: float, min_doubling_h: float, moves: pd.DataFrame, registered: bool) -> list[str]:
    """What a person should know before using the tracks."""
    found = []
    together = moves.groupby("frame")[["dy", "dx"]].median()
    drift = float(np.hypot(together["dy"], together["dx"]).max()) if len(together) else 0.0
    if drift > DRIFT and not registered:
        found.append(f"all cells move together by up to {drift:.0f} px in a frame: the field drifts, register it before tracking")
    if row["median_step"] > LARGE_STEP * row["neighbour_distance"]:
        found.append(
            f"cells move {row['median_step']:.0f} px a frame, their neighbours are {row['neighbour_distance']:.0f} px away: "
            "at such steps few tracks stay whole, whatever the tracker; film more often"
        )
    if row["step_90"] > NEAR_LIMIT * max_step:
        found.append(f"a tenth of the steps is longer than {row['step_90']:.0f} px, near max_step ({max_step:g}): links may be cut off")
    if row["missed_share"] > MANY_MISSES:
        found.append(f"cells are missed in {row['missed_share']:.0%} of the frames of their tracks: check the segmentation")
    for name, word in (("appearing_per_frame", "appear"), ("lost_per_frame", "are lost")):
        if row[name] > MANY_ENDS * row["cells_per_frame"]:
            share = row[name] / row["cells_per_frame"]
            found.append(f"{share:.0%} of the cells {word} in each frame: tracks are broken, or cells come and go")
    if row["implausible_divisions"]:
        found.append(
            f"{row['divisions']} divisions would double the cells every {row['doubling_h']:.1f} h, less than {min_doubling_h:g} h: "
            "many are no divisions"
        )
    return found
