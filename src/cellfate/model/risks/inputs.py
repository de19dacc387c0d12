"""The numbers of each frame that the risks rest on: rings, and as asked for features of the outline, times, and columns of one's own.

Nothing of a frame depends on later ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.tables import read_table
from cellfate.model.risks.course import FOLLOWED, course_columns, course_of
from cellfate.model.saved.risks import FROM_EMBEDDING, SavedRisks
from cellfate.model.tables import FRAME_EMBEDDING

KEYS = ["recording", "track_id", "frame"]
FOUND = "outline found"


@dataclass(frozen=True)
class InputSettings:
    """Which numbers: hours since the track began, hours since the drug or else the film began, how brightness went in the last so many
    hours (None: not), features of the outline, and whether rings are scaled by the recording's first ``scale_frames`` frames (None: not).
    """

    hours_of_track: bool
    hours_of_film: bool
    course_hours: Sequence[float] | None
    features: bool
    scale_frames: int | None


class FrameInputs:
    """The numbers of every frame, found by trajectory: ``columns``, which of them are of that frame alone (``single``), and :meth:`of`.

    ``rings`` and ``features`` are tables of recordings, ``embedding`` one of :func:`read_frame_embedding`, None where there is none;
    ``starts`` are the hours of each recording from its first frame to the drug (0: there is none). Raises InputError for frames that
    the embedding lacks, and for features that are asked for and not there.
    """

    def __init__(
        self,
        rings: pd.DataFrame,
        features: pd.DataFrame | None,
        embedding: pd.DataFrame | None,
        starts: Mapping[str, float],
        settings: InputSettings,
    ) -> None:
        self.settings, self.starts = settings, dict(starts)
        ordered = rings.sort_values(KEYS, ignore_index=True)
        parts = [_log_rings(ordered, settings.scale_frames)]
        if settings.features:
            if features is None:
                raise InputError("risks.inputs.features is true, but there are no features of all tracks (segmentation.tracks: all)")
            parts.append(_features(ordered, features))
        if embedding is not None:
            parts.append(embedding_of(ordered, embedding))
        measured = pd.concat(parts, axis="columns")
        times = ["hours of track"] * settings.hours_of_track + ["hours of film"] * settings.hours_of_film
        followed = [name for name in measured.columns if name.endswith(FOLLOWED)] if settings.course_hours else []
        self.columns = [*measured.columns, *course_columns(followed, settings.course_hours or ()), *times]
        self.single = np.array([name not in set(course_columns(followed, settings.course_hours or ())) for name in self.columns])
        self._followed = [measured.columns.get_loc(name) for name in followed]
        self._values = measured.to_numpy(np.float32)
        self._frames = ordered["frame"].to_numpy()
        places = ordered.groupby(KEYS[:2]).indices
        self._rows = {key: (int(rows[0]), int(rows[-1]) + 1) for key, rows in places.items()}

    def has(self, recording: str, track_id: int) -> bool:
        """Whether the track's frames are there."""
        return (recording, track_id) in self._rows

    def of(self, row) -> tuple[np.ndarray, np.ndarray]:
        """Frames (T,) and numbers (T, F) of a row of trajectories, from its ``first_frame`` to its ``last_frame``; NaN: not known."""
        start, stop = self._rows.get((row.recording, row.track_id), (0, 0))
        first = start + int(np.searchsorted(self._frames[start:stop], row.first_frame))
        end = start + int(np.searchsorted(self._frames[start:stop], row.last_frame, side="right"))
        if first == end:
            raise InputError(f"no rings of trajectory {row.trajectory} in frames {row.first_frame} to {row.last_frame}")
        frames, hour = self._frames[first:end], row.frame_interval_min / 60
        columns = [self._values[first:end]]
        if self._followed:
            columns.append(course_of(columns[0][:, self._followed], hour, self.settings.course_hours))
        if self.settings.hours_of_track:
            columns.append((frames[:, None] - row.first_frame) * hour)
        if self.settings.hours_of_film:
            columns.append(frames[:, None] * hour - self.starts.get(row.recording, 0.0))
        return frames, np.concatenate(columns, axis=1, dtype=np.float32)


def _log_rings(rings: pd.DataFrame, scale_frames: int | None) -> pd.DataFrame:
    """Logarithms of counts; with ``scale_frames`` less their mean in the recording's frames so far, the first ``scale_frames`` at most."""
    counts = rings.drop(columns=KEYS)
    logs = np.sign(counts) * np.log1p(counts.abs())
    if scale_frames is None:
        return logs
    for rows in rings.groupby("recording").indices.values():
        frames, own = rings["frame"].to_numpy()[rows], logs.iloc[rows]
        first = np.unique(frames)[:scale_frames]
        early = own[frames <= first[-1]].groupby(frames[frames <= first[-1]])
        means = early.sum().cumsum().div(early.size().cumsum(), axis="index")
        here = np.searchsorted(first, frames, side="right").clip(1) - 1
        logs.iloc[rows] = (own.to_numpy() - means.to_numpy()[here]).astype(own.to_numpy().dtype)
    return logs


def _features(rings: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Features of the frames of ``rings``; NaN where the cell has no outline, which a column of its own says."""
    found = rings[KEYS].merge(features, on=KEYS, how="left", indicator=True)
    return found.drop(columns=[*KEYS, "_merge"]).astype(float).assign(**{FOUND: (found["_merge"] == "both").astype(float)})


def embedding_of(rows: pd.DataFrame, embedding: pd.DataFrame) -> pd.DataFrame:
    """Columns of the embedding for ``rows`` (KEYS and others). Raises InputError for a frame that it lacks."""
    keys = pd.DataFrame({"trajectory": rows["recording"] + "/" + rows["track_id"].astype(str), "frame": rows["frame"]})
    found = keys.merge(embedding, on=["trajectory", "frame"], how="left", indicator=True)
    missing = np.flatnonzero(found["_merge"] == "left_only")
    if len(missing):
        row = found.iloc[missing[0]]
        raise InputError(
            f"risks.embedding: no row for trajectory {row['trajectory']}, frame {row['frame']}, and for {len(missing) - 1} other frames; "
            "each frame of each track with crops needs one"
        )
    return found.drop(columns=["trajectory", "frame", "_merge"]).add_prefix(FROM_EMBEDDING)


def embedding_columns(embedding: pd.DataFrame) -> list[str]:
    """The columns of numbers of a user's table."""
    return [name for name in embedding.columns if name not in FRAME_EMBEDDING.columns]


def long_enough(tracks: pd.DataFrame, longer_than: int) -> pd.DataFrame:
    """The rows of the tracks that a run has crops of: those with more frames. These alone are measured, so that the numbers are a run's."""
    lengths = tracks["track_id"].map(tracks["track_id"].value_counts())
    return tracks[lengths > longer_than]


def check_embedding(risks: SavedRisks, tracks: pd.DataFrame, recording: str, embedding: pd.DataFrame | None) -> None:
    """Raise an InputError where a user's table has other columns than in training, or no row for a frame of the ``tracks``."""
    if risks.embedding:
        risks.check_columns(embedding_columns(embedding))
        embedding_of(long_enough(tracks, risks.longer_than).assign(recording=recording), embedding)


def read_frame_embedding(path: str | Path) -> pd.DataFrame:
    """A table of the user's: trajectory ("recording/track"), frame, and numbers. Raises InputError for anything else in it."""
    table = read_table(path, FRAME_EMBEDDING)
    columns = embedding_columns(table)
    if not columns:
        raise InputError(f"{path}: columns of numbers are needed beside trajectory and frame, there is none")
    for name in columns:
        values = table[name]
        if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            raise InputError(f"{path}: column {name} holds {values.dtype}, numbers are needed")
        bad = np.flatnonzero(~np.isfinite(values.to_numpy(float, na_value=np.nan)))
        if len(bad):
            row = table.iloc[bad[0]]
            where = f"{name} of trajectory {row['trajectory']}, frame {row['frame']}"
            raise InputError(f"{path}: {where} is {row[name]}, a finite number is needed")
    return table


@dataclass(frozen=True)
class Standard:
    """Mean and standard deviation of each column over the training part."""

    columns: tuple[str, ...]
    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def of(cls, values: Sequence[np.ndarray], columns: Sequence[str]) -> "Standard":
        """Over the rows of ``values`` ((T, F) each), each column's known ones; a column that never changes is left as it is."""
        rows = np.concatenate(values).astype(float)
        known = np.isfinite(rows)
        n = np.maximum(known.sum(0), 1)
        mean = np.where(known, rows, 0).sum(0) / n
        std = np.sqrt((np.where(known, rows - mean, 0) ** 2).sum(0) / n)
        return cls(tuple(columns), mean, np.where(std > 1e-9, std, 1.0))

    def apply(self, values: np.ndarray) -> np.ndarray:
        """``values`` (T, F) in standard deviations from the mean; 0 where nothing is known."""
        return np.nan_to_num((values - self.mean) / self.std, nan=0.0).astype(np.float32)

    def check(self, columns: Sequence[str]) -> None:
        """Raise an InputError where ``columns`` are not those that the network was trained with."""
        if tuple(columns) != self.columns:
            lacking, others = set(self.columns) - set(columns), set(columns) - set(self.columns)
            said = [f"{word} {', '.join(sorted(names))}" for word, names in (("without", lacking), ("not known to it:", others)) if names]
            raise InputError(f"the network of risks was trained with other columns ({'; '.join(said) or 'in another order'})")
