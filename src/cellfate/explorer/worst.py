"""The worst errors as pictures, for the summary page: some frames of each cell side by side, its channels in colours."""

import base64
import io
from collections.abc import Mapping

import numpy as np
import pandas as pd
from PIL import Image

from cellfate.crops.crop_file import CropFile
from cellfate.explorer.strips import read_above_background
from cellfate.explorer.tints import rgb, tints

FRAMES = 10  # of a cell, evenly spaced to its last one
QUALITY = 70  # of WebP


def worst_errors(cells: pd.DataFrame, n: int) -> pd.DataFrame:
    """The ``n`` wrongly called ones of the cells of :class:`Said` whose true outcome was least probable, the worst first.

    Adds ``of_call``, the probability of the outcome that was called.
    """
    wrong = cells[cells["right"].astype("Float64").eq(0).fillna(False).to_numpy(bool)]
    sure = np.maximum(wrong["probability"], 1 - wrong["probability"])
    return wrong.assign(of_call=sure).sort_values(["of_call", "trajectory"], ascending=[False, True]).head(n)


def errors_shown(cells: pd.DataFrame, n: int, files: Mapping[str, CropFile], limits: Mapping[str, np.ndarray], size: int) -> dict:
    """``wrong``, the names of all wrongly called cells, and ``worst``, what is shown of the ``n`` worst; ``limits`` by recording."""
    wrong = cells.loc[cells["right"].astype("Float64").eq(0).fillna(False).to_numpy(bool), "trajectory"]
    worst = [
        {
            "trajectory": row.trajectory,
            "treatment": row.treatment,
            "outcome": row.outcome,
            "call": row.call,
            "probability": float(row.probability),
            "frames": int(row.n_frames),
            "picture": _picture(files[row.recording], int(row.track_id), limits[row.recording], size),
        }
        for row in worst_errors(cells, n).itertuples()
    ]
    return {"wrong": list(wrong), "worst": worst}


def _picture(file: CropFile, track_id: int, limits: np.ndarray, size: int) -> str:
    """A WebP picture of a track as base64."""
    _, crops = read_above_background(file, track_id)
    places = np.unique(np.linspace(0, len(crops) - 1, min(FRAMES, len(crops))).round().astype(int))
    side = min(size, crops.shape[-1])
    images = [Image.fromarray(picture).resize((side, side), Image.Resampling.BOX) for picture in in_colours(crops[places], limits)]
    sheet = Image.new("RGB", (side * len(images) + 2 * (len(images) - 1), side), "white")
    for place, image in enumerate(images):
        sheet.paste(image, (place * (side + 2), 0))
    buffer = io.BytesIO()
    sheet.save(buffer, "WEBP", quality=QUALITY)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def in_colours(crops: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Crops (T, C, S, S) in counts as colours (T, S, S, 3) uint8; ``limits`` (C, 2) are black and full colour."""
    low, high = limits[:, 0], limits[:, 1]
    share = np.clip((crops - low[:, None, None]) / (high - low)[:, None, None], 0, 1)
    colours = np.stack([rgb(tint) for tint in tints(crops.shape[1])])
    return np.clip(np.einsum("tcyx,ck->tyxk", share, colours), 0, 255).astype(np.uint8)
