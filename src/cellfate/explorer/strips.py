"""Crops as strips: the frames of a cell below and beside one another, one grey WebP picture for each channel."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cellfate.crops.crop_file import CropFile

COLUMNS = 16  # frames beside one another
LOW, HIGH = 10.0, 99.8  # percentiles of the pixels that are black and white
MOST_SIDE = 16383  # pixels of a WebP picture
ENCODER = 2  # effort of WebP, 0 to 6


@dataclass(frozen=True)
class ImageSettings:
    """Side of a shown crop in pixels (smaller crops stay as they are) and quality of WebP, 1 to 100."""

    size: int
    quality: int


@dataclass(frozen=True)
class Strip:
    """``n`` pictures of ``height`` x ``width`` in rows of ``columns``; ``channels`` holds a WebP file for each channel."""

    n: int
    columns: int
    height: int
    width: int
    channels: tuple[bytes, ...]


def channel_limits(samples: Sequence[np.ndarray]) -> np.ndarray:
    """Counts above the background (C, 2) that are black and white, from the crops (T, C, S, S) of some cells; white is above black."""
    limits = []
    for channel in range(samples[0].shape[1]):
        pixels = np.concatenate([crops[:, channel].ravel() for crops in samples])
        low, high = np.percentile(pixels, [LOW, HIGH])
        limits.append((low, max(high, low + 1)))
    return np.array(limits)


def above_background(crops: np.ndarray, frames: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Crops (T, C, S, S) as counts above the background (n_frames, C) of the frames (T,) that they are from, float32."""
    level = np.nan_to_num(background[frames]).astype(np.float32)
    return crops.astype(np.float32) - level[:, :, None, None]


def read_above_background(file: CropFile, track_id: int) -> tuple[np.ndarray, np.ndarray]:
    """Frame numbers (T,) and counts above the background (T, C, S, S) of one track."""
    frames, crops = file.read(track_id)
    return frames, above_background(crops, frames, file.background)


def make_strip(pictures: np.ndarray, limits: np.ndarray, settings: ImageSettings) -> Strip:
    """The strip of ``pictures`` (T, C, H, W) in counts; ``limits`` (C, 2) are black and white."""
    n, n_channels, height, width = pictures.shape
    scale = min(1.0, settings.size / max(height, width))
    shape = max(1, round(height * scale)), max(1, round(width * scale))
    columns = max(1, min(COLUMNS, n, MOST_SIDE // shape[1]))
    channels = tuple(_webp(_sheet(pictures[:, c], limits[c], shape, columns), settings.quality) for c in range(n_channels))
    return Strip(n, columns, *shape, channels)


def _sheet(pictures: np.ndarray, limits: np.ndarray, shape: tuple[int, int], columns: int) -> np.ndarray:
    """Pictures (T, H, W) of one channel at ``shape`` in rows of ``columns``, uint8."""
    low, high = limits
    height, width = shape
    sheet = np.zeros((-(-len(pictures) // columns) * height, columns * width), np.uint8)
    for place, picture in enumerate(pictures):
        small = np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX))
        row, column = divmod(place, columns)
        grey = np.clip((small - low) / (high - low) * 255, 0, 255)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = grey
    return sheet


def _webp(sheet: np.ndarray, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "WEBP", quality=quality, method=ENCODER)
    return buffer.getvalue()
