"""Recordings on disk for the tests of the console command: frames, tracks and a sheet, in a folder of their own."""

from pathlib import Path

import pandas as pd
from toy_crops import CHANNELS
from toy_frames import colour_tiffs
from toy_model import ToyFrames, toy_tracks

SPANS = {1: (0, 11), 2: (2, 11), 7: (4, 7)}  # the last one is too short for a prediction


def toy_row(folder: Path, name: str = "r0", seed: int = 0, **changes) -> dict:
    """Write the frames and tracks of one recording of 12 frames into ``folder``; returns its row of the sheet."""
    images = colour_tiffs(folder / "images" / name, ToyFrames(12, seed=seed).images)
    toy_tracks(SPANS, seed, parents={7: 1})[["track_id", "parent_id", "frame", "y", "x"]].to_csv(folder / f"{name}.csv", index=False)
    row = {"recording": name, "images": images, "tracks": str(folder / f"{name}.csv"), "tracks_format": "csv"}
    return {**row, "frame_interval_min": 30, "pixel_size_um": 0.5, "channels": ",".join(CHANNELS), **changes}


def write_sheet(path: Path, rows: list[dict]) -> Path:
    pd.DataFrame(rows).to_csv(path, sep="\t", index=False)
    return path
