"""The figure of lead time: what is drawn, and in words why something is not."""

import numpy as np
import pandas as pd
import pytest
from toy_figures import assert_inside, drawn_texts

from cellfate.base.tables import check_table
from cellfate.evaluation.time.tables import BEFORE_END, EARLINESS, KNOWN_FROM, LANDMARKS
from cellfate.figures.scores.lead_time import plot_lead_time

NO_THRESHOLD = "no threshold was chosen: the validation part lacks an outcome"


def table(declared, rows):
    return check_table(pd.DataFrame(rows, columns=list(declared.columns)), declared, declared.name)


def before(methods=("network", "rings_prefix")):
    sizes = {"base": 0.5, "n_trajectories": 40, "n_negative": 20, "n_positive": 20, "units_negative": 5, "units_positive": 5}
    rows = [
        {
            "method": method,
            "n": n,
            "hours": n / 2,
            "hours_share": 1.0,
            "metric": metric,
            "value": 0.9 - n / 40,
            "ci_low": 0.4,
            "ci_high": 0.95,
        }
        | sizes
        for method in methods
        for n in (0, 4, 8)
        for metric in ("balanced_accuracy", "auroc")
    ]
    return table(BEFORE_END, rows)


def landmarks(clocks=("track", "drug"), **changes):
    counts = {
        "n_at_risk": 30,
        "n_negative": 10,
        "n_positive": 10,
        "n_censored": 10,
        "n_scored": 20,
        "units_negative": 4,
        "units_positive": 4,
    }
    scores = {"balanced_accuracy": 0.8, "ci_low": 0.6, "ci_high": 0.9, "reason": None} | changes
    rows = [
        {"clock": clock, "hours": hours, "method": method} | counts | scores
        for clock in clocks
        for hours in (0.0, 1.0, 2.0)
        for method in ("network", "clock")
    ]
    return table(LANDMARKS, rows)


def earliness(chosen=0.8):
    rows = [
        {
            "patience": patience,
            "threshold": threshold,
            "chosen": False,
            "n_trajectories": 40,
            "balanced_accuracy": 0.7,
            "seen": threshold / 2,
        }
        for patience in (1, 3)
        for threshold in (0.5, 0.9)
    ]
    star = {"patience": 1, "threshold": chosen, "chosen": True, "n_trajectories": 40, "balanced_accuracy": 0.7, "seen": 0.4}
    none = {"chosen": True, "n_trajectories": 0, "reason": NO_THRESHOLD}
    return table(EARLINESS, [*rows, star if chosen else none])


def known(**changes):
    row = {"method": "network", "frames": 4, "hours": 2.0, "n_trajectories": 40, "units_negative": 5, "units_positive": 5}
    return table(KNOWN_FROM, [row | changes])


def shown(monkeypatch, *tables, least=5):
    figure = plot_lead_time(*tables, min_trajectories=least)
    texts = drawn_texts(figure, monkeypatch)
    assert_inside(figure, texts)
    return figure, " | ".join(text for text, _ in texts).replace("\n", " ")


def test_all_that_is_drawn_stands_in_the_legend_and_nothing_else(monkeypatch):
    figure, found = shown(monkeypatch, before(), landmarks(), earliness(), known())
    for name in (
        "network",
        "rings, prefix",
        "the hour alone",
        "better than chance from here on",
        "hours since the drug",
        "chosen on validation",
    ):
        assert name in found
    assert "rings, any frame" not in found
    assert np.isin([-4, -2, 0], figure.axes[0].get_lines()[0].get_xdata()).all()
    assert any(line.get_marker() == "v" and list(line.get_xdata()) == [-2] for line in figure.axes[0].get_lines())


def test_nothing_at_all_is_said_in_every_panel(monkeypatch):
    reason = "evaluation.truncation is null"
    nothing = [table(declared, []) for declared in (BEFORE_END, LANDMARKS, EARLINESS)]
    found = shown(monkeypatch, *nothing, known(frames=None, hours=None, n_trajectories=0, reason=reason))[1]
    assert f"not measured: {reason}" in found
    assert "hours since the track began: no held-out cell was followed then" in found
    assert "hours since the drug or the recording began: no held-out cell was followed then" in found
    assert "no held-out trajectory" in found


@pytest.mark.parametrize(
    ("changes", "least", "reason"),
    [
        (
            {"balanced_accuracy": None, "ci_low": None, "ci_high": None, "reason": "outcomes of both kinds are needed"},
            5,
            "outcomes of both kinds",
        ),
        ({}, 21, "every point stands on fewer than 21 trajectories"),
    ],
)
def test_why_no_landmark_is_drawn(monkeypatch, changes, least, reason):
    found = shown(monkeypatch, before(), landmarks(("track", "recording"), **changes), earliness(), known(), least=least)[1]
    assert f"hours since the track began: {reason}" in found
    assert f"hours since the recording began: {reason}" in found


def test_a_drug_that_no_held_out_cell_was_followed_after_is_said(monkeypatch):
    found = shown(monkeypatch, before(), landmarks(("track",)), earliness(), known())[1]
    assert "no held-out cell was followed then" in found


def test_where_no_threshold_was_chosen_the_reason_stands_in_place_of_the_star(monkeypatch):
    found = shown(monkeypatch, before(), landmarks(), earliness(chosen=None), known())[1]
    assert NO_THRESHOLD in found
    assert "chosen on validation" not in found


def test_where_tracks_differ_in_their_hours_the_axis_counts_frames_and_says_so(monkeypatch):
    rows = before()
    rows["hours"] = rows["hours"].where(rows["n"] == 0)
    figure, found = shown(monkeypatch, rows, landmarks(), earliness(), known(hours=None))
    assert "frames before the end (tracks differ in hours)" in found
    assert sorted(figure.axes[0].get_lines()[0].get_xdata()) == [-8, -4, 0]
    assert any(line.get_marker() == "v" and list(line.get_xdata()) == [-4] for line in figure.axes[0].get_lines())
