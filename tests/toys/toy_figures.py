"""What tests of figures ask of a drawn figure: its texts, and whether all of them lie inside."""

from contextlib import contextmanager

import matplotlib
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
