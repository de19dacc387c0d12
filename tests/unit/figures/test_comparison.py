"""The figure of two runs side by side."""

from functools import partial

import numpy as np
import pytest
from toy_runs import write_run

from cellfate.evaluation.compared.matching import match
from cellfate.evaluation.compared.runs import read_run
from cellfate.evaluation.compared.scores import compare_runs
from cellfate.figures.scores.comparison import plot_comparison

draw = partial(plot_comparison, min_trajectories=5)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    a, b = (read_run(write_run(folder / name, right, seed=seed), name) for name, right, seed in (("a", 0.7, 0), ("b", 0.9, 50)))
    return compare_runs(match(a, b), ("a", "b"), 10)


def value_of(table, metric):
    return table[(table["condition"] == "full") & (table["metric"] == metric)].iloc[0]


def drawn(axes, label):
    """The markers of a row: (x, whether it is filled)."""
    place = [text.get_text() for text in axes.get_yticklabels()].index(label)
    points = [line for line in axes.lines if line.get_marker() in "os" and round(float(line.get_ydata()[0])) == place]
    return [(float(line.get_xdata()[0]), line.get_markerfacecolor() == line.get_color()) for line in points]


def test_right_is_better_for_losses_too_and_points_without_an_interval_are_open(table):
    axes = draw(table).axes[1]
    assert drawn(axes, "balanced accuracy") == [(pytest.approx(value_of(table, "balanced_accuracy")["difference"]), True)]
    assert drawn(axes, "log-loss") == [(pytest.approx(-value_of(table, "log_loss")["difference"]), True)]
    assert value_of(table, "log_loss")["difference"] < 0
    assert drawn(axes, "macro F1") == [(pytest.approx(value_of(table, "f1_macro")["difference"]), False)]


def test_both_runs_and_their_difference_are_drawn_at_each_number_of_dropped_frames(table):
    rows = table[(table["condition"] == "truncation") & (table["metric"] == "balanced_accuracy")].sort_values("n")
    curves, differences = draw(table).axes[2:4]
    for line, column in zip(curves.lines[:2], "ab", strict=True):
        np.testing.assert_allclose(line.get_ydata(), rows[column])
        np.testing.assert_allclose(line.get_xdata(), [0, 5, 10])
    np.testing.assert_allclose(differences.lines[0].get_ydata(), rows["difference"])


@pytest.mark.parametrize("least", [5, 10_000])
def test_without_points_there_are_words(table, least):
    shown = table if least > 5 else table[table["condition"] == "full"]
    figure = plot_comparison(shown, min_trajectories=least)
    for axes in figure.axes[2:4]:
        assert "no number of dropped frames is in both runs" in axes.texts[0].get_text()
