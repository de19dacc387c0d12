import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.model.attention_rows import attention_rows
from cellfate.simulation.files import write_simulated_recording
from cellfate.truth.scores import read_true_cells, score_evidence, score_fates, score_outcomes, wilson_interval
from cellfate.truth.tables import TRUTH_EVIDENCE, TRUTH_FATES, TRUTH_OUTCOMES

NAMES = {"negative": "apoptosis", "positive": "mitosis"}


def make_cells():
    """Two mitoses with rounding from frame 18, one apoptosis with p53 from 10 and blebbing from 17; events at frame 20."""
    rows = [(1, "mitosis", 20, 18, -1, -1), (2, "mitosis", 20, 18, -1, -1), (3, "apoptosis", 20, -1, 10, 17), (4, "none", -1, -1, -1, -1)]
    cells = pd.DataFrame(rows, columns=["track_id", "fate", "event_frame", "onset_rounding", "onset_p53", "onset_blebbing"])
    return cells.assign(recording="a", trajectory="a/" + cells["track_id"].astype(str), first_frame=0, last_frame=19)


def make_predictions(right):
    """``right``: {(track, n): bool} for truncations."""
    labels = {1: 1, 2: 1, 3: 0}
    rows = [(f"a/{t}", "a", 0, "test", "truncation", n, labels[t], 0.9 if (labels[t] == 1) == ok else 0.1) for (t, n), ok in right.items()]
    columns = ["trajectory", "recording", "fold", "split", "condition", "n", "label", "probability"]
    table = pd.DataFrame(rows, columns=columns).assign(treatment="x")
    return table.assign(logit=table["probability"] - 0.5)


TRAJECTORIES = pd.DataFrame({"trajectory": [f"a/{i}" for i in range(1, 5)], "last_frame": 19})


def test_predictions_are_scored_by_what_was_visible():
    right = {(1, 0): True, (2, 0): True, (3, 0): True, (1, 1): True, (2, 1): False, (3, 1): True, (1, 2): False, (2, 2): True, (3, 2): True}
    right |= {(3, 5): True, (3, 10): False}
    table = check_table(score_fates(make_cells(), make_predictions(right), TRAJECTORIES, NAMES), TRUTH_FATES, "t")
    found = table.set_index(["effect", "outcome", "n"])
    # rounding begins in frame 18: still there without the last frame (18 is left), gone without the last two
    assert found.loc[("rounding", "mitosis", 1)][["visible", "n_trajectories", "n_correct"]].tolist() == [True, 2, 1]
    assert found.loc[("rounding", "mitosis", 2), "visible"] == False  # noqa: E712
    assert found.loc[("rounding", "mitosis", 2), "fraction_correct"] == 0.5
    assert found.loc[("blebbing", "apoptosis", 2), "visible"] == True  # noqa: E712
    assert found.loc[("blebbing", "apoptosis", 5), "visible"] == False  # noqa: E712
    # any: p53 shows from frame 10 on
    assert found.loc[("any", "apoptosis", 5), "visible"] == True  # noqa: E712
    assert found.loc[("any", "apoptosis", 10)][["visible", "n_correct"]].tolist() == [False, 0]
    assert ("rounding", "apoptosis", 0) not in found.index


def evidence_of(weights, occlusion=None, right=True):
    """Track 1 (rounding from frame 18) with the given weights of its 20 frames; track 4 shows no effect."""
    attention = pd.concat(
        [attention_rows(f"a/{t}", np.arange(20), np.asarray(weights, float), 0, "test", occlusion) for t in (1, 4)], ignore_index=True
    )
    predictions = pd.DataFrame({"trajectory": ["a/1", "a/4"], "recording": "a", "fold": 0, "split": "test", "condition": "full", "n": 0})
    predictions = predictions.assign(label=1, probability=0.9 if right else 0.1, logit=2.0 if right else -2.0, treatment="x")
    table = score_evidence(make_cells(), attention, predictions, TRAJECTORIES.assign(label=[1, 1, 0, 1]), NAMES, high_percentile=90)
    return check_table(table, TRUTH_EVIDENCE, "t").set_index("by")


def test_high_frames_are_compared_with_the_onset():
    late, early = np.arange(20.0) / 100, np.arange(20.0)[::-1] / 100
    table = evidence_of(late)
    assert table.loc["attention", ["n_trajectories", "share_high", "share_all"]].tolist() == [1, 1.0, 0.1]  # two of twenty frames
    assert table.index.tolist() == ["attention"]
    table = evidence_of(early, occlusion=late - 0.1)
    assert table["share_high"].to_dict() == {"attention": 0.0, "occlusion": 1.0}
    assert evidence_of(late, right=False).empty


def test_right_means_the_true_fate_not_the_annotated_one():
    cells = make_cells().assign(fate=["apoptosis", "mitosis", "apoptosis", "none"])
    table = score_fates(cells, make_predictions({(1, 0): True, (2, 0): True}), TRAJECTORIES, NAMES).set_index(["effect", "outcome"])
    assert table.loc[("any", "apoptosis"), "n_correct"] == 0
    assert table.loc[("any", "mitosis"), "n_correct"] == 1


def test_an_unknown_trajectory_is_an_error():
    with pytest.raises(InputError, match="trajectory a/3 is not among the simulated cells"):
        score_fates(make_cells().iloc[:2], make_predictions({(3, 0): True}), TRAJECTORIES, NAMES)


def test_no_prediction_gives_an_empty_table():
    table = score_fates(make_cells(), make_predictions({(1, 0): True}).iloc[:0], TRAJECTORIES, NAMES)
    assert check_table(table, TRUTH_FATES, "t").empty


def test_outcomes_are_counted_by_true_fate():
    outcomes = pd.DataFrame({"recording": "a", "track_id": [1, 2, 4], "outcome": ["mitosis", "apoptosis", "censored"]})
    outcomes["event_frame"] = pd.array([20, 23, None], dtype="Int64")
    table = check_table(score_outcomes(make_cells(), outcomes), TRUTH_OUTCOMES, "t").set_index(["fate", "outcome"])
    assert table["count"].to_dict() == {
        ("apoptosis", "missing"): 1,
        ("mitosis", "apoptosis"): 1,
        ("mitosis", "mitosis"): 1,
        ("none", "censored"): 1,
    }
    assert table.loc[("mitosis", "apoptosis"), "event_frame_difference"] == 3
    assert table.loc[("mitosis", "mitosis"), "event_frame_difference"] == 0
    assert np.isnan(table.loc[("none", "censored"), "event_frame_difference"])


def test_wilson_interval_is_scipys():
    for successes, trials in ((0, 5), (3, 7), (20, 20)):
        interval = binomtest(successes, trials).proportion_ci(method="wilson")
        low, high = wilson_interval(np.array([successes]), np.array([trials]))
        assert (low[0], high[0]) == pytest.approx((interval.low, interval.high), abs=1e-6)


def test_cells_are_read_from_the_simulators_files(tmp_path):
    settings = {"n_frames": 12, "frame_shape": [120, 120], "n_cells": 4, "fated_cells": 2, "sister_pairs": 0, "leaving_cells": 0}
    for name in ("s1", "s2"):
        paths = [tmp_path / f"{name}{ending}" for ending in ("", ".json", ".h5")]
        write_simulated_recording(*paths, name, settings, 1, None, None, None, 30.0)
    cells = read_true_cells([tmp_path / "s1.h5", tmp_path / "s2.h5"])
    assert set(cells["recording"]) == {"s1", "s2"}
    assert (cells["trajectory"] == cells["recording"] + "/" + cells["track_id"].astype(str)).all()
    assert {"fate", "event_frame", "onset_rounding", "onset_p53_sustained"} <= set(cells.columns)
    assert (cells["fate"] != "none").sum() >= 2
