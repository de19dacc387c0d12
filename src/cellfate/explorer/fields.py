"""Where cells are in the whole frame: some frames of a recording, put together from the crops of its tracks.

So the frames themselves are not needed, which may be deleted by then. What no crop shows is black.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.crops.crop_file import CropFile
from cellfate.crops.cutting import inside
from cellfate.explorer.strips import ImageSettings, Strip, make_strip

BLACK = -1e6  # counts above the background of what no crop shows


def field_frames(frames: pd.Series, n_fields: int) -> np.ndarray:
    """At most ``n_fields`` of the ``frames`` that there are, evenly spaced over them."""
    there = np.unique(frames)
    places = np.unique(np.linspace(0, len(there) - 1, min(n_fields, len(there))).round().astype(int)) if len(there) else []
    return there[places] if n_fields and len(there) else np.array([], int)


class FieldOfRecording:
    """Frames of one recording, filled crop by crop."""

    def __init__(self, file: CropFile, n_fields: int) -> None:
        """Choose at most ``n_fields`` frames, evenly spaced over those in which there are crops; none of ready-made crops."""
        self.index = file.index()
        self.frames = np.array([], int) if file.ready_made else field_frames(self.index["frame"], n_fields)
        self.shape = tuple(int(v) for v in file.attrs["frame_shape"]) if len(self.frames) else (0, 0)
        self.pictures = np.full((len(self.frames), file.shape[1], *self.shape), BLACK, np.float32)
        self._rows = dict(iter(self.index.groupby("track_id"))) if len(self.frames) else {}

    def add(self, track_id: int, frames: np.ndarray, crops: np.ndarray) -> None:
        """Put the crops (T, C, S, S) of a track, in counts above the background, where they were cut out."""
        if not len(self.frames):
            return
        rows = self._rows[track_id]
        size = crops.shape[-1]
        for place, frame in enumerate(self.frames):
            at = np.flatnonzero(frames == frame)
            if len(at):
                y, x = (float(rows[name].iloc[at[0]]) for name in ("y", "x"))
                own = inside(y, x, size, self.shape)
                top, left = int(y - size / 2), int(x - size / 2)
                there = tuple(slice(cut.start + corner, cut.stop + corner) for cut, corner in zip(own, (top, left), strict=True))
                self.pictures[place][:, *there] = crops[at[0]][:, *own]

    def drawn(self, limits: np.ndarray, settings: ImageSettings) -> "Field | None":
        """The frames as a strip, and where the tracks are in them; None where there are none."""
        if not len(self.frames):
            return None
        return Field(
            self.frames, self.shape, self.index[self.index["frame"].isin(self.frames)], make_strip(self.pictures, limits, settings)
        )


@dataclass(frozen=True)
class Field:
    """``frames`` (F,) of a recording, their ``shape`` (H, W), the rows of the crop file in them (track_id, frame, y, x), their pictures."""

    frames: np.ndarray
    shape: tuple[int, int]
    tracks: pd.DataFrame
    strip: Strip
