"""Errors of the registration of drift where the shifts are known, and how far channels and parts of a real recording agree.

A simulated dish of 384 x 384 pixels, in which cells walk 1 pixel a frame, is seen through a window of 256 x 256 that wanders;
medium, dark corners and noise stay with the camera. Printed: pixels by which one step is off (median and largest), and the sum of
12 frames (median). With the folder of the HCC1143 recording (examples/incucyte): the largest difference of each channel from phase
contrast, and of nine parts of the field from the whole field, over 11 frames.

Run: PYTHONPATH=src .venv/bin/python benchmarks/drift.py [folder of the recording]
"""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import yaml

from cellfate.frames.drift import estimate_drift
from cellfate.frames.formats import open_frames
from cellfate.simulation.motion import stage_drift
from cellfate.simulation.recording import simulate_recording
from cellfate.simulation.render import illumination, medium
from cellfate.simulation.settings import CHANNELS

UPSAMPLING = yaml.safe_load((Path(__file__).resolve().parent.parent / "config.yaml").read_text())["registration"]["upsampling"]
FRAMES, SIDE, MARGIN = 12, 256, 64
SEEDS = (901, 902)
CELLS, STEPS = (60, 16, 8), (1.0, 5.0, 10.0)  # cells in the dish; pixels, standard deviation of a step of the window
PART = (416, 512)  # pixels


def in_memory(images: np.ndarray, channels: list[str]) -> SimpleNamespace:
    """Images (T, C, H, W) in the place of a recording's frames."""
    return SimpleNamespace(path=Path("images"), channels=channels, n_frames=len(images), read=lambda t: images[t])


def simulate(seed: int, n_cells: int, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Images (T, C, H, W) and the true shifts (T, 2)."""
    size = SIDE + 2 * MARGIN
    camera = {"drift": 0.0, "background": 0.0, "vignette": 0.0, "bleaching": 0.0}
    cells = {"n_cells": n_cells, "fated_cells": 0, "sister_pairs": 0, "leaving_cells": 0}
    settings = {"n_frames": FRAMES, "frame_shape": [size, size], "camera": camera, **cells}
    dish = simulate_recording("dish", settings, seed=seed, frame_interval_min=30.0).images - 100.0
    corners = np.round(stage_drift(np.random.default_rng([seed, int(step)]), FRAMES, step)).clip(-MARGIN, MARGIN).astype(int)
    rng = np.random.default_rng(seed)
    lamp, light = (function(rng, (SIDE, SIDE), len(CHANNELS), level) for function, level in ((illumination, 0.25), (medium, 60.0)))
    views = [dish[t, y : y + SIDE, x : x + SIDE] for t, (y, x) in enumerate(corners + MARGIN)]
    images = np.stack([(view + light) * lamp + 100 + rng.normal(0, 5, view.shape) for view in views]).clip(0, 65535)
    return np.moveaxis(images.astype(np.uint16), -1, 1), -(corners - corners[0]).astype(float)


def simulated() -> pd.DataFrame:
    rows = []
    for n_cells in CELLS:
        for step in STEPS:
            errors = []
            for seed in SEEDS:
                images, truth = simulate(seed, n_cells, step)
                errors += [estimate_drift(in_memory(images, CHANNELS), channel, upsampling=UPSAMPLING) - truth for channel in CHANNELS]
            one = np.abs(np.diff(errors, axis=1)).max(axis=2)
            sums = np.abs(np.array(errors)[:, -1]).max(axis=1)
            values = {"step off, median": np.median(one), "largest": one.max(), "sum off, median": np.median(sums)}
            rows.append({"cells in view": n_cells * SIDE**2 / (SIDE + 2 * MARGIN) ** 2, "step": step, **values})
            print(rows[-1], file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def real(folder: Path) -> None:
    frames = open_frames(folder / "HC01501_{channel}_B2_1_{time}.tif", ["P", "R", "G"])
    images = np.stack([frames.read(t) for t in range(frames.n_frames)])
    whole = {channel: estimate_drift(frames, channel, upsampling=UPSAMPLING) for channel in frames.channels}
    print("shifts by phase contrast:", whole["P"].round(1).tolist())
    for channel, shifts in whole.items():
        print(f"{channel}, whole field, off phase contrast by at most: rows, columns", np.abs(shifts - whole["P"]).max(axis=0).round(1))
    corners = [(y, x) for y in (0, 312, 624) for x in (0, 448, 896)]
    for channel in ("P", "R"):
        parts = [in_memory(images[:, :, y : y + PART[0], x : x + PART[1]], frames.channels) for y, x in corners]
        off = [np.abs(estimate_drift(part, channel, upsampling=UPSAMPLING) - whole["P"]).max() for part in parts]
        print(f"{channel}, parts of {PART[0]} x {PART[1]}, off the whole field by at most:", np.sort(np.round(off, 1)))


if __name__ == "__main__":
    print(simulated().to_string(index=False, float_format=lambda value: f"{value:.2f}"))
    if len(sys.argv) > 1:
        real(Path(sys.argv[1]))
