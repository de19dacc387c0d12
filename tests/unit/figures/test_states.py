"""The figure of the states: what it shows, that its words do not collide, and that its files repeat byte for byte."""

import itertools

import numpy as np
import pandas as pd
import pytest
from toy_figures import FATES, LONG, assert_inside, drawn_texts, words
from toy_states import CHAIN, simulated

from cellfate.base.plot_style import readable, shortened
from cellfate.base.tables import check_table
from cellfate.figures.states import plot_states
from cellfate.states.chain import tabulate_states
from cellfate.states.counting import count_group
from cellfate.states.tables import CHAIN_TABLES, STATE_PROFILES

FEATURES = ("area", "eccentricity", "equivalent_diameter_area", "intensity_mean-circadian", "intensity_mean-cell_cycle")


def profiles(n_states=2):
    rows = [
        (state, "high circadian, low eccentricity", 100, 1 / n_states, name, 10.0 * state, np.sin(state * number))
        for state in range(1, n_states + 1)
        for number, name in enumerate(FEATURES)
    ]
    return check_table(pd.DataFrame(rows, columns=list(STATE_PROFILES.columns)), STATE_PROFILES, "test")


def tables(groups=("untreated", "docetaxel, before", "docetaxel, after"), outcomes=FATES, n_units=6, steps=(2, 4, 8)):
    """Groups of simulated cells; those named "before" reach no fate."""
    counted = []
    for number, group in enumerate(groups):
        courses = simulated(CHAIN, 60, 40, np.random.default_rng(number))
        if "before" in group:
            courses[courses > 1] = -1
        units = [f"r{i % n_units}" for i in range(60)]
        counted.append(count_group(list(courses), units, group, 2, list(outcomes.values()), [2 * k for k in (1, *steps)]))
    found = tabulate_states(counted, 2, steps, bootstrap=60, smoothing=0.1, seed=42)
    return {name: check_table(table, CHAIN_TABLES[name], "test") for name, table in found.items()}


def test_words_neither_overlap_nor_leave_the_figure_and_outcomes_are_those_of_the_config(monkeypatch):
    groups = ("untreated", "docetaxel, before", "docetaxel, after", "cisplatin")
    figure = plot_states(profiles(), tables(groups, LONG), LONG, 30)
    texts = drawn_texts(figure, monkeypatch)
    shown = " ".join(text for text, _ in texts).replace("\n", " ")
    for word in (*groups, readable(LONG["positive"]), "equivalent diameter", "Chapman-Kolmogorov"):
        assert word in shown
    assert not any(word in shown for word in ("_", "apoptosis", "mitosis"))
    assert_inside(figure, texts)
    level = [(text, box) for text, box in texts if readable(text) not in [shortened(name, 14) for name in map(readable, LONG.values())]]
    for (text, a), (other, b) in itertools.combinations(level, 2):  # names of fates below a matrix are turned: their boxes overlap
        width, height = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert width <= 0.5 or height <= 0.5, f"{text!r} and {other!r} overlap by {width:.1f} x {height:.1f} px"


def test_matrix_fates_and_check_are_those_of_the_tables(monkeypatch):
    drawn = tables()
    figure = plot_states(profiles(), drawn, FATES, 30)
    assert len(figure.axes) == 2 + 3 * 3
    P = drawn["state_transitions"].query("group == 'docetaxel, after' and source == '1' and target == '2'")["probability"].item()
    shown = words(figure, monkeypatch)
    assert f"{P:.3f}".removeprefix("0") in shown
    counts = drawn["state_absorption"].query("group == 'untreated' and fate == 'mitosis'")["n_cells"].iloc[0]
    assert f"{counts} cells" in shown
    assert "no cell is seen\nto reach a fate" in shown
    assert shown.count("–") == 4, "two states without two fates before the drug"
    check = figure.axes[4]
    own = drawn["state_check_entries"].query("group == 'untreated' and source == '1' and target == '1'")
    line = next(line for line in check.get_lines() if len(line.get_xdata()) == 5)
    assert line.get_xdata() == pytest.approx([0, 1, 2, 4, 8]), "hours: 2 frames of 30 min are a step"
    assert line.get_ydata()[2:] == pytest.approx(own["predicted"].to_numpy())
    frames = plot_states(profiles(), drawn, FATES, None).axes[4]
    assert frames.get_xlabel() == "frames"
    assert frames.get_lines()[0].get_xdata() == pytest.approx([0, 2, 4, 8, 16])


def test_a_failed_check_stands_out_and_a_check_without_recordings_says_so(monkeypatch):
    drawn = tables(("first", "second"), n_units=3)
    checks = drawn["state_checks"]
    drawn["state_checks"] = checks.assign(verdict=np.where(checks["group"] == "first", "fails", "not judged"))
    shown = words(plot_states(profiles(), drawn, FATES), monkeypatch).replace("\n", " ")
    assert shown.count("Chapman-Kolmogorov FAILS: P^") == 1
    assert shown.count("Chapman-Kolmogorov not judged: fewer than 3 recordings") == 1


def test_with_one_fate_the_figure_says_that_its_probability_means_nothing(monkeypatch):
    drawn = tables(("all",))
    drawn["state_absorption"] = drawn["state_absorption"].query("fate == 'mitosis'").assign(probability=1.0, ci_low=1.0, ci_high=1.0)
    shown = words(plot_states(profiles(), drawn, FATES), monkeypatch)
    assert "one fate seen:\n1 by construction" in shown
    assert "0 cells" in shown
