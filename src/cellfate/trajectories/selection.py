"""From tracks and their outcomes to the trajectories of one protocol: labels, the event cut, the length filter."""

import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.tables import read_table, read_tables
from cellfate.tracks.tables import CENSORED, NO_EVENT, OUTCOMES, TRACKS
from cellfate.trajectories.confidence import DOUBTFUL

STAGES = ("tracks", "with a fate", "long enough")
SURE = "likely one cell"  # a stage where tracks.min_confidence leaves some out


def read_tracks_and_outcomes(tracks: list[str | Path], outcomes: list[str | Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read and join the per-recording files: (track_id, frame, recording) of every frame, and one row per track."""
    frames = [read_table(path, TRACKS)[["recording", "track_id", "frame"]] for path in tracks]
    return pd.concat(frames, ignore_index=True), read_tables(outcomes, OUTCOMES)


def select_trajectories(
    sheet: pd.DataFrame,
    tracks: pd.DataFrame,
    outcomes: pd.DataFrame,
    outcome_names: Mapping[str, str],
    *,
    min_frames: int,
    cut_at_event: bool,
) -> pd.DataFrame:
    """The trajectories table: one row per track of every recording of the sheet.

    ``outcome_names`` is {"negative": name, "positive": name}; they get labels 0 and 1, every other outcome none. With
    ``cut_at_event`` only frames before ``event_frame`` are kept. ``n_frames`` counts the frames that remain (a track may have
    gaps) and ``last_frame`` is the last of them. ``usable``: has a label and more than ``min_frames`` frames; ``reason`` says
    why not. Raises InputError when a recording is missing or the usable trajectories are all of one outcome.
    """
    _check_recordings(sheet, outcomes)
    if warning := not_compared(outcomes["outcome"].value_counts(), list(outcome_names.values())):
        print(f"WARNING: {warning}", file=sys.stderr, flush=True)
    trajectories = outcomes.merge(sheet.drop(columns=["images", "tracks"]), on="recording", how="left", validate="many_to_one")
    kept = _kept_frames(tracks, outcomes, cut_at_event)
    trajectories = trajectories.drop(columns=["first_frame", "last_frame", "n_frames"]).merge(
        kept, on=["recording", "track_id"], how="left"
    )
    trajectories["trajectory"] = trajectories["recording"] + "/" + trajectories["track_id"].astype(str)
    trajectories["treatment"] = trajectories["treatment"].fillna("none")
    labels = {outcome_names["negative"]: 0, outcome_names["positive"]: 1}
    trajectories["label"] = trajectories["outcome"].map(labels).astype("Int64")
    fated = trajectories["label"].notna()
    trajectories["usable"] = fated & (trajectories["n_frames"] > min_frames)
    too_short = f"not more than {min_frames} frames"
    trajectories["reason"] = np.where(trajectories["usable"], None, np.where(fated, too_short, "outcome " + trajectories["outcome"]))
    _check_classes(trajectories, labels, min_frames)
    return trajectories[_columns()].sort_values(["recording", "track_id"], ignore_index=True)


def _columns() -> list[str]:
    start = ["trajectory", "recording", "track_id", "lineage", "group", "treatment", "dose", "outcome", "label"]
    return [*start, "first_frame", "last_frame", "n_frames", "event_frame", "frame_interval_min", "usable", "reason"]


def _kept_frames(tracks: pd.DataFrame, outcomes: pd.DataFrame, cut_at_event: bool) -> pd.DataFrame:
    """first_frame, last_frame and n_frames of each track after the cut; n_frames is 0 where no frame precedes the event."""
    keys = ["recording", "track_id"]
    frames = tracks.merge(outcomes[[*keys, "event_frame"]], on=keys, how="inner")
    if cut_at_event:
        frames = frames[frames["event_frame"].isna() | (frames["frame"] < frames["event_frame"]).fillna(True)]
    counted = frames.groupby(keys)["frame"].agg(first="min", last="max", n="size").reset_index()
    kept = outcomes[[*keys, "first_frame"]].merge(counted, on=keys, how="left")
    return pd.DataFrame(
        {
            "recording": kept["recording"],
            "track_id": kept["track_id"],
            "first_frame": kept["first"].fillna(kept["first_frame"]).astype("int64"),
            "last_frame": kept["last"].fillna(kept["first_frame"]).astype("int64"),
            "n_frames": kept["n"].fillna(0).astype("int64"),
        }
    )


def _check_recordings(sheet: pd.DataFrame, outcomes: pd.DataFrame) -> None:
    missing = sorted(set(sheet["recording"]) - set(outcomes["recording"]))
    unknown = sorted(set(outcomes["recording"]) - set(sheet["recording"]))
    if missing:
        raise InputError(f"recordings sheet: no tracks for recording{'s' * (len(missing) > 1)} {', '.join(missing)}")
    if unknown:
        raise InputError(f"outcomes: recording{'s' * (len(unknown) > 1)} {', '.join(unknown)} not in the recordings sheet")


def _check_classes(trajectories: pd.DataFrame, labels: Mapping[str, int], min_frames: int) -> None:
    counts = {name: int((trajectories["usable"] & (trajectories["outcome"] == name)).sum()) for name in labels}
    if min(counts.values()) == 0:
        found = ", ".join(f"{name} {n}" for name, n in trajectories["outcome"].value_counts().sort_index().items())
        wanted = ", ".join(f"{name} {n}" for name, n in counts.items())
        raise InputError(
            f"both outcomes are needed, but trajectories of more than {min_frames} frames are: {wanted}. "
            f"{_longest(trajectories, [name for name in counts if not counts[name]], min_frames)}Outcomes of all tracks: {found}. "
            "The outcomes that are compared stand in the config under `outcomes`."
        )


def _longest(trajectories: pd.DataFrame, lacking: Sequence[str], min_frames: int) -> str:
    """How long the longest is of those with a ``lacking`` outcome, which were left out as too short; nothing where no track has it."""
    short = trajectories[trajectories["outcome"].isin(lacking)]
    if short.empty:
        return ""
    row = short.loc[short["n_frames"].idxmax()]
    return (
        f"{len(short)} with {' or '.join(lacking)} are too short; the longest of these has {row['n_frames']} frames ({row['trajectory']}). "
        f"More than {min_frames} are needed as crops.min_frames says, or trajectories.min_frames where it is set. "
    )


def not_compared(counts: pd.Series, names: Sequence[str]) -> str | None:
    """A warning about outcomes that are neither compared nor the end of a recording, such as a mistyped name; None without any.

    ``counts`` is the number of tracks per outcome, ``names`` are the outcomes that are compared.
    """
    others = counts[~counts.index.isin([*names, NO_EVENT, CENSORED])]
    if others.empty:
        return None
    found = [f"{name} ({count}{_meant(name, names)})" for name, count in others.items()]
    return f"outcomes in the tables that are not compared, their tracks count as censored: {', '.join(found)}"


def _meant(name: str, names: Sequence[str]) -> str:
    close = get_close_matches(name, names, n=1, cutoff=0.75)
    return f", mistyped {close[0]}?" if close else ""


def selection_flow(trajectories: pd.DataFrame) -> pd.DataFrame:
    """The flow table's first stages: how many tracks there are, have a fate, are long enough (and likely one cell)."""
    fated, doubtful = trajectories["label"].notna(), trajectories["reason"].eq(DOUBTFUL).fillna(False)
    masks = [pd.Series(True, trajectories.index), fated, trajectories["usable"] | (fated & doubtful)]
    stages = {**dict(zip(STAGES, masks, strict=True)), **({SURE: trajectories["usable"]} if doubtful.any() else {})}
    return pd.concat([count_stage(trajectories[mask], stage) for stage, mask in stages.items()], ignore_index=True)


def count_stage(trajectories: pd.DataFrame, stage: str) -> pd.DataFrame:
    """Rows of the flow table for one stage: the number of trajectories per outcome and treatment."""
    counts = trajectories.groupby(["outcome", "treatment"]).size().rename("n").reset_index()
    counts.insert(0, "stage", stage)
    return counts
