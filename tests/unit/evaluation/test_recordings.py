"""Held-out recordings one by one: their scores, where they lie, and the lines of the report."""

import numpy as np
import pandas as pd
import pytest

from cellfate.base.tables import check_table
from cellfate.evaluation.recordings import recordings_lines, score_recordings, score_spread
from cellfate.evaluation.tables import RECORDING_SHIFT, RECORDING_SPREAD
from cellfate.model.shift.seen import Seen
from cellfate.model.tables import SHIFT

BACKGROUND = {"r0": 100.0, "r1": 110.0, "r2": 120.0, "r3": 105.0, "r4": 900.0}
TRAINED = {0: ["r0", "r1", "r2"], 1: ["r0", "r1", "r3"]}


@pytest.fixture
def seen():
    rows = [(name, "p53", "background", value) for name, value in BACKGROUND.items()]
    rows += [(name, None, "pixel_size_um", np.nan) for name in BACKGROUND]
    return Seen(pd.DataFrame(rows, columns=["recording", "channel", "quantity", "value"]).astype({"channel": object}), TRAINED)


def predictions(calls):
    """``calls``: (recording, fold, label, probability)."""
    rows = [
        {"trajectory": f"{r}/{i}", "recording": r, "fold": fold, "split": "test", "condition": "full", "n": 0, "label": y, "probability": p}
        for i, (r, fold, y, p) in enumerate(calls)
    ]
    found = pd.DataFrame(rows)
    return found.assign(treatment="none", n_frames=20, logit=found["probability"] - 0.5, probability_raw=0.5)


CALLS = [
    ("r3", 0, 0, 0.1),
    ("r3", 0, 0, 0.9),
    ("r3", 0, 1, 0.8),
    ("r4", 0, 1, 0.7),
    ("r4", 0, 1, 0.2),
    ("r2", 1, 0, 0.3),
    ("r2", 1, 1, 0.4),
]


def test_each_recording_against_the_training_recordings_of_its_fold(seen):
    scores, values = score_recordings(predictions(CALLS), seen)
    check_table(scores, RECORDING_SHIFT, "test")
    check_table(values, SHIFT, "test")
    rows = scores.set_index("recording")
    assert rows.loc["r3", ["n_negative", "n_positive", "balanced_accuracy"]].tolist() == [2, 1, 0.75]
    assert np.isnan(rows.loc["r4", "balanced_accuracy"])
    assert rows.loc["r4", "accuracy"] == 0.5
    assert rows.loc["r4", ["inside", "edge", "outside", "unknown", "farthest"]].tolist() == [0, 0, 1, 1, "p53 background"]
    assert rows.loc["r3", ["inside", "outside"]].tolist() == [1, 0]
    assert rows.loc["r3", "farthest"] is None
    of_r2 = values[(values["recording"] == "r2") & (values["channel"] == "p53")].iloc[0]
    assert (of_r2["low"], of_r2["high"]) == (100, 110)  # r0, r1 and r3 of fold 1, not fold 0's
    assert not rows["in_training"].any()


def test_a_recording_that_a_split_tears_apart_is_compared_with_the_others(seen):
    scores, values = score_recordings(predictions([("r0", 0, 0, 0.1), ("r0", 0, 1, 0.1)]), seen)
    row = scores.iloc[0]
    assert row["in_training"]
    assert row["n_training"] == 2
    assert values["n_recordings"].max() == 2


def test_the_lines_say_how_recordings_differ(seen):
    rng = np.random.default_rng(0)
    calls = [
        (f"r{r}", 0, y, y if rng.random() < rate else 1 - y) for r, rate in enumerate((1, 0.9, 0.6, 0.5)) for y in (0, 1) for _ in range(40)
    ]
    rows = predictions(calls)
    spread = check_table(score_spread(rows, draws=200, seed=0), RECORDING_SPREAD, "test")
    (line,) = recordings_lines(score_recordings(rows, seen)[0], spread)
    found = spread.iloc[0]
    assert line == (
        f"Balanced accuracy of the 4 held-out recordings with both outcomes goes from {found['lowest']:.2f} to 1.00; standard deviation "
        f"{found['found']:.2f}, by chance {found['by_chance']:.2f}, beyond chance {found['beyond']:.2f} (p 0.005)."
    )


def test_the_lines_say_what_cannot_be_told_and_who_is_outside(seen):
    rows = predictions(CALLS)
    first, second = recordings_lines(score_recordings(rows, seen)[0], score_spread(rows, draws=50, seed=0))
    assert first.endswith("cannot be told: 2 of 3 held-out recordings have both outcomes, at least 3 are needed.")
    assert second == "Held-out recordings that lie outside the range of the training recordings: r4 (p53 background)."
