"""Colours of channels: those of the figures, pure and at full brightness, as colours of channels add up."""

import numpy as np

from cellfate.base.plot_style import OKABE_ITO

ORDER = ("purple", "green", "blue", "yellow", "vermillion", "orange")  # pure sky would be pure blue
WHITE = "#ffffff"


def tints(n_channels: int) -> list[str]:
    """The colour of each channel; a single one is white."""
    return [WHITE] if n_channels == 1 else [COLOURS[place % len(COLOURS)] for place in range(n_channels)]


def rgb(colour: str) -> np.ndarray:
    """Red, green and blue (3,) of ``#rrggbb``, 0 to 255."""
    return np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)])


def _pure(colour: str) -> str:
    parts = rgb(colour)
    spread = (parts - parts.min()) / (parts.max() - parts.min()) * 255
    return "#" + "".join(f"{round(float(part)):02x}" for part in spread)


COLOURS = (*(_pure(OKABE_ITO[name]) for name in ORDER), WHITE)
