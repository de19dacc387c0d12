"""The figure of sets of outcomes and the surest calls, with as little as one held-out recording gives."""

import numpy as np
import pandas as pd
import pytest
from toy_figures import FATES, drawn_texts

from cellfate.base.tables import check_table
from cellfate.evaluation.tables import SETS, TRIAGE
from cellfate.figures.scores.sets import plot_sets

REASON = "each recording is judged by the others; 0 others have it, 4 are needed"


def sets(promised=0.9, sizes=(8, 9)):
    rows = [
        ("before the end", n, name, promised, 0.8, None, None, 0.5, 0.1, 1, size, None if promised else REASON)
        for n in (0, 4, 8)
        for name, size in zip(FATES.values(), sizes, strict=True)
    ]
    return check_table(pd.DataFrame(rows, columns=list(SETS.columns)), SETS, "test")


def triage():
    called = np.arange(1, 12) / 11
    parts = [pd.DataFrame({"n": n, "called": called, "wrong": 0.9 - 0.6 * called, "always": 0.27, "n_trajectories": 11}) for n in (0, 4, 8)]
    return check_table(pd.concat(parts, ignore_index=True), TRIAGE, "test")


def drawn(**changes):
    return plot_sets(sets(**changes), triage(), FATES, 15, min_trajectories=5)


@pytest.mark.parametrize("promised", [0.9, None])
def test_no_words_stand_among_the_curves_and_the_legend_begins_with_them(promised):
    figure = drawn(promised=promised)
    assert not figure.axes[2].texts[1:]  # its letter alone
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    hours = [f"{hours} h before the end" for hours in (0, 1, 2)]
    assert words[-5:] == [*hours, "all called as the more frequent (c)", "every point: 5 or more trajectories"]
    assert words[:-5] == (["apoptosis", "mitosis", "promised"] if promised else [])


def test_an_outcome_without_a_line_is_said_and_counted(monkeypatch):
    figure = drawn(sizes=(8, 3))
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words[:2] == ["apoptosis", "mitosis: n < 5"]
    assert [text for text, _ in drawn_texts(figure, monkeypatch)].count("3") == 6  # three points in two panels


@pytest.mark.parametrize("changes", [{"promised": None}, {"sizes": (2, 3)}])
def test_reasons_stay_within_their_panels(changes, monkeypatch):
    figure = drawn(**changes)
    drawn_texts(figure, monkeypatch)
    for axes in figure.axes[:2]:
        (note,) = (text for text in axes.texts if text.get_gid() == "reason")
        panel, box = axes.get_window_extent(), note.get_window_extent()
        assert panel.x0 < box.x0
        assert box.x1 < panel.x1
