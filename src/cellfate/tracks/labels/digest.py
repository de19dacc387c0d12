"""What a label is about: the positions of its track, so that it never lands on another cell that has the same number."""

import hashlib

import numpy as np
import pandas as pd

DIGITS = 2  # of pixels
SIGNS = 12  # of the digest; the letter before them keeps spreadsheets from reading a number


def track_digests(tracks: pd.DataFrame) -> dict[int, str]:
    """{track: digest of its frames and positions} of the table TRACKS of one recording."""
    rows = tracks.sort_values(["track_id", "frame"])
    return {int(track): _digest(own) for track, own in rows.groupby("track_id")}


def _digest(rows: pd.DataFrame) -> str:
    places = np.round(rows[["y", "x"]].to_numpy(np.float64), DIGITS) + 0.0  # one zero only
    content = rows["frame"].to_numpy("<i8").tobytes() + places.astype("<f8").tobytes()
    return f"t{hashlib.sha256(content).hexdigest()[:SIGNS]}"
