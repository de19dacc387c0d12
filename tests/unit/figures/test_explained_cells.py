"""The figure of single cells: what is drawn in each panel."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from toy_explained import CHANNELS, N_FRAMES, SHOWN, WORDS, explained_tables
from toy_figures import FATES, drawn_texts

from cellfate.base.plot_style import OKABE_ITO
from cellfate.figures.explained.cells import plot_explained_cells

HOURS = -(N_FRAMES - 1 - np.arange(N_FRAMES)) / 2


@pytest.fixture(scope="module")
def cells():
    """The axes of each cell, from the film strip down."""
    values, said, examples, crops = explained_tables(FATES)
    figure = plot_explained_cells(values, said, examples, crops, FATES, shown=SHOWN)
    parts = sorted(figure.subfigs, key=lambda part: "r/1" in part._suptitle.get_text())
    return [(part._suptitle, part.axes) for part in parts]


def drawn(axes):
    """{label: (x, y)} of the curves of an axes."""
    found = {line.get_label(): (line.get_xdata(), line.get_ydata()) for line in axes.get_lines() if len(line.get_xdata()) == N_FRAMES}
    for x, _ in found.values():
        assert list(x) == list(HOURS)
    return {label: np.asarray(y, float) for label, (_, y) in found.items()}


def test_the_strip_has_the_crops_of_figure_6_with_their_hours(cells):
    for _, axes in cells:
        strip = axes[0]
        assert [text.get_text() for text in strip.texts] == [f"−{hours:.1f}" for hours in -HOURS[:6]]
        (image,) = strip.get_images()
        assert image.get_array().shape == (8, 6 * 9 - 1, 3)


def test_the_probability_is_that_of_the_own_outcome_on_the_scale_of_probabilities(cells):
    for (_, axes), color in zip(cells, ("vermillion", "blue"), strict=True):
        assert drawn(axes[1])["probability"] == pytest.approx(0.5 + np.arange(N_FRAMES) / 60)
        assert to_hex(axes[1].get_lines()[0].get_color()) == OKABE_ITO[color].lower()
        assert axes[1].get_ylim() == pytest.approx((-0.03, 1.03))
        assert axes[1].get_xlim()[0] < HOURS[0] < 0 < axes[1].get_xlim()[1]


def test_each_shown_method_has_a_panel_with_a_curve_for_each_part(cells):
    _, axes = cells[0]
    assert len(axes) == 5  # strip, probability, two methods, features; occlusion is not among those shown
    (values,) = drawn(axes[2]).values()
    assert values[4:12] == pytest.approx(np.full(8, 0.5))
    assert values[12:] == pytest.approx(np.full(12, -0.1))
    parts = drawn(axes[3])
    assert list(parts) == [name.replace("_", " ") for name in CHANNELS]
    assert [own[-1] for own in parts.values()] == pytest.approx([0, 2.3, 4.6])


def test_features_are_in_deviations_and_those_that_are_named_come_first(cells):
    curves = drawn(cells[0][1][4])
    assert list(curves) == ["cell cycle, mean intensity", "area", "solidity"]
    assert curves["area"].mean() == pytest.approx(0)
    assert curves["area"].std(ddof=1) == pytest.approx(1)
    assert np.isnan(curves["solidity"]).all()  # no spread


def test_the_hours_that_gave_it_away_are_shaded_in_every_panel_and_told_above(cells):
    (title, axes), (other, without) = cells
    for panel in axes[1:]:
        (patch,) = panel.patches
        assert (patch.get_x(), patch.get_x() + patch.get_width()) == pytest.approx((-9.5, -6.0))
    assert title.get_text().replace("\n", " ") == f"apoptosis, r/0 {WORDS}"
    assert not any(panel.patches for panel in without[1:])
    assert other.get_text() == "mitosis, r/1\nnot explained"


def test_a_single_frame_that_gave_it_away_is_seen():
    values, said, examples, crops = explained_tables(FATES)
    said = said.assign(hours_from=6.0, hours_to=6.0, n_told=1)
    figure = plot_explained_cells(values, said, examples, crops, FATES, shown=SHOWN)
    part = next(part for part in figure.subfigs if "r/0" in part._suptitle.get_text())
    (patch,) = part.axes[1].patches
    assert (patch.get_x(), patch.get_width()) == pytest.approx((-6.25, 0.5))


@pytest.mark.parametrize("methods", [SHOWN, ["channel_occlusion", "region_occlusion", "channel_gradients", "attention"]])
def test_the_names_of_panels_are_level_and_clear_of_each_other_below_many_words(methods, monkeypatch):
    values, said, examples, crops = explained_tables(FATES)
    known = values[values["name"].isin(SHOWN)]
    shown = known[known["name"] == SHOWN[-1]]
    values = pd.concat([values, *(shown.assign(name=name) for name in methods if name not in set(known["name"]))])
    said = said.assign(words=" ".join([WORDS] * 4))
    figure = plot_explained_cells(values, said, examples, crops, FATES, shown=methods)
    drawn_texts(figure, monkeypatch)
    for part in figure.subfigs:
        labels = [axes.yaxis.label for axes in part.axes[1:]]
        assert {label.get_rotation() for label in labels} == {0}
        boxes = [label.get_window_extent() for label in labels]
        assert len(boxes) == len(methods) + 2
        assert min(box.x0 for box in boxes) >= 0
        for above, below in itertools.combinations(boxes, 2):
            assert below.y1 <= above.y0
