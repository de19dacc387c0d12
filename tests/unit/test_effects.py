import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cellfate.attention import attention_rows
from cellfate.effects import (
    compare_features,
    feature_names,
    read_published_effects,
    summarize_deltas,
    summarize_effects,
    summarize_published_effects,
)
from cellfate.errors import InputError
from cellfate.tables import check_table

NAMES = {"negative": "apoptosis", "positive": "mitosis"}
FEATURES = ["area", "intensity_mean-p53"]


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
    predictions["probability"] = predictions["probability_calibrated"] = 1 / (1 + np.exp(-predictions["logit"]))
    columns = ["trajectory", "recording", "lineage", "dose", "n_frames", "frame_interval_min"]
    return [pd.concat(attention), predictions, pd.DataFrame(trajectories, columns=columns), pd.concat(features, ignore_index=True)]


def compare(inputs, **settings):
    settings = {"treatment": "cisplatin", "min_frames": 20, "resamples": 2000} | settings
    return check_table(compare_features(*inputs, NAMES, **settings), "effects", "e")


def summarize(inputs, effects, **settings):
    attention, _, trajectories, features = inputs
    settings = {"bootstrap": 200, "null_draws": 500} | settings
    return check_table(summarize_effects(effects, attention, features, trajectories, NAMES, **settings), "effect_summary", "s")


def test_effects_of_one_trajectory_are_scipys():
    inputs = make_inputs()
    effects = compare(inputs)
    attention, _, _, features = inputs
    own = attention[attention["trajectory"] == "r1/1"]
    high = (own["weight"] >= np.percentile(own["weight"], 90)).to_numpy()
    values = features.loc[features["track_id"] == 1, "intensity_mean-p53"].to_numpy()
    row = effects[(effects["trajectory"] == "r1/1") & (effects["feature"] == "intensity_mean-p53")].iloc[0]
    assert (row["n_high"], row["n_low"]) == (3, 27)
    assert row["cliffs_delta"] == pytest.approx(2 * stats.mannwhitneyu(values[high], values[~high]).statistic / (3 * 27) - 1)
    exact = stats.permutation_test((values[high], values[~high]), lambda a, b, axis: a.mean(axis) - b.mean(axis), n_resamples=np.inf)
    assert row["p_value"] == pytest.approx(exact.pvalue, abs=5 * np.sqrt(2 * max(exact.pvalue, 1e-3) * 2 / 2000))
    assert row["outcome"] == "mitosis"
    assert len(effects) == 12 * 2


def test_only_correct_long_held_out_treated_trajectories_are_compared():
    inputs = make_inputs()
    predictions, trajectories = inputs[1], inputs[2]
    predictions.loc[predictions["trajectory"] == "r0/0", "probability"] = 0.9  # wrong
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
    rows = compare(inputs).set_index("trajectory")
    row = rows[rows["feature"] == "area"].loc["r1/1"]
    assert (row["n_high"], row["n_low"]) == (1, 26)  # two of the three high frames are gone: not replaced by others
    assert np.isnan(row["p_value"])
    assert np.isnan(row["cliffs_delta"])


def test_a_trajectory_without_any_region_has_no_values():
    inputs = make_inputs()
    inputs[3] = inputs[3][inputs[3]["track_id"] != 1]
    rows = compare(inputs).set_index("trajectory").loc["r1/1"]
    assert (rows["n_high"] == 0).all()
    assert rows["cliffs_delta"].isna().all()
    summary = summarize(inputs, compare(inputs)).set_index(["outcome", "feature"])
    assert summary.loc[("mitosis", "area"), "n_trajectories"] == 5


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


def test_p_values_do_not_depend_on_the_other_trajectories():
    inputs = make_inputs()
    few = [inputs[0], inputs[1][inputs[1]["trajectory"] == "r1/1"], inputs[2], inputs[3]]
    everything = compare(inputs)
    pd.testing.assert_frame_equal(everything[everything["trajectory"] == "r1/1"].reset_index(drop=True), compare(few))


def test_summary_sees_the_planted_effect_and_no_other():
    inputs = make_inputs(n=40)
    effects = compare(inputs)
    summary = summarize(inputs, effects).set_index(["outcome", "feature"])
    planted = summary.loc[("mitosis", "intensity_mean-p53")]
    own = effects[(effects["outcome"] == "mitosis") & (effects["feature"] == "intensity_mean-p53")]["cliffs_delta"]
    assert planted["median_delta"] == pytest.approx(np.median(own))
    assert planted["band"] == "large"
    assert planted["p_value"] == pytest.approx(2 / 501)
    assert planted["ci_low"] > 0.3
    others = summary.drop(("mitosis", "intensity_mean-p53"))
    assert (others["q_value"] > 0.05).all()
    assert planted["q_value"] == pytest.approx(min(1, 4 * planted["p_value"]))
    assert summary["n_trajectories"].tolist() == [20] * 4


def test_the_papers_way_has_no_p_value_and_resamples_trajectories():
    inputs = make_inputs(n=40)
    effects = compare(inputs)
    summary = summarize(inputs, effects, null_model="exchangeable", correction="none")
    assert summary[["p_value", "q_value"]].isna().all().all()
    pd.testing.assert_frame_equal(
        summary, check_table(summarize_deltas(effects.assign(unit=effects["trajectory"]), NAMES, 200), "effect_summary", "s")
    )
    by_recording = summarize(inputs, effects, correction="none")
    assert by_recording["q_value"].isna().all()
    assert by_recording["p_value"].notna().all()
    assert not np.allclose(by_recording["ci_low"], summary["ci_low"])


def test_unknown_null_model():
    inputs = make_inputs(n=4)
    with pytest.raises(InputError, match=r"statistics\.null_model is 'block'"):
        summarize(inputs, compare(inputs), null_model="block")


def test_features_are_the_numeric_columns():
    features = make_inputs(n=2)[3].assign(note="x")
    assert feature_names(features) == FEATURES


def test_published_files(tmp_path):
    rows = "Dosage;p-value;Cliff's Delta;Cohen's D\nLow;0.1;0.5;1\nHigh;0.2;0.7;1\nControl;0.2;-1;1\nUnknown;0.2;-1;1\n"
    for name in ("mitosis_p53", "mitosis_area"):
        (tmp_path / f"{name}.csv").write_text(rows)
    effects = read_published_effects(tmp_path)
    assert effects["cliffs_delta"].tolist() == [0.5, 0.7, 0.5, 0.7]
    assert set(effects["feature"]) == {"intensity_mean-p53", "area"}
    assert len(read_published_effects(tmp_path, doses=["Control"])) == 2
    (tmp_path / "mitosis_area.csv").write_text("Dosage;p-value\n")
    with pytest.raises(InputError, match=r"mitosis_area.csv: column Cliff's Delta is missing"):
        read_published_effects(tmp_path)
    with pytest.raises(InputError, match="no files"):
        read_published_effects(tmp_path / "nothing")


@pytest.mark.reference
def test_published_effect_sizes_give_the_published_medians(shared_folder):
    summary = summarize_published_effects(shared_folder / "reference" / "effect_sizes", NAMES)
    summary = check_table(summary, "effect_summary", "s").set_index(["outcome", "feature"])
    published = {
        ("mitosis", "intensity_mean-p53"): 0.824,
        ("mitosis", "area"): 0.404,
        ("mitosis", "eccentricity"): -0.396,
        ("apoptosis", "intensity_mean-p53"): 0.549,
        ("apoptosis", "area"): 0.221,
        ("apoptosis", "eccentricity"): 0.062,
    }
    for key, median in published.items():
        row = summary.loc[key]
        assert row["median_delta"] == pytest.approx(median, abs=5e-4)
        assert row["ci_low"] < row["median_delta"] < row["ci_high"]
        assert row["ci_high"] - row["ci_low"] < 0.1
