"""The level of a new recording's intensities, for models that take them relative to it (``scaling: recording``)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cellfate.crops.cutting import background_level, cut
from cellfate.crops.extraction import BACKGROUND_PERCENTILE
from cellfate.crops.levels import Levels, centre_disc, is_first, levels_of
from cellfate.frames.reader import Frames
from cellfate.model.scaling import Scaling


@dataclass
class Recording:
    """A recording with all its tracks, the ``order`` of the model's channels in it, the size of its crops, its name and digest."""

    frames: Frames
    tracks: pd.DataFrame
    order: list[int]
    size: int
    name: str
    digest: str

    @cached_property
    def _known(self) -> dict[int, Levels]:
        return {}

    def levels(self, n_first: int) -> Levels:
        """The levels in the first ``n_first`` frames that have cells; these few frames are decoded once more.

        All their cells count, however long their tracks become: that is not known yet when the first value is due.
        """
        if n_first not in self._known:
            self._known[n_first] = self._measured(is_first(self.tracks, n_first))
        return self._known[n_first]

    def _measured(self, rows: pd.DataFrame) -> Levels:
        disc, centres, levels = centre_disc(self.size), [], []
        for frame, cells in rows.groupby("frame", sort=True):
            image = self.frames.read(int(frame))[self.order]
            background = background_level(image, BACKGROUND_PERCENTILE)
            for y, x in zip(cells["y"], cells["x"], strict=True):
                centres.append(cut(image, y, x, self.size)[:, disc].mean(axis=1, dtype=np.float64))
                levels.append(background)
        return levels_of(np.array(centres), np.array(levels), self.name, [self.frames.channels[i] for i in self.order])


def scaling_here(scaling: Scaling, recording: Recording) -> Scaling:
    """The scaling of a recording's counts.

    Where the model needs the level of the recording and has it, as of a recording of its own data, that is taken, so that its
    probabilities are those of the run; else it is measured.
    """
    if scaling.mode != "recording":
        return scaling
    known = [own for own in scaling.levels.values() if own.digest is not None and own.digest == recording.digest]
    return scaling.with_level(recording.name, known[0] if known else recording.levels(scaling.n_first)).of(recording.name)


def check_first_frames(scaling: Scaling, min_frames: int, recording: str) -> str | None:
    """A warning where a track's first values come before the frames are over in which the recording's level is measured, else None."""
    if scaling.mode != "recording" or min_frames >= scaling.n_first:
        return None
    return (
        f"recording {recording}: values from {min_frames} frames of a track on, but the model takes the recording's level from its first "
        f"{scaling.n_first} frames: values before that rest on later frames"
    )
