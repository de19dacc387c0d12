"""What tests of figures ask of a drawn figure: its texts, and whether all of them lie inside."""

import re
from contextlib import contextmanager

import matplotlib
import numpy as np
from matplotlib.collections import Collection
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from cellfate.base.plot_style import RC

FATES = {"negative": "apoptosis", "positive": "mitosis"}


LONG = {"negative": "slippage_into_interphase", "positive": "no_event_by_end"}


@contextmanager
def recorded_texts(monkeypatch):
    """Collects (text, box in pixels) of everything that is written while a figure is drawn."""
    found = []
    original = Text.draw

    def draw(self, renderer):
        if self.get_visible() and self.get_text().strip():
            found.append((self.get_text(), Text.get_window_extent(self, renderer)))
        return original(self, renderer)

    with monkeypatch.context() as patch:
        patch.setattr(Text, "draw", draw)
        # an annotation draws its text through Text.draw, a tick label is drawn only where its tick is shown
        yield found


def drawn_texts(figure, monkeypatch):
    with recorded_texts(monkeypatch) as found, matplotlib.rc_context(RC):
        figure.canvas.draw()
    return found


def assert_inside(figure, texts):
    page = figure.bbox
    for text, box in texts:
        assert box.x0 >= page.x0 - 1, text
        assert box.y0 >= page.y0 - 1, text
        assert box.x1 <= page.x1 + 1, text
        assert box.y1 <= page.y1 + 1, text


def words(figure, monkeypatch):
    return " | ".join(text for text, _ in drawn_texts(figure, monkeypatch))


def drawn_numbers(figure) -> np.ndarray:
    """All numbers, in units of the axes, by which a figure places lines, points, bars, areas and pixels, and those in its texts."""
    found = []
    for artist in figure.findobj():
        if isinstance(artist, Line2D):
            found += [np.ravel(np.asarray(values, float)) for values in artist.get_data(orig=True) if len(values)]
        elif isinstance(artist, Collection):
            found += [np.ravel(np.ma.filled(artist.get_offsets(), np.nan)), *(path.vertices.ravel() for path in artist.get_paths())]
        elif isinstance(artist, Rectangle):
            x, y, width, height = artist.get_x(), artist.get_y(), artist.get_width(), artist.get_height()
            found.append(np.array([x, y, width, height, x + width, y + height], float))
        elif isinstance(artist, AxesImage):
            found.append(np.ravel(np.ma.filled(artist.get_array().astype(float), np.nan)))
        elif isinstance(artist, Text):
            found.append(
                np.array([float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", artist.get_text().replace("\N{MINUS SIGN}", "-"))])
            )
    numbers = np.concatenate([np.ravel(one) for one in found])
    return np.unique(numbers[np.isfinite(numbers)])


def not_drawn(figure, values) -> list[float]:
    """Those of ``values`` that the figure shows nowhere."""
    numbers = drawn_numbers(figure)
    wanted = np.asarray(values, float)
    return [float(value) for value in wanted[np.isfinite(wanted)] if not np.isclose(numbers, value, rtol=1e-6, atol=1e-9).any()]
