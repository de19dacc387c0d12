"""The dense frames that the steps are measured on: 1024 x 1024 pixels, three reporters, 16 bit, 170 simulated cells."""

from functools import cache

import numpy as np
import pandas as pd

CHANNELS = ["circadian", "p53", "cell_cycle"]
SIZE, CELLS, FRAMES, CROP = 1024, 170, 12, 112


@cache
def dense_recording() -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Images (T, H, W, 3) uint16, true label images (T, H, W) and positions (track_id, frame, y, x) of 12 frames of 170 cells.

    Rendered once per process, 4 s; cells divide, die and leave, so some later frames have fewer.
    """
    from cellfate.simulation.recording import simulate_recording

    still = {"fated_cells": 0, "sister_pairs": 0, "leaving_cells": 0}
    settings = {"frame_shape": [SIZE, SIZE], "n_cells": CELLS, "n_frames": FRAMES, **still}
    simulated = simulate_recording("dense", settings, seed=1, treatment=None, dose=None, treatment_start_h=None, frame_interval_min=30.0)
    return simulated.images, simulated.masks, simulated.tracks[["track_id", "frame", "y", "x"]]


def tracks(cells: int, frames: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The declared tables of tracks and outcomes: ``cells`` tracks that stay where they are in the first frame, all frames long.

    Positions are those of simulated cells. The crops overlap as in a recording; nothing else depends on the cells' motion.
    """
    _, _, found = dense_recording()
    first = found[found["frame"] == 0].iloc[:cells]
    table = pd.concat([first.assign(frame=frame) for frame in range(frames)], ignore_index=True)
    outcomes = pd.DataFrame({"track_id": first["track_id"], "outcome": "mitosis", "event_frame": pd.array([pd.NA] * cells, "Int64")})
    return table.astype({"track_id": "int64"}), outcomes
