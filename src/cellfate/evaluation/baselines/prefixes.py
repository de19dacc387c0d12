"""Prefixes of trajectories as numbers: what is seen of a cell when its last n frames are not there yet."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.evaluation.time.clocks import Clocks, landmarks

KEYS = ["recording", "track_id", "frame"]


class Course:
    """Values of every frame of the trajectories, found by trajectory. Logarithms are taken of what is a count.

    ``tables`` are rings or features of recordings: columns recording, track_id, frame and numbers.
    """

    def __init__(self, tables: pd.DataFrame, logarithm: bool) -> None:
        self.columns = [column for column in tables.columns if column not in KEYS]
        ordered = tables.sort_values(KEYS, ignore_index=True)
        values = ordered[self.columns].to_numpy(np.float32)
        self._values = np.sign(values) * np.log1p(np.abs(values)) if logarithm else values
        self._frames = ordered["frame"].to_numpy()
        self._rows = {key: (int(rows[0]), int(rows[-1]) + 1) for key, rows in ordered.groupby(["recording", "track_id"]).indices.items()}

    def of(self, row) -> tuple[np.ndarray, np.ndarray]:
        """Frames (T,) and values (T, F) of a row of trajectories or prefixes, from ``first_frame`` to ``last_frame``."""
        start, stop = self._rows.get((row.recording, row.track_id), (0, 0))
        first = start + int(np.searchsorted(self._frames[start:stop], row.first_frame))
        end = start + int(np.searchsorted(self._frames[start:stop], row.last_frame, side="right"))
        return self._frames[first:end], self._values[first:end]


def last_values(course: Course, rows: pd.DataFrame) -> np.ndarray:
    """The values of the last frame of each prefix, (N, F). Raises InputError for a trajectory without any."""
    found = np.empty((len(rows), len(course.columns)), np.float32)
    for number, row in enumerate(rows.itertuples()):
        values = course.of(row)[1]
        if not len(values):
            raise InputError(f"baselines: no values of recording {row.recording}, track {row.track_id} up to frame {row.last_frame}")
        found[number] = values[-1]
    return found


def summaries(course: Course, rows: pd.DataFrame) -> np.ndarray:
    """Of each prefix the last value, mean, slope an hour, smallest and largest of every column, and the hours since its first frame.

    (N, 5 F + 1); NaN where there is no value, and for the slope of a single one.
    """
    found = np.full((len(rows), 5 * len(course.columns) + 1), np.nan, np.float32)
    for number, row in enumerate(rows.itertuples()):
        frames, values = course.of(row)
        hour = row.frame_interval_min / 60
        found[number, -1] = (row.last_frame - row.first_frame + 1) * hour
        if len(values):
            found[number, :-1] = np.concatenate([values[-1], values.mean(0), _slope(frames * hour, values), values.min(0), values.max(0)])
    return found


def _slope(hours: np.ndarray, values: np.ndarray) -> np.ndarray:
    centred = hours - hours.mean()
    spread = (centred**2).sum()
    return centred @ values / spread if spread > 0 else np.full(values.shape[1], np.nan)


def prefixes(trajectories: pd.DataFrame, course: Course, dropped: Sequence[int], min_frames: int) -> pd.DataFrame:
    """Rows of the trajectories table, once for each n of ``dropped`` and for 0, without the last n frames; column ``n``.

    As for the network: n = 0 is the whole trajectory, others need more than max(min_frames, n) frames, and where a track has gaps its
    last n frames that are there are dropped. ``course`` has every frame. Raises InputError for a trajectory whose frames it lacks.
    """
    found = []
    for row in trajectories.itertuples():
        frames = course.of(row)[0]
        if len(frames) != row.n_frames:
            raise InputError(f"baselines: {len(frames)} frames measured of trajectory {row.trajectory}, which has {row.n_frames}")
        found += [(row.Index, n, frames[-1 - n]) for n in sorted({0, *dropped}) if n == 0 or row.n_frames > max(min_frames, n)]
    index, n, last = (np.array(column, int) for column in zip(*found, strict=True))
    rows = trajectories.loc[index].reset_index(drop=True)
    return rows.assign(n=n, n_frames=rows["n_frames"] - n, last_frame=last)


def landmark_prefixes(
    trajectories: pd.DataFrame, course: Course, known: pd.DataFrame, clocks: Clocks, every: int, min_frames: int
) -> pd.DataFrame:
    """Rows as of :func:`prefixes` for the frames that are seen of ``trajectories`` at each landmark, without those in ``known``.

    At a landmark the network's latest prediction counts, of min_frames frames and every ``every``-th after it, or one of ``known``.
    """
    there = known.groupby("trajectory")["n_frames"].agg(set)
    at = landmarks(trajectories, clocks).groupby("trajectory")["at_frame"].unique()
    found = []
    for row in trajectories.itertuples():
        frames, own = course.of(row)[0], there.get(row.trajectory, set())
        grid = np.array(sorted(own | set(range(min_frames, row.n_frames + 1, every))))
        seen = np.searchsorted(frames, at.get(row.trajectory, np.empty(0)), side="right")
        places = np.searchsorted(grid, seen, side="right") - 1
        found += [(row.Index, n, frames[n - 1]) for n in sorted(set(grid[places[places >= 0]]) - own)]
    index, n, last = (np.array(column, int) for column in zip(*found, strict=True)) if found else (np.empty(0, int),) * 3
    rows = trajectories.loc[index].reset_index(drop=True)
    return rows.assign(n=rows["n_frames"] - n, n_frames=n, last_frame=last)
