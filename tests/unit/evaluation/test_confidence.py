"""Scores of held-out trajectories in thirds by how likely their tracks are one cell."""

import numpy as np
import pandas as pd
import pytest

from cellfate.base.tables import check_table
from cellfate.evaluation.confidence import score_by_confidence
from cellfate.evaluation.tables import SCORE_BY_CONFIDENCE

OUTCOMES = {"negative": "apoptosis", "positive": "mitosis"}


def tables(n_recordings=9, n_each=12, confident=True):
    """Of each recording's cells the first third is not sure and called at random, the others are called rightly."""
    rng = np.random.default_rng(0)
    rows = []
    for r in range(n_recordings):
        for i in range(n_each):
            label, unsure = i % 2, i < n_each // 3
            called = rng.random() < 0.5 if unsure else bool(label)
            sure = 0.5 + 0.1 * rng.random() if unsure else 0.8 + 0.2 * rng.random()
            row = {"trajectory": f"r{r}/{i}", "recording": f"r{r}", "label": label, "logit": 1.0 if called else -1.0}
            rows.append(row | {"confidence": sure if confident else 1.0, "group": None})
    found = pd.DataFrame(rows)
    constant = {"fold": 0, "split": "test", "condition": "full", "n": 0, "treatment": "none", "n_frames": 20, "probability": 0.5}
    return found.drop(columns=["confidence", "group"]).assign(**constant), found[["trajectory", "recording", "confidence", "group"]]


def scores(predictions, facts):
    """``facts`` has the confidence of each trajectory, which it has until the last frame that is kept."""
    tracks = facts.assign(track_id=facts["trajectory"].str.split("/").str[1].astype(int))
    known = tracks.dropna(subset=["confidence"])
    confidence = pd.concat([known.assign(frame=9), known.assign(frame=15, confidence=0.0)])
    trajectories = tracks.drop(columns="confidence").assign(last_frame=12)
    table = score_by_confidence(predictions, trajectories, confidence, OUTCOMES, unit="recording")
    return check_table(table, SCORE_BY_CONFIDENCE, "t").set_index("tracks")


def test_the_score_rises_where_tracks_are_sure_and_has_an_interval_by_recording():
    rows = scores(*tables())
    assert rows.loc["all", "n_trajectories"] == rows.iloc[1:4]["n_trajectories"].sum() == 108
    assert rows.loc["surest", "value"] == 1.0
    assert rows.loc["least sure", "value"] < 0.8
    difference = rows.loc["surest less least sure"]
    assert difference["value"] == pytest.approx(rows.loc["surest", "value"] - rows.loc["least sure", "value"])
    assert 0 < difference["value_low"] < difference["value"] < difference["value_high"]
    assert rows.loc["least sure", "highest"] <= rows.loc["surest", "lowest"]


def test_few_recordings_have_a_score_and_a_reason_in_place_of_an_interval():
    rows = scores(*tables(n_recordings=2))
    assert np.isfinite(rows.loc["least sure", "value"])
    assert "2 recordings, at least 3 are needed" in rows.loc["least sure", "value_reason"]
    assert "at least 3 are needed" in rows.loc["surest less least sure", "value_reason"]


def test_equally_sure_tracks_are_not_torn_apart():
    rows = scores(*tables(confident=False))
    assert rows.loc["least sure", "n_trajectories"] == 108
    assert rows.loc["surest", "n_trajectories"] == 0
    assert rows.loc["surest less least sure", "value_reason"] == "all tracks are about as sure: 1.00 to 1.00"


def test_a_third_that_lacks_an_outcome_is_said():
    predictions, facts = tables()
    facts["confidence"] = facts["confidence"].mask(predictions["label"].eq(1), 0.99)
    rows = scores(predictions, facts)
    assert "too few" in rows.loc["least sure", "value_reason"]
    assert rows.loc["surest less least sure", "value_reason"] == "too few: both outcomes are needed in both thirds"


def test_trajectories_without_a_confidence_are_left_out():
    predictions, facts = tables()
    facts.loc[facts.index[:20], "confidence"] = None
    assert scores(predictions, facts).loc["all", "n_trajectories"] == 88
    nothing = scores(predictions, facts.assign(confidence=np.nan))
    assert nothing.loc["all", "n_trajectories"] == 0
    assert "too few" in nothing.loc["all", "value_reason"]
