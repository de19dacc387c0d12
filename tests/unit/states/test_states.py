"""States, transitions and fates on small chains with known answers; what is a Markov chain and what has a memory."""

import numpy as np
import pandas as pd
import pytest
from toy_states import CHAIN, simulated

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.states.chain import findings, tabulate_states, verdict_in_words
from cellfate.states.clusters import assign_states, chosen_features, describe, fit_states
from cellfate.states.counting import count_group, count_groups, recording_groups, track_course
from cellfate.states.tables import CHAIN_TABLES, STATE_CHECKS, STATE_PROFILES, STATES
from cellfate.statistics.chains.checks import FAILS, HOLDS, NOT_JUDGED

FATES = {"negative": "death", "positive": "division"}
NAMES = list(FATES.values())


# ---- states ----


def test_states_rise_with_the_first_feature_whatever_the_seed():
    rng = np.random.default_rng(0)
    clumps = np.array([[30.0, 0.1], [10.0, 0.9], [20.0, 0.5]])
    values = clumps.repeat(50, axis=0) + rng.normal(0, [0.3, 0.01], (150, 2))
    for seed in (0, 1):
        model = fit_states(values, ["area", "eccentricity"], 3, seed=seed)
        assert model.assign(clumps).tolist() == [2, 0, 1]
        assert model.assign(clumps + np.array([3, 0.05])).tolist() == [2, 0, 1], "frames that the fit has not seen have the nearest state"
    assert (model.centres[:, 0] * model.sd[0] + model.mean[0]).round().tolist() == [10, 20, 30]


def test_states_need_features_that_vary_and_frames_that_differ():
    with pytest.raises(InputError, match=r"states\.features: solidity is the same in all training frames \(1\)"):
        fit_states(np.column_stack([np.arange(9), np.ones(9)]), ["area", "solidity"], 2, seed=0)
    with pytest.raises(InputError, match=r"states\.n_states is 3, but the training recordings have 2 different frames"):
        fit_states(np.array([[1.0], [2.0], [2.0]]), ["area"], 3, seed=0)


def test_features_are_chosen_by_name_and_intensities_of_every_channel():
    columns = ["recording", "track_id", "frame", "area", "intensity_mean-red", "intensity_mean-p53"]
    assert chosen_features(["intensity_mean", "area", "intensity_mean-red"], columns) == [
        "intensity_mean-red",
        "intensity_mean-p53",
        "area",
    ]
    with pytest.raises(InputError, match=r"states\.features names 'aera'; measured are area, intensity_mean-red, .*intensity_mean$"):
        chosen_features(["aera"], columns)
    with pytest.raises(InputError, match="'intensity_mean'"):
        chosen_features(["intensity_mean"], columns[:4])


def test_a_state_is_described_by_its_two_most_telling_features():
    names = ["area", "intensity_mean-cell_cycle", "solidity"]
    assert describe(np.array([0.6, -1.5, 0.7]), names) == "low cell cycle, high solidity"
    assert describe(np.array([0.1, 0.2, 0.3]), names) == "average"


def tracks(n_recordings=2, n_tracks=3, n_frames=8):
    """Features, trajectories and split: area jumps from 10 to 20 at frame 4; track 0 dies at frame 6, 1 divides at 8, 2 is censored."""
    rows, cells = [], []
    for recording in (f"r{i}" for i in range(n_recordings)):
        for track in range(n_tracks):
            outcome, event = (("death", 6), ("division", 8), ("censored", None))[track % 3]
            last = n_frames - 1
            cells.append((f"{recording}/{track}", recording, track, f"{recording}/{track}", outcome, 0, last, event))
            rows += [(recording, track, frame, 10.0 + 10 * (frame >= 4) + 0.01 * frame, 0.5) for frame in range(n_frames)]
    names = ["trajectory", "recording", "track_id", "lineage", "outcome", "first_frame", "last_frame", "event_frame"]
    trajectories = pd.DataFrame(cells, columns=names).astype({"event_frame": "Int64"})
    split = pd.DataFrame({"trajectory": trajectories["trajectory"], "fold": 0, "split": "test"})
    split.loc[trajectories["recording"] == "r0", "split"] = "train"
    return pd.DataFrame(rows, columns=["recording", "track_id", "frame", "area", "solidity"]), trajectories, split


def test_states_are_learned_in_training_recordings_and_given_to_all_frames_before_the_event():
    features, trajectories, split = tracks()
    features.loc[features["recording"] == "r1", "area"] += 3
    features.loc[0, "area"] = np.nan
    states, profiles = assign_states(features, trajectories, split, ["area"], 2, seed=42)
    check_table(states, STATES, "test")
    check_table(profiles, STATE_PROFILES, "test")
    assert len(states) == 2 * (6 + 8 + 8) - 1, "none from the event on, none for a frame without a value"
    assert (states["state"] == 1 + (states["frame"] >= 4)).all()
    trained = features[(features["recording"] == "r0") & ~((features["track_id"] == 0) & (features["frame"] >= 6))]["area"].dropna()
    low = trained[trained < 15]
    assert profiles["mean"].tolist() == pytest.approx([low.mean(), trained[trained > 15].mean()]), "r1 has no part in it"
    assert profiles["mean_sd"][0] == pytest.approx((low.mean() - trained.mean()) / trained.std(ddof=0))
    assert profiles["description"].tolist() == ["low area", "high area"]
    with pytest.raises(InputError, match="no frame of a training trajectory"):
        assign_states(features, trajectories, split.assign(split="test"), ["area"], 2, seed=42)


# ---- groups ----


def sheet(**columns):
    table = {"recording": ["r0", "r1"], "treatment": ["none", "drug"], "dose": [None, "high"]}
    table |= {"treatment_start_h": [None, 1.25], "frame_interval_min": [30.0, 30.0]}
    return pd.DataFrame(table | columns)


def test_a_drug_with_a_time_gives_the_frames_before_and_after():
    groups = recording_groups(sheet(), "treatment", {"r0": 7, "r1": 7})
    assert groups.to_numpy().tolist() == [["r0", "untreated", 0, 8], ["r1", "drug, before", 0, 3], ["r1", "drug, after", 3, 8]]


def test_without_a_time_recordings_are_grouped_by_the_named_column():
    groups = recording_groups(sheet(treatment_start_h=None, dose=["low", "high"]), "dose", {"r0": 7, "r1": 7})
    assert groups["group"].tolist() == ["low", "high"]
    with pytest.raises(InputError, match=r"line 2: dose is empty, states\.group_by needs it"):
        recording_groups(sheet(), "dose", {})


# ---- counting ----


def test_a_fate_absorbs_from_its_event_on():
    course = track_course(np.array([1, 2, 3]), np.array([0, 1, 1]), 4, 3, 6)
    assert course.tolist() == [-1, 0, 1, 1, 3, 3, 3]
    counted = count_group([course], ["r0"], "all", 2, NAMES, [1, 3])
    assert counted.names() == ["1", "2", "division"], "no cell died"
    assert counted.counts[1][0].tolist() == [[0, 1, 0], [0, 1, 1], [0, 0, 0]]
    assert counted.counts[3][0].tolist() == [[0, 0, 1], [0, 0, 2], [0, 0, 0]]
    assert (counted.n_cells, counted.absorbed) == (1, {"division": 1})


def test_a_gap_and_the_end_of_a_censored_track_give_no_transition():
    course = track_course(np.array([0, 1, 3]), np.array([0, 0, 1]), None, None, 9)
    assert count_group([course], ["r0"], "all", 2, NAMES, [1]).counts[1][0].tolist() == [[1, 0], [0, 0]]
    assert count_group([course], ["r0"], "all", 2, NAMES, [2]).counts[2][0].tolist() == [[0, 1], [0, 0]]
    assert count_group([course[3:]], ["r0"], "all", 2, NAMES, [1]) is None


def test_groups_count_only_within_themselves_and_censored_cells_never_absorb():
    features, trajectories, split = tracks()
    states, _ = assign_states(features, trajectories, split, ["area"], 2, seed=42)
    groups = count_groups(states, trajectories, sheet(), FATES, 2, [1], group_by="treatment")
    named = {counted.group: counted for counted in groups}
    assert list(named) == ["untreated", "drug, before", "drug, after"]
    # r0: 3 cells of which one dies at 6 and one divides at 8 = the frame after the recording's last
    assert named["untreated"].counts[1][0].tolist() == [[9, 3, 0, 0], [0, 7, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert named["untreated"].absorbed == {"death": 1, "division": 1}
    assert named["drug, before"].names() == ["1", "2"], "nothing absorbs before the drug"
    assert named["drug, before"].counts[1][0].tolist() == [[6, 0], [0, 0]]
    assert named["drug, after"].counts[1][0].sum() == 3 + 7 + 2, "the step from frame 2 to 3 crosses the drug"
    with pytest.raises(
        InputError, match=r"no cell is seen to reach gone or back, so nothing absorbs; outcomes .*: death 2, division 2, censored 2"
    ):
        count_groups(states, trajectories, sheet(), {"negative": "gone", "positive": "back"}, 2, [1], group_by="treatment")


# ---- what follows from the counts ----


def tabulated(courses, units, fates=NAMES, lag=1, steps=(2, 4), **settings):
    counted = count_group(list(courses), units, "all", 2, fates, [lag * k for k in (1, *steps)])
    tables = tabulate_states([counted], lag, steps, **({"smoothing": 0.1, "bootstrap": 100, "seed": 42} | settings))
    return counted, {name: check_table(table, CHAIN_TABLES[name], "test") for name, table in tables.items()}


def test_a_simulated_chain_is_found_again_and_passes_chapman_kolmogorov():
    rng = np.random.default_rng(1)
    counted, tables = tabulated(simulated(CHAIN, 600, 30, rng), [f"r{i % 12}" for i in range(600)])
    P = tables["state_transitions"].pivot(index="source", columns="target", values="probability")[["1", "2", *NAMES]]
    assert P.to_numpy() == pytest.approx(CHAIN[:2], abs=0.02)
    B = tables["state_absorption"].pivot(index="source", columns="fate", values="probability")[NAMES].to_numpy()
    # B = (I - Q)^-1 R by hand: determinant 0.15 * 0.25 - 0.1 * 0.2 = 0.0175
    assert np.array(
        [[0.25 * 0.04 + 0.1 * 0.01, 0.25 * 0.01 + 0.1 * 0.04], [0.2 * 0.04 + 0.15 * 0.01, 0.2 * 0.01 + 0.15 * 0.04]]
    ) / 0.0175 == (pytest.approx(B, abs=0.06))
    for name, value in (("state_transitions", "probability"), ("state_absorption", "probability"), ("state_entropy", "entropy")):
        assert (tables[name]["ci_low"] <= tables[name][value]).all()
        assert (tables[name][value] <= tables[name]["ci_high"]).all()
    H = tables["state_entropy"].set_index("source")
    assert H["entropy"]["1"] == pytest.approx(-(CHAIN[0] * np.log(CHAIN[0])).sum(), abs=0.05)
    assert min(H["entropy"][["1", "2"]]) < H["entropy"]["all"] < max(H["entropy"][["1", "2"]])
    assert H["n_transitions"]["all"] == tables["state_transitions"]["count"].sum()
    assert set(tables["state_checks"]["verdict"]) == {HOLDS}
    assert "Chapman-Kolmogorov holds" in findings([counted], tables["state_checks"])


def test_cells_with_a_memory_fail_chapman_kolmogorov_and_the_words_say_so():
    """Half of the cells rarely change, half often do: each is a Markov chain, the mixture is none."""
    rng = np.random.default_rng(2)
    slow, fast = (np.array([[1 - p, p], [p, 1 - p]]) for p in (0.02, 0.4))
    courses = np.concatenate([simulated(slow, 60, 40, rng), simulated(fast, 60, 40, rng)])
    counted, tables = tabulated(courses, [f"r{i % 10}" for i in range(120)], fates=[])
    checks = tables["state_checks"]
    assert set(checks["verdict"]) == {FAILS}
    assert (checks["misplaced"] > 2 * checks["sampling_95"]).all()
    assert checks["p_value"].tolist() == pytest.approx([1 / 101] * 2)
    entries = tables["state_check_entries"].query("source == target")
    assert (entries["counted"] > entries["predicted"]).all(), "cells stay longer than the power of P says"
    assert entries["ci_high"].max() < 0
    assert "Chapman-Kolmogorov FAILS: P^" in verdict_in_words(checks, "all")
    assert tables["state_absorption"].empty
    assert "none to a fate" in findings([counted], checks)


def test_absorption_by_hand_without_smoothing_to_speak_of():
    """From state 1 half of the cells die and half reach state 2, whence all divide."""
    courses = [np.array([0, 2, 2]), np.array([0, 1, 3])]
    _, tables = tabulated(courses, ["r0", "r1"], steps=(2,), smoothing=1e-9)
    B = tables["state_absorption"].set_index(["source", "fate"])["probability"]
    assert B.to_dict() == pytest.approx({("1", "death"): 0.5, ("1", "division"): 0.5, ("2", "death"): 0, ("2", "division"): 1}, abs=1e-6)
    H = tables["state_entropy"].set_index("source")["entropy"]
    assert H.to_dict() == pytest.approx({"1": np.log(2), "2": 0, "all": 2 / 3 * np.log(2)}, abs=1e-6)


def test_one_recording_has_no_intervals_and_no_verdict():
    _, tables = tabulated(simulated(CHAIN, 50, 20, np.random.default_rng(3)), ["r0"] * 50)
    assert tables["state_transitions"]["ci_low"].isna().all()
    assert set(tables["state_checks"]["verdict"]) == {NOT_JUDGED}
    assert "not judged" in verdict_in_words(tables["state_checks"], "all")


def test_two_recordings_have_intervals_but_no_verdict():
    _, tables = tabulated(simulated(CHAIN, 50, 20, np.random.default_rng(3)), ["r0", "r1"] * 25)
    assert tables["state_transitions"]["ci_low"].notna().all()
    assert set(tables["state_checks"]["verdict"]) == {NOT_JUDGED}


def test_a_state_that_a_group_never_leaves_has_null_values():
    _, tables = tabulated([np.array([0, 0, 0, 2]), np.array([0, 0, 2, 2])], ["r0", "r1"], steps=(2, 30))
    rows = tables["state_transitions"].set_index("source")["probability"]
    assert rows["2"].isna().all()
    assert rows["1"].notna().all()
    assert np.isnan(tables["state_entropy"].set_index("source")["entropy"]["2"])
    assert tables["state_absorption"].set_index("source")["probability"].isna().to_dict() == {"1": False, "2": True}
    assert tables["state_checks"]["steps"].tolist() == [2], "nothing is counted over 30 frames"
    assert set(tables["state_check_entries"]["source"]) == {"1"}
    assert list(tables["state_checks"].columns) == list(STATE_CHECKS.columns)
