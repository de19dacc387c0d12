"""Every frame of every track as a landmark: what was seen to happen after it, and how much it counts where others were lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.model.risks.inputs import FrameInputs
from cellfate.model.risks.tracks import rows_of_fold, track_of
from cellfate.statistics.competing import LOST, STAYED, Curves, Followed

LARGEST_WEIGHT = 20.0  # of a landmark; larger ones would make one cell the score
EPSILON = 1e-6  # hours
COLUMNS = ["trajectory", "recording", "group", "treatment", "frame", "hour", "age", "left", "ended", "film"]


@dataclass(frozen=True)
class Frames:
    """N landmarks and the numbers of their frames and of all frames before.

    ``table`` has trajectory, recording, group, treatment, frame, hour, age, left (hours to the end of what was seen), ended (outcome 0 or
    1, LOST, STAYED to the end of the film), film (hours that the film goes on). ``values`` (N, F) are those of the frame alone,
    ``course`` (N, F + G) with how they went in the last hours, where the risks are told that, ``prefix`` (N, 5 F) their last value, mean,
    slope, smallest and largest since the track began.
    """

    table: pd.DataFrame
    values: np.ndarray
    course: np.ndarray
    prefix: np.ndarray

    def of(self, rows: np.ndarray) -> "Frames":
        """Those of a mask or of places."""
        table = self.table[rows] if rows.dtype == bool else self.table.iloc[rows]
        return Frames(table, self.values[rows], self.course[rows], self.prefix[rows])


def frames_of_part(
    trajectories: pd.DataFrame, split: pd.DataFrame, fold: int, part: str, inputs: FrameInputs, min_frames: int, starts: Mapping[str, float]
) -> Frames:
    """The landmarks of all tracks in a part of a fold: frames of which more than ``min_frames`` are seen, before any event.

    A film goes on to the last frame that any of its tracks has. ``starts`` are the hours at which each recording got its drug.
    """
    films = np.maximum(trajectories["last_frame"], trajectories["event_frame"].fillna(0)).groupby(trajectories["recording"]).max()
    tables, values, courses, prefixes = [], [], [], []
    for row in rows_of_fold(trajectories, split, fold, inputs, [part]).itertuples():
        track = track_of(row, inputs)
        if len(track.frames) > min_frames:
            table = _landmarks(row, track, int(films[row.recording]), starts.get(row.recording, 0.0))
            tables.append(table.iloc[min_frames:])
            single = track.values[:, inputs.single]
            values.append(single[min_frames:])
            courses.append(track.values[min_frames:])
            prefixes.append(_summaries(table["age"].to_numpy(), single)[min_frames:])
    if not tables:
        width = int(inputs.single.sum())
        return Frames(pd.DataFrame(columns=COLUMNS), *(np.empty((0, n)) for n in (width, len(inputs.columns), 5 * width)))
    return Frames(pd.concat(tables, ignore_index=True), *map(np.concatenate, (values, courses, prefixes)))


def _landmarks(row, track, film: int, start: float) -> pd.DataFrame:
    interval = row.frame_interval_min / 60
    ended = track.event if track.event >= 0 else STAYED if row.last_frame >= film else LOST
    names = {name: getattr(row, name) for name in ("trajectory", "recording", "group", "treatment")}
    times = {"hour": track.frames * interval - start, "age": (track.frames - row.first_frame) * interval, "left": track.hours}
    return pd.DataFrame({"frame": track.frames, **names, **times, "ended": ended, "film": (film - track.frames) * interval})


def _summaries(hours: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Last value, mean, slope an hour, smallest and largest (T, 5 F) of ``values`` (T, F) up to each frame; the first slope is 0."""
    values = np.asarray(values, float)
    n = np.arange(1, len(hours) + 1)[:, None]
    time = np.asarray(hours, float)[:, None]
    mean, middle = values.cumsum(axis=0) / n, time.cumsum(axis=0) / n
    spread = (time**2).cumsum(axis=0) / n - middle**2
    together = (time * values).cumsum(axis=0) / n - middle * mean
    slope = np.divide(together, spread, out=np.zeros_like(values), where=spread > EPSILON)
    return np.hstack([values, mean, slope, np.minimum.accumulate(values), np.maximum.accumulate(values)])


class Clocks:
    """What the hour alone tells, by treatment, from the landmarks of the training part: a treatment that it lacks has the curves of all.

    Two clocks: ``hour``, since the drug or else the film began, and ``age``, since the track began.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        tracks = table.drop_duplicates("trajectory")
        parts = {None: tracks, **dict(iter(tracks.groupby("treatment")))}
        self._curves = {(name, axis): _curves(own, axis) for name, own in parts.items() for axis in ("hour", "age")}

    def _of(self, table: pd.DataFrame, axis: str) -> list[tuple[np.ndarray, Curves]]:
        """Places of the rows of each treatment, and its curves."""
        return [
            (places, self._curves.get((name, axis), self._curves[None, axis]))
            for name, places in table.reset_index(drop=True).groupby("treatment").indices.items()
        ]

    def kept(self, table: pd.DataFrame, hours: np.ndarray) -> np.ndarray:
        """Probability (N,) of not being lost before so many ``hours`` (N,) after each landmark."""
        found, since = np.ones(len(table)), table["hour"].to_numpy(float)
        for places, curves in self._of(table, "hour"):
            found[places] = curves.kept(since[places], since[places] + hours[places])
        return found

    def incidence(self, table: pd.DataFrame, horizons: Sequence[float], axis: str) -> np.ndarray:
        """Probability (N, H, 2) of each outcome within each of the ``horizons`` by the clock ``axis``."""
        found, since = np.zeros((len(table), len(horizons), 2)), table[axis].to_numpy(float)
        for places, curves in self._of(table, axis):
            for number, hours in enumerate(horizons):
                found[places, number] = curves.incidence(since[places], hours)
        return found


def _curves(tracks: pd.DataFrame, axis: str) -> Curves:
    """Of tracks by their first landmark each."""
    entry = tracks[axis].to_numpy(float)
    return Curves(Followed(entry, entry + tracks["left"].to_numpy(float), tracks["ended"].to_numpy(int)))


@dataclass(frozen=True)
class Within:
    """What came within some hours of each landmark (N,): ``came`` is 0, 1 or, for neither, -1; ``weight`` is 0 where that is not known.

    ``inside`` are the landmarks after which the film goes on for as long; where it does not, nothing is judged. Others weigh one over
    the probability of not being lost until it was seen, by Kaplan and Meier among training tracks of the treatment.
    """

    came: np.ndarray
    weight: np.ndarray
    inside: np.ndarray


def within(table: pd.DataFrame, clocks: Clocks, hours: float) -> Within:
    """What came within ``hours`` of the landmarks of ``table``."""
    left, ended = table["left"].to_numpy(float), table["ended"].to_numpy(int)
    happened = (ended >= 0) & (left <= hours + EPSILON)
    seen = happened | (left >= hours - EPSILON)
    inside = table["film"].to_numpy(float) >= hours - EPSILON
    kept = clocks.kept(table, np.minimum(left, hours))
    weight = np.where(seen & inside, 1 / np.maximum(kept, 1 / LARGEST_WEIGHT), 0.0)
    return Within(np.where(happened, ended, -1), weight, inside)
