"""Tracks as the network of risks sees them: the numbers of each frame, and what was seen to happen after it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.model.risks.inputs import FrameInputs
from cellfate.tracks.tables import CENSORED, NO_EVENT

NONE = -1  # event of a track that has neither outcome: it is followed to its end


@dataclass(frozen=True)
class RiskTrack:
    """One track before its event: frames (T,), numbers (T, F), hours (T,) from each frame to the event or the end of the track."""

    frames: np.ndarray
    values: np.ndarray
    hours: np.ndarray
    event: int

    def from_frame(self, start: int) -> "RiskTrack":
        """The track as it would be if it had been found ``start`` frames later; its hours and times are what they were."""
        return RiskTrack(self.frames[start:], self.values[start:], self.hours[start:], self.event)


def rows_of_fold(trajectories: pd.DataFrame, split: pd.DataFrame, fold: int, inputs: FrameInputs, parts: Sequence[str]) -> pd.DataFrame:
    """Rows of the trajectories table, with ``split``, of all tracks of some parts of a fold whose frames are in ``inputs``.

    How many are not is said: tracks that are too short for crops.
    """
    members = split[(split["fold"] == fold) & split["split"].isin(list(parts))]
    rows = trajectories.merge(members[["trajectory", "split"]], on="trajectory", how="inner", validate="one_to_one")
    there = [inputs.has(row.recording, row.track_id) for row in rows.itertuples()]
    if absent := len(rows) - sum(there):
        said = f"{absent} of the {len(rows)} tracks of {' and '.join(parts)} have no crops, as they are too short, and are left out"
        print(f"fold {fold}: {said}", file=sys.stderr, flush=True)
    return rows[np.array(there, bool)].reset_index(drop=True)


def rows_of_recording(tracks: pd.DataFrame, recording: str, frame_interval_min: float) -> pd.DataFrame:
    """Rows as of the trajectories table for the ``tracks`` of a recording whose fates nobody knows: each goes to its last frame."""
    spans = tracks.groupby("track_id", sort=True)["frame"].agg(first_frame="min", last_frame="max").reset_index()
    names = recording + "/" + spans["track_id"].astype(str)
    unknown = {"event_frame": None, "label": None, "outcome": CENSORED}
    return spans.assign(trajectory=names, recording=recording, frame_interval_min=frame_interval_min, **unknown)


def track_of(row, inputs: FrameInputs) -> RiskTrack:
    """The track of a row of trajectories: its frames before the event, all of them where there is none.

    An outcome without an event frame came in the frame after the last. "No event by the end" is no event, also where it is compared.
    """
    frames, values = inputs.of(row)
    known = not pd.isna(row.event_frame)
    if known:
        before = frames < row.event_frame
        frames, values = frames[before], values[before]
    event = NONE if pd.isna(row.label) or row.outcome == NO_EVENT else int(row.label)
    last = int(frames[-1]) if len(frames) else 0
    end = last if event == NONE else int(row.event_frame) if known else last + 1
    return RiskTrack(frames, values, (end - frames) * (row.frame_interval_min / 60), event)
