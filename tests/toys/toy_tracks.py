"""A handful of tracks with a division, a gap and an end."""

import numpy as np
import pandas as pd


def tracks_of(paths, parents=()):
    """``paths``: {track: {frame: (y, x)}}."""
    parents = dict(parents)
    rows = [("r", track, parents.get(track, np.nan), t, y, x) for track, path in paths.items() for t, (y, x) in path.items()]
    return pd.DataFrame(rows, columns=["recording", "track_id", "parent_id", "frame", "y", "x"])


PATHS = {
    1: {t: (10.0, 10.0 + 2 * t) for t in range(3)},  # divides after frame 2
    2: dict.fromkeys(range(3, 6), (10.0, 20.0)),
    3: dict.fromkeys(range(3, 5), (10.0, 30.0)),  # lost
    4: {t: (60.0, 10.0 + 2 * t) for t in (0, 1, 3, 4, 5)},  # missed once
    5: dict.fromkeys((1, 2), (90.0, 10.0)),  # appears, lost
}


TRACKS = tracks_of(PATHS, {2: 1, 3: 1})
