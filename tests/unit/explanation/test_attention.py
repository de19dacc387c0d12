import numpy as np
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.explanation.analysis import Analysis
from cellfate.explanation.frame_weights import own_occlusion, weigh_frames
from cellfate.explanation.profile import attention_profile
from cellfate.explanation.tables import ATTENTION_PROFILE
from cellfate.model.attention_rows import attention_rows, scaled_attention
from cellfate.model.tables import ATTENTION
from cellfate.statistics.contrasts.by_unit import mean_interval

NAMES = {"negative": "apoptosis", "positive": "mitosis"}


def test_attention_is_scaled_within_the_trajectory():
    assert scaled_attention([0.2, 0.1, 0.3]) == pytest.approx([0.5, 0, 1])
    assert list(scaled_attention([0.25, 0.25])) == [0, 0]


def test_rows_count_frames_to_the_last_one():
    rows = check_table(attention_rows("some/thing/7", np.array([3, 4, 6]), np.array([0.1, 0.2, 0.6]), 1, "test"), ATTENTION, "a")
    assert rows["recording"].unique() == ["some/thing"]
    assert rows["frames_before_end"].tolist() == [3, 2, 0]
    assert rows["scaled"].to_numpy() == pytest.approx([0, 0.2, 1])


def make_inputs(trajectories):
    """``trajectories``: (name, outcome, weights); attention, correct ones, and the trajectories table."""
    attention = pd.concat([attention_rows(name, np.arange(len(w)), np.array(w, float), 0, "test") for name, _, w in trajectories])
    correct = pd.DataFrame([(name, 0, outcome) for name, outcome, _ in trajectories], columns=["trajectory", "fold", "outcome"])
    known = pd.DataFrame({"trajectory": [t[0] for t in trajectories], "frame_interval_min": 30.0})
    known["label"] = [int(outcome == "mitosis") for _, outcome, _ in trajectories]
    return attention, correct, known.assign(lineage=known["trajectory"])


def profile_of(attention, correct, known, outcomes, **settings):
    """The profile of trajectories that the network classifies correctly."""
    label = known.set_index("trajectory")["label"]
    predictions = correct[["trajectory", "fold"]].assign(recording=correct["trajectory"].str.split("/").str[0], treatment="drug")
    predictions = predictions.assign(split="test", condition="full", n=0, label=correct["trajectory"].map(label))
    predictions["probability"] = predictions["label"] * 0.8 + 0.1
    predictions["logit"] = predictions["label"] * 4.0 - 2
    analysis = Analysis(attention, predictions, known, outcomes, ["test"], None)
    usual = {"max_frames_before_end": 50, "intervals": "bootstrap", "bootstrap": 2000, "seed": 42}
    return attention_profile(analysis, **(usual | settings))


def test_profile_by_hand():
    table = profile_of(*make_inputs([("a/1", "mitosis", [0, 0.5, 1]), ("b/2", "mitosis", [0.25, 0, 0.25, 1])]), NAMES)
    table = check_table(table, ATTENTION_PROFILE, "p")
    # scaled: (0, .5, 1) and (.25, 0, .25, 1); aligned at the end the means are 1, .375, 0, .25
    assert table["frames_before_end"].tolist() == [0, 1, 2, 3]
    assert table["hours_before_end"].tolist() == [0, 0.5, 1, 1.5]
    assert table["mean_scaled"].to_numpy() == pytest.approx([1, 0.375, 0, 0.25])
    assert table["profile"].to_numpy() == pytest.approx([1, 0.375, 0, 0.25])
    assert table["n_trajectories"].tolist() == [2, 2, 2, 1]


def test_trajectories_without_occlusion_stay_out_of_its_mean():
    trajectories = [("a/1", "mitosis", [0, 0.5, 1]), ("b/2", "mitosis", [0.25, 0, 1]), ("c/3", "mitosis", [0.2, 0, 1])]
    attention, correct, known = make_inputs(trajectories)
    attention["occlusion"] = np.where(attention["trajectory"] == "c/3", np.nan, 2.0)
    table = check_table(profile_of(attention, correct, known, NAMES), ATTENTION_PROFILE, "p")
    assert table["n_trajectories"].tolist() == [3, 3, 3]
    for column in ("occlusion", "occlusion_low", "occlusion_high"):
        assert table[column].tolist() == [2, 2, 2]
    only = attention.assign(occlusion=np.where(attention["trajectory"] == "a/1", 2.0, np.nan))
    table = profile_of(only, correct, known, NAMES)
    assert table["occlusion"].tolist() == [2, 2, 2]
    assert table["occlusion_low"].isna().all()  # one recording


def test_recordings_of_different_frame_intervals_have_no_common_hours():
    attention, correct, known = make_inputs(
        [("a/1", "mitosis", [0, 0.5, 1]), ("b/2", "apoptosis", [0.25, 0, 1]), ("c/3", "mitosis", [1, 0])]
    )
    known["frame_interval_min"] = [30.0, 20.0, 30.0]
    table = check_table(profile_of(attention, correct, known, NAMES), ATTENTION_PROFILE, "p")
    assert table["hours_before_end"].isna().all()
    assert table["frames_before_end"].tolist() == [0, 1, 2] * 2
    without = correct[correct["trajectory"] != "b/2"]  # the other interval enters no profile
    assert profile_of(attention, without, known, NAMES)["hours_before_end"].tolist() == [0, 0.5, 1]


def test_each_outcome_is_scaled_by_its_own_range_over_the_aligned_frames():
    inputs = make_inputs([("a/1", "mitosis", [0, 0.2, 0.4, 1]), ("b/1", "apoptosis", [1, 0, 0.6, 0.5])])
    table = profile_of(*inputs, NAMES, max_frames_before_end=2)
    assert list(table["outcome"]) == ["apoptosis"] * 3 + ["mitosis"] * 3
    apoptosis, mitosis = table["profile"][:3], table["profile"][3:]
    assert apoptosis.to_numpy() == pytest.approx([0.5 / 0.6, 1, 0])
    assert mitosis.to_numpy() == pytest.approx([1, 0.25, 0])  # scaled weights 1, .4, .2


def test_only_correct_trajectories_of_that_fold_count():
    attention, correct, known = make_inputs([("a/1", "mitosis", [0, 1]), ("b/1", "mitosis", [1, 0])])
    table = profile_of(attention, correct[correct["trajectory"] == "a/1"], known, NAMES)
    assert table["mean_scaled"].tolist() == [1, 0]
    assert profile_of(attention, correct.assign(fold=1), known, NAMES).empty


def test_occlusion_is_averaged_toward_the_own_outcome():
    attention, correct, known = make_inputs([("a/1", "mitosis", [0, 1]), ("b/1", "mitosis", [1, 0]), ("c/1", "apoptosis", [0, 1])])
    attention["occlusion"] = [1.0, 3.0, 2.0, -1.0, -4.0, 0.5]
    assert own_occlusion(attention, known).tolist() == [1, 3, 2, -1, 4, -0.5]
    table = check_table(profile_of(attention, correct, known, NAMES), ATTENTION_PROFILE, "p")
    assert table["occlusion"].tolist() == [-0.5, 4, 1, 1.5]  # apoptosis, then mitosis; the last frame first
    assert table["occlusion_low"].isna().tolist() == [True, True, False, False]  # one recording of apoptosis
    assert (table["occlusion_low"][2:] <= table["occlusion"][2:]).all()
    assert (table["occlusion_high"][2:] >= table["occlusion"][2:]).all()


def test_profile_without_occlusion_leaves_it_empty():
    attention, correct, known = make_inputs([("a/1", "mitosis", [0, 1]), ("b/1", "mitosis", [1, 0])])
    table = profile_of(attention, correct, known, NAMES)
    assert table[["occlusion", "occlusion_low", "occlusion_high"]].isna().all(axis=None)


def test_frames_are_weighed_by_attention_or_by_occlusion():
    attention, _, known = make_inputs([("a/1", "mitosis", [0, 1]), ("c/1", "apoptosis", [0, 1])])
    assert weigh_frames(attention, known, "attention") is attention
    with pytest.raises(InputError, match="occlusion was not computed"):
        weigh_frames(attention, known, "occlusion")
    attention["occlusion"] = [1.0, 3.0, -2.0, 1.0]
    assert weigh_frames(attention, known, "occlusion")["weight"].tolist() == [1, 3, 2, -1]
    with pytest.raises(InputError, match=r"statistics\.high_by is 'gradient'"):
        weigh_frames(attention, known, "gradient")


def test_interval_resamples_recordings():
    rng = np.random.default_rng(0)
    trajectories = [(f"r{r}/{t}", "mitosis", np.append(rng.random(5), 1 + r % 2)) for r in range(6) for t in range(5)]
    attention, correct, known = make_inputs(trajectories)
    table = profile_of(attention, correct, known, NAMES, bootstrap=500, seed=3)
    inside = (table["ci_low"] <= table["profile"] + 1e-9) & (table["profile"] <= table["ci_high"] + 1e-9)
    assert inside.all()
    # by hand for one aligned frame
    values = attention[attention["frames_before_end"] == 2]
    draws = np.random.default_rng(3).integers(0, 6, (500, 6))
    per_recording = values.groupby("recording")["scaled"].mean().to_numpy()
    low, high = np.percentile(per_recording[draws].mean(axis=1), [2.5, 97.5])
    mean = table["mean_scaled"].to_numpy()
    row = table[table["frames_before_end"] == 2].iloc[0]
    assert row["ci_low"] == pytest.approx((low - mean.min()) / (mean.max() - mean.min()))
    assert row["ci_high"] == pytest.approx((high - mean.min()) / (mean.max() - mean.min()))


def test_one_trajectory_has_no_interval():
    table = profile_of(*make_inputs([("a/1", "mitosis", [0, 1, 0.5])]), NAMES)
    assert table["ci_low"].isna().all()


def test_intervals_by_recording_are_those_of_means_of_scores():
    rng = np.random.default_rng(0)
    trajectories = [(f"r{r}/{t}", "mitosis", np.append(rng.random(5), 1 + r % 2)) for r in range(6) for t in range(5)]
    attention, correct, known = make_inputs(trajectories)
    attention["occlusion"] = rng.normal(size=len(attention))
    table = check_table(profile_of(attention, correct, known, NAMES, intervals="recording"), ATTENTION_PROFILE, "p")
    assert table["n_recordings"].tolist() == [6] * 6
    values = attention[attention["frames_before_end"] == 2]
    of = values["recording"].to_numpy()
    by_hand = {name: mean_interval(values[name].to_numpy(), of, unit="recording") for name in ("scaled", "occlusion")}
    mean = table["mean_scaled"].to_numpy()
    row = table[table["frames_before_end"] == 2].iloc[0]
    assert row["ci_low"] == pytest.approx((by_hand["scaled"].low - mean.min()) / np.ptp(mean))
    assert row["ci_high"] == pytest.approx((by_hand["scaled"].high - mean.min()) / np.ptp(mean))
    assert (row["occlusion_low"], row["occlusion_high"]) == pytest.approx((by_hand["occlusion"].low, by_hand["occlusion"].high))
    drawn = profile_of(attention, correct, known, NAMES)
    assert (row["ci_high"] - row["ci_low"]) > 1.1 * (drawn["ci_high"] - drawn["ci_low"])[row.name]  # few recordings
    with pytest.raises(InputError, match=r"attention\.intervals is 'cells'; recording or bootstrap is needed"):
        profile_of(attention, correct, known, NAMES, intervals="cells")


def test_fewer_than_three_recordings_have_no_interval_and_the_reason():
    two = make_inputs([("a/1", "mitosis", [0, 1, 0.5]), ("b/1", "mitosis", [0, 0.5, 1])])
    table = check_table(profile_of(*two, NAMES, intervals="recording"), ATTENTION_PROFILE, "p")
    assert table["ci_low"].isna().all()
    assert table["reason"].unique().tolist() == ["2 recordings, at least 3 are needed"]
    one = make_inputs([(f"a/{t}", "mitosis", [0, 1, 0.5 + t / 10]) for t in range(4)])
    table = profile_of(*one, NAMES, intervals="recording")
    assert table[["ci_low", "ci_high", "occlusion_low", "occlusion_high"]].isna().all(axis=None)
    assert table["reason"].unique().tolist() == ["1 recording, at least 3 are needed"]
    assert profile_of(*one, NAMES, intervals="bootstrap")["ci_low"].notna().any()  # the paper's protocol draws lineages then


@pytest.mark.parametrize("intervals", ["recording", "bootstrap"])
def test_a_model_without_rows_of_attention_has_an_empty_profile(intervals):
    attention, correct, known = make_inputs([("a/1", "mitosis", [0, 1]), ("b/1", "apoptosis", [1, 0])])
    assert check_table(profile_of(attention.iloc[:0], correct, known, NAMES, intervals=intervals), ATTENTION_PROFILE, "p").empty
