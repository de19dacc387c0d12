"""How bright cells are at their positions, frame by frame, so that an exchange of cells is seen where they look unlike."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from cellfate.tracks.quality import neighbour_distance

PART = 0.25  # radius of the disc / distance to the nearest other cell
ALONE = 5.0  # pixels, radius where no frame has two cells
LARGEST = 15.0  # pixels, of the radius
DARK = 1.0  # camera counts above the background that count as none


def measure_intensities(tracks: pd.DataFrame, read: Callable[[int], np.ndarray]) -> np.ndarray:
    """Logarithm of the mean intensity (N, C) in a disc around each row of ``tracks``, above the frame's median.

    ``read`` gives a frame as (C, H, W); only frames with cells are read, one at a time.
    """
    spacing = neighbour_distance(tracks)
    radius = float(np.clip(PART * spacing, 1.0, LARGEST)) if np.isfinite(spacing) else ALONE
    reach = int(np.ceil(radius))
    dy, dx = (grid.ravel() for grid in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    inside = dy**2 + dx**2 <= radius**2
    dy, dx = dy[inside], dx[inside]
    found: np.ndarray | None = None
    for frame, rows in tracks.reset_index(drop=True).groupby("frame"):
        image = read(int(frame))
        if found is None:
            found = np.full((len(tracks), len(image)), np.nan)
        height, width = image.shape[1:]
        y = np.clip(np.rint(rows["y"].to_numpy(float))[:, None].astype(int) + dy, 0, height - 1)
        x = np.clip(np.rint(rows["x"].to_numpy(float))[:, None].astype(int) + dx, 0, width - 1)
        background = np.median(image[:, ::4, ::4], axis=(1, 2))
        above = image[:, y, x].mean(axis=-1) - background[:, None]
        found[rows.index] = np.log(np.maximum(above, DARK)).T
    return np.zeros((0, 1)) if found is None else found
