import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.explanation.analysis import Analysis
from cellfate.explanation.effects import (
    compare_features,
    feature_names,
    summarize_deltas,
    summarize_effects,
)
from cellfate.explanation.findings import describe_features
from cellfate.explanation.steps import comparison_steps
from cellfate.explanation.tables import COMPARED_STEPS, COMPARISON_STEPS, CONTRASTS, EFFECT_SUMMARY, EFFECTS
from cellfate.model.attention_rows import attention_rows
from cellfate.statistics.effect_sizes import cliffs_delta
from cellfate.statistics.permutation import benjamini_hochberg

NAMES = {"negative": "apoptosis", "positive": "mitosis"}
FEATURES = ["area", "intensity_mean-p53"]
HIGH_FRAMES = {"treatment": "cisplatin", "splits": ["test"], "high_percentile": 90, "seed": 42}


def make_inputs(n=12, length=30, seed=0, effect=2.0):
    """``n`` trajectories in three recordings; p53 is higher in the last frames, where mitosis (odd) has its attention."""
    rng = np.random.default_rng(seed)
    attention, predictions, trajectories, features = [], [], [], []
    for i in range(n):
        recording, label = f"r{i % 3}", i % 2
        name = f"{recording}/{i}"
        frames = np.arange(5, 5 + length)
        weights = rng.random(length) * 0.01
        weights[-3:] += 0.05 * label
        attention.append(attention_rows(name, frames, weights, 0, "test"))
        predictions.append((name, recording, "cisplatin", 0, "test", "full", 0, length, label, 2.0 * (2 * label - 1)))
        trajectories.append((name, recording, f"{recording}/{i // 2}", "high", length, 30.0))
        p53 = rng.normal(size=length)
        p53[-3:] += effect
        features.append(
            pd.DataFrame({"recording": recording, "track_id": i, "frame": frames, "area": rng.normal(100, 5, length), FEATURES[1]: p53})
        )
    predictions = pd.DataFrame(
        predictions, columns=["trajectory", "recording", "treatment", "fold", "split", "condition", "n", "n_frames", "label", "logit"]
    )
    predictions["probability"] = predictions["probability_raw"] = 1 / (1 + np.exp(-predictions["logit"]))
    columns = ["trajectory", "recording", "lineage", "dose", "n_frames", "frame_interval_min"]
    return [pd.concat(attention), predictions, pd.DataFrame(trajectories, columns=columns), pd.concat(features, ignore_index=True)]


def analysis_of(inputs, settings):
    """The tables with the trajectories that the settings choose, which are taken out of them."""
    return Analysis(*inputs[:3], NAMES, settings.pop("splits"), settings.pop("treatment"))


def compare(inputs, **settings):
    settings = HIGH_FRAMES | {"min_frames": 20, "resamples": 2000} | settings
    return check_table(compare_features(analysis_of(inputs, settings), inputs[3], **settings), EFFECTS, "e")


def summarize(inputs, effects, **settings):
    how = {"bootstrap": 200, "null_model": "circular_shift", "null_draws": 500, "correction": "benjamini-hochberg"}
    settings = HIGH_FRAMES | how | settings
    return check_table(summarize_effects(effects, analysis_of(inputs, settings), inputs[3], **settings), EFFECT_SUMMARY, "s")


def of_course(table, course="kept"):
    return table[table["course"] == course].drop(columns="course").reset_index(drop=True)


def test_effects_of_one_trajectory_are_scipys():
    inputs = make_inputs()
    effects = compare(inputs)
    attention, _, _, features = inputs
    own = attention[attention["trajectory"] == "r1/1"]
    high = (own["weight"] >= np.percentile(own["weight"], 90)).to_numpy()
    values = features.loc[features["track_id"] == 1, "intensity_mean-p53"].to_numpy()
    row = of_course(effects).set_index(["trajectory", "feature"]).loc[("r1/1", "intensity_mean-p53")]
    assert (row["n_high"], row["n_low"]) == (3, 27)
    assert row["cliffs_delta"] == pytest.approx(2 * stats.mannwhitneyu(values[high], values[~high]).statistic / (3 * 27) - 1)
    exact = stats.permutation_test((values[high], values[~high]), lambda a, b, axis: a.mean(axis) - b.mean(axis), n_resamples=np.inf)
    assert row["p_value"] == pytest.approx(exact.pvalue, abs=5 * np.sqrt(2 * max(exact.pvalue, 1e-3) * 2 / 2000))
    assert row["outcome"] == "mitosis"
    assert len(effects) == 12 * 2 * 3


def test_only_correct_long_held_out_treated_trajectories_are_compared():
    inputs = make_inputs()
    predictions, trajectories = inputs[1], inputs[2]
    predictions.loc[predictions["trajectory"] == "r0/0", "logit"] = 2.0  # wrong
    predictions.loc[predictions["trajectory"] == "r1/1", "treatment"] = "none"
    predictions.loc[predictions["trajectory"] == "r2/2", "split"] = "train"
    trajectories.loc[trajectories["trajectory"] == "r0/3", "n_frames"] = 19
    trajectories.loc[trajectories["trajectory"] == "r1/4", "n_frames"] = 20
    left_out = {"r0/0", "r1/1", "r2/2", "r0/3"}
    assert set(compare(inputs)["trajectory"]) == set(trajectories["trajectory"]) - left_out


def test_frames_without_a_region_are_dropped_after_the_percentile():
    inputs = make_inputs()
    features = inputs[3]
    features.drop(features[(features["track_id"] == 1) & (features["frame"].isin([33, 34, 10]))].index, inplace=True)
    rows = compare(inputs).set_index(["trajectory", "feature"]).sort_index()
    for _, row in rows.loc[("r1/1", "area")].iterrows():
        assert (row["n_high"], row["n_low"]) == (1, 26)  # two of the three high frames are gone: not replaced by others
        assert np.isnan(row["p_value"])
        assert np.isnan(row["cliffs_delta"])


def test_a_trajectory_without_any_region_has_no_values():
    inputs = make_inputs()
    inputs[3] = inputs[3][inputs[3]["track_id"] != 1]
    rows = compare(inputs).set_index("trajectory").loc["r1/1"]
    assert (rows["n_high"] == 0).all()
    assert rows["cliffs_delta"].isna().all()
    summary = summarize(inputs, compare(inputs)).set_index(["outcome", "feature"]).sort_index()
    assert summary.loc[("mitosis", "area"), "n_trajectories"].tolist() == [5, 5, 5]


def test_missing_attention_is_an_error():
    inputs = make_inputs()
    inputs[0] = inputs[0][inputs[0]["trajectory"] != "r1/1"]
    with pytest.raises(InputError, match="trajectory r1/1 of fold 0 is missing"):
        compare(inputs)


def test_no_trajectory_gives_empty_tables():
    inputs = make_inputs()
    effects = compare(inputs, min_frames=100)
    assert effects.empty
    assert summarize(inputs, effects).empty


def test_the_steps_on_the_way_to_the_comparison_are_counted():
    inputs = make_inputs()
    inputs[1].loc[inputs[1]["trajectory"] == "r1/1", "logit"] = -2.0  # a mitosis called wrongly
    inputs[2].loc[inputs[2]["trajectory"].isin(["r0/3", "r2/2"]), "n_frames"] = 19
    inputs[3] = inputs[3][inputs[3]["track_id"] != 5]  # no cell found
    features = inputs[3]
    inputs[3] = features[(features["track_id"] != 7) | (features["frame"] == features["frame"].min())]  # found in one frame
    settings = dict(HIGH_FRAMES)
    steps = comparison_steps(analysis_of(inputs, settings), compare(inputs), 20)
    counts = check_table(steps, COMPARISON_STEPS, "c").pivot_table(index="step", columns="outcome", values="n")
    assert counts.loc[list(COMPARED_STEPS), "mitosis"].tolist() == [6, 5, 4, 3, 2]
    assert counts.loc[list(COMPARED_STEPS), "apoptosis"].tolist() == [6, 6, 5, 5, 5]
    assert steps.loc[steps["step"] == "long enough", "limit"].tolist() == [20, 20]
    none = comparison_steps(analysis_of(inputs, dict(HIGH_FRAMES)), compare(inputs, min_frames=100), 100)
    assert none.loc[none["step"] == "long enough", "n"].tolist() == [0, 0]


def test_a_trajectory_without_occlusion_cannot_be_weighed_by_it():
    inputs = make_inputs()
    inputs[0] = inputs[0].assign(occlusion=np.where(inputs[0]["trajectory"] == "r1/1", np.nan, 0.5))
    inputs[2] = inputs[2].assign(label=inputs[1]["label"].to_numpy())
    analysis = analysis_of(inputs, dict(HIGH_FRAMES)).weighed_by("occlusion")
    settings = {"min_frames": 20, "high_percentile": 90, "resamples": 20, "seed": 1}
    with pytest.raises(InputError, match=r"statistics.min_frames is 20, but trajectory r1/1 has 30 frames.*attention.occlusion_window"):
        compare_features(analysis, inputs[3], **settings)


def test_p_values_do_not_depend_on_the_other_trajectories():
    inputs = make_inputs()
    few = [inputs[0], inputs[1][inputs[1]["trajectory"] == "r1/1"], inputs[2], inputs[3]]
    everything = of_course(compare(inputs))
    pd.testing.assert_frame_equal(everything[everything["trajectory"] == "r1/1"].reset_index(drop=True), of_course(compare(few)))


def test_summary_sees_the_planted_effect_and_no_other():
    inputs = make_inputs(n=40)
    effects = compare(inputs)
    both = summarize(inputs, effects)
    summary = of_course(both).set_index(["outcome", "feature"])
    planted = summary.loc[("mitosis", "intensity_mean-p53")]
    own = effects.set_index(["outcome", "feature", "course"]).sort_index().loc[("mitosis", "intensity_mean-p53", "kept"), "cliffs_delta"]
    assert planted["median_delta"] == pytest.approx(np.median(own))
    assert planted["band"] == "large"
    assert planted["p_value"] == pytest.approx(2 / 501)
    assert planted["ci_low"] > 0.3
    others = summary.drop(("mitosis", "intensity_mean-p53"))
    assert (others["q_value"] > 0.05).all()
    assert planted["q_value"] == pytest.approx(min(1, 4 * planted["p_value"]))
    assert summary["n_trajectories"].tolist() == [20] * 4
    removed = of_course(both, "removed").set_index(["outcome", "feature"])  # p53 rises in both outcomes alike
    assert abs(removed.loc[("mitosis", "intensity_mean-p53"), "median_delta"]) < 0.3
    assert (removed["q_value"] > 0.05).all()
    assert removed["n_trajectories"].tolist() == [20] * 4


def test_an_effect_of_one_outcome_stays_without_the_course():
    inputs = make_inputs(n=40, effect=0.0)
    features = inputs[3]
    features.loc[(features["track_id"] % 2 == 1) & (features["frame"] >= 32), "area"] += 20  # mitosis, its last three frames
    features["area"] += 3 * features["frame"]  # drift of all cells
    summary = summarize(inputs, compare(inputs))
    kept, removed = (of_course(summary, course).set_index(["outcome", "feature"]) for course in ("kept", "removed"))
    assert removed.loc[("mitosis", "area"), "median_delta"] > 0.8
    assert removed.loc[("mitosis", "area"), "ci_low"] > 0
    assert removed.loc[("mitosis", "area"), "q_value"] < 0.05
    assert kept.loc[("mitosis", "area"), "median_delta"] == pytest.approx(1.0)
    assert (removed.drop(("mitosis", "area"))["median_delta"].abs() < 0.4).all()


def test_each_course_is_summarised_and_corrected_by_itself():
    inputs = make_inputs(n=24)
    effects = compare(inputs)
    both = summarize(inputs, effects)
    assert both["course"].tolist() == ["kept"] * 4 + ["removed"] * 4 + ["own"] * 4
    for course in ("kept", "removed", "own"):
        alone = summarize(inputs, effects[effects["course"] == course])
        pd.testing.assert_frame_equal(of_course(both, course), of_course(alone, course))
        assert of_course(both, course)["q_value"].to_numpy() == pytest.approx(benjamini_hochberg(of_course(both, course)["p_value"]))


def p53_deltas(inputs):
    rows = of_course(compare(inputs), "removed")
    return rows[rows["feature"] == "intensity_mean-p53"].set_index("trajectory")["cliffs_delta"]


def changed(inputs, tracks):
    """The inputs with other values of p53 in ``tracks``; each differs from the others."""
    features = inputs[3].copy()
    for track in tracks:
        rows = features["track_id"] == track
        features.loc[rows, "intensity_mean-p53"] = 50 * np.random.default_rng(track).normal(size=rows.sum())
    return [*inputs[:3], features]


def test_the_course_is_that_of_other_recordings():
    inputs = make_inputs()
    before = p53_deltas(inputs)
    after = p53_deltas(changed(inputs, [3, 6, 9]))  # all of recording r0 but r0/0
    assert before.notna().all()
    assert after["r0/0"] == before["r0/0"]
    assert (after.drop(["r0/0", "r0/3", "r0/6", "r0/9"]) != before.drop(["r0/0", "r0/3", "r0/6", "r0/9"])).mean() > 0.5


def test_the_course_is_that_of_other_lineages_of_one_recording():
    inputs = make_inputs()
    inputs[0]["recording"] = inputs[1]["recording"] = inputs[2]["recording"] = inputs[3]["recording"] = "r"
    for table in inputs[:3]:
        table["trajectory"] = "r/" + table["trajectory"].str.split("/").str[1]
    inputs[2]["lineage"] = [f"r/{i // 2}" for i in range(12)]
    before, after = p53_deltas(inputs), p53_deltas(changed(inputs, [1]))
    assert before.notna().all()
    assert after["r/0"] == before["r/0"]  # r/0 and r/1 are of one lineage
    assert (after.drop(["r/0", "r/1"]) != before.drop(["r/0", "r/1"])).mean() > 0.5


@pytest.mark.parametrize(("column", "value", "counts"), [("logit", 2.0, True), ("split", "train", False), ("treatment", "none", False)])
def test_the_course_is_that_of_the_same_splits_and_treatment_right_or_wrong(column, value, counts):
    inputs = make_inputs()
    inputs[1].loc[inputs[1]["trajectory"] == "r1/4", column] = value  # of apoptosis
    inputs[2].loc[inputs[2]["trajectory"] == "r2/2", "n_frames"] = 10  # too short to be compared
    before, after = p53_deltas(inputs), p53_deltas(changed(inputs, [4]))
    assert "r1/4" not in before
    assert "r2/2" not in before
    assert (after != before).any() == counts
    assert (p53_deltas(changed(inputs, [2])) != before).any()


def test_the_residual_is_compared_by_hand():
    inputs = make_inputs(n=16)
    attention, features = inputs[0], inputs[3]
    p53 = features.pivot_table(index="track_id", columns="frame", values="intensity_mean-p53").to_numpy()
    other = np.arange(16) % 3 != 1  # r1/1 is compared; all trajectories are equally long, so the course is a plain mean
    course = (p53[other & (np.arange(16) % 2 == 0)].mean(axis=0) + p53[other & (np.arange(16) % 2 == 1)].mean(axis=0)) / 2
    own = attention[attention["trajectory"] == "r1/1"]["weight"].to_numpy()
    high = own >= np.percentile(own, 90)
    assert p53_deltas(inputs)["r1/1"] == pytest.approx(cliffs_delta((p53[1] - course)[high], (p53[1] - course)[~high]))


def test_without_other_cells_the_course_cannot_be_removed():
    inputs = make_inputs(n=4)
    effects = compare(inputs)
    assert of_course(effects)["cliffs_delta"].notna().all()
    assert of_course(effects, "removed")[["cliffs_delta", "p_value"]].isna().all(axis=None)
    summary = of_course(summarize(inputs, effects), "removed")
    assert (summary["n_trajectories"] == 0).all()
    assert summary[["median_delta", "ci_low", "p_value", "q_value"]].isna().all(axis=None)
    inputs[3] = inputs[3][:0]
    assert compare(inputs)["cliffs_delta"].isna().all()


def test_the_papers_way_has_no_p_value_and_resamples_trajectories():
    inputs = make_inputs(n=40)
    effects = compare(inputs)
    summary = summarize(inputs, effects, null_model="exchangeable", correction="none")
    assert summary[["p_value", "q_value"]].isna().all().all()
    pd.testing.assert_frame_equal(
        summary,
        check_table(summarize_deltas(effects.assign(unit=effects["trajectory"]), NAMES, bootstrap=200, seed=42), EFFECT_SUMMARY, "s"),
    )
    by_recording = summarize(inputs, effects, correction="none")
    assert by_recording["q_value"].isna().all()
    assert by_recording["p_value"].notna().all()
    assert not np.allclose(by_recording["ci_low"], summary["ci_low"])


def test_what_all_cells_of_an_outcome_do_is_no_effect_relative_to_their_own_course():
    inputs = make_inputs(n=40, effect=0.0)
    features = inputs[3]
    features.loc[(features["track_id"] % 2 == 1) & (features["frame"] >= 32), "area"] += 20  # mitosis, its last three frames
    summary = summarize(inputs, compare(inputs))
    removed, own = (of_course(summary, course).set_index(["outcome", "feature"]) for course in ("removed", "own"))
    assert removed.loc[("mitosis", "area"), "median_delta"] > 0.8
    assert abs(own.loc[("mitosis", "area"), "median_delta"]) < 0.4
    assert own.loc[("mitosis", "area"), "q_value"] > 0.05


def test_the_summary_has_the_null_by_block_the_papers_test_and_the_other_sign():
    inputs = make_inputs(n=40)
    effects = compare(inputs)
    planted = of_course(summarize(inputs, effects)).set_index(["outcome", "feature"]).loc[("mitosis", "intensity_mean-p53")]
    own = effects[(effects["outcome"] == "mitosis") & (effects["feature"] == "intensity_mean-p53") & (effects["course"] == "kept")]
    assert planted["p_block"] < 0.05
    assert planted["opposite_share"] == (own["cliffs_delta"] < 0).mean()
    assert planted["paper_share"] == (own["p_value"] < 0.05).mean()
    assert planted["n_units"] == 3
    assert planted["block_frames"] >= 2


@pytest.mark.parametrize(("kept", "reason"), [(["r0", "r1"], "2 recordings"), (["r0"], "1 recording")])
def test_fewer_than_three_recordings_give_no_interval_the_reason_and_no_finding(kept, reason):
    inputs = make_inputs(n=36, effect=9.0)
    inputs[1] = inputs[1][inputs[1]["recording"].isin(kept)]
    whole = summarize(inputs, compare(inputs))
    summary = of_course(whole)
    assert summary[["ci_low", "ci_high"]].isna().all(axis=None)
    assert set(summary["reason"]) == {f"{reason}, at least 3 are needed"}
    assert summary["p_value"].notna().all()
    said = describe_features(pd.DataFrame(columns=list(CONTRASTS.columns)), whole, NAMES, "attention").set_index("feature")["sentence"]
    assert f"high attention before mitosis: as measured, no interval ({reason}, at least 3 are needed)" in said["intensity_mean-p53"]
    assert "than the others" not in " ".join(said)


def test_unknown_null_model():
    inputs = make_inputs(n=4)
    with pytest.raises(InputError, match=r"statistics\.null_model is 'block'"):
        summarize(inputs, compare(inputs), null_model="block")


def test_features_are_the_numeric_columns():
    features = make_inputs(n=2)[3].assign(note="x")
    assert feature_names(features) == FEATURES
