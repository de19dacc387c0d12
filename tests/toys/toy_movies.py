"""Ready-made crops: small movies of cells and a cells sheet that names them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tifffile

CELL = {"outcome": "mitosis", "event_frame": 12, "recording": "dish1", "frame_interval_min": 15, "channels": "phase,nuclei"}


def write_movie(path: Path, n_frames: int = 12, size: tuple[int, int] = (16, 16), channels: int = 2, seed: int = 0) -> np.ndarray:
    """Write an ImageJ hyperstack (T, C, H, W) of noise with a bright middle, and return it."""
    movie = np.random.default_rng(seed).integers(100, 160, (n_frames, channels, *size)).astype("uint16")
    movie[..., size[0] // 4 : -(size[0] // 4), size[1] // 4 : -(size[1] // 4)] += 300
    return save_movie(path, movie)


def save_movie(path: Path, movie: np.ndarray) -> np.ndarray:
    """Write a movie (T, C, H, W) as it is, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, movie, imagej=True, metadata={"axes": "TCYX"})
    return movie


def write_cells(path: Path, rows: Sequence[dict]) -> Path:
    """Write a cells sheet; values that are not given come from ``CELL``, None leaves a value empty."""
    rows = [CELL | {"cell": str(number), "movie": f"{number}.tif"} | row for number, row in enumerate(rows)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["\t".join("" if row.get(name) is None else str(row[name]) for name in columns) for row in rows]
    path.write_text("\n".join(["\t".join(columns), *lines]) + "\n")
    return path
