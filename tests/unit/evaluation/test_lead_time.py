"""Landmarks, early calls and known-from: who is at risk, what is weighted, and what the answers are where they are known."""

import re

import numpy as np
import pandas as pd
import pytest

from cellfate.base.tables import check_table
from cellfate.evaluation.scoring import Units
from cellfate.evaluation.time.before import Cohort, cohort_of, tabulate_before
from cellfate.evaluation.time.clocks import DRUG, RECORDING, TRACK, Clocks, censoring_survival, landmark_hours, landmarks
from cellfate.evaluation.time.earliness import ERROR_WEIGHT, choose_trigger, decide, measures, sure_of, tabulate_earliness
from cellfate.evaluation.time.ends import hours_left
from cellfate.evaluation.time.known import known_frames, known_line, tabulate_known
from cellfate.evaluation.time.landmarks import LARGEST_WEIGHT, landmarks_of_folds, tabulate_landmarks
from cellfate.evaluation.time.tables import BEFORE_END, EARLINESS, KNOWN_FROM, LANDMARKS
from cellfate.statistics.reliability import reliability, weighted_ece
from cellfate.statistics.scores import balanced_accuracy

OUTCOMES = {"negative": "apoptosis", "positive": "mitosis"}
UNITS = Units.of(OUTCOMES, "recording")


def data(recordings=12, cells=20, seed=0, lost=0.4, known_from=10, last=40):
    """Tracks that begin at frame 0; a cell's outcome is in its logit in its last ``known_from`` frames. ``lost``: share censored."""
    rng = np.random.default_rng(seed)
    rows = []
    for r in range(recordings):
        for c in range(cells):
            length, label = int(rng.integers(15, last)), int(rng.integers(2))
            seen = int(rng.integers(10, length + 1)) if rng.random() < lost else length
            rows.append((f"r{r:02}/{c}", f"r{r:02}", label if seen == length else None, length, seen))
    table = pd.DataFrame(rows, columns=["trajectory", "recording", "label", "length", "n_frames"])
    table["label"] = table["label"].astype("Int64")
    fixed = {"group": None, "treatment": "none", "lineage": table["trajectory"], "frame_interval_min": 30.0, "first_frame": 0}
    table = table.assign(**fixed, last_frame=table["n_frames"] - 1, usable=table["label"].notna())
    part = np.where(table["recording"].str[1:].astype(int) % 3 == 0, "test", "train")
    part = np.where(table["recording"].str[1:].astype(int) % 3 == 1, "validation", part)
    split = pd.DataFrame({"trajectory": table["trajectory"], "fold": 0, "split": np.where(table["usable"], part, "unlabelled")})
    found = []
    for row in table[table["usable"]].itertuples():
        for n in range(5, row.n_frames + 1):
            knows = n > row.n_frames - known_from
            logit = (3.0 if row.label else -3.0) * knows + rng.normal(0, 1)
            found.append((row.trajectory, n, n - 1, logit, int(row.label)))
    prefixes = pd.DataFrame(found, columns=["trajectory", "n_frames", "frame", "logit", "label"])
    prefixes = prefixes.merge(split, on="trajectory").merge(table[["trajectory", "recording"]], on="trajectory")
    prefixes["probability"] = 1 / (1 + np.exp(-prefixes["logit"]))
    return table, split, prefixes[prefixes["split"] != "train"]


def baselines_of(prefixes, table):
    rows = prefixes[prefixes["split"] == "test"]
    n = rows["trajectory"].map(table.set_index("trajectory")["n_frames"]) - rows["n_frames"]
    return rows[["trajectory", "fold"]].assign(method="rings_any_frame", n=n, probability=0.5 + 0.1 * (rows["label"] * 2 - 1))


def left_of(prefixes, table):
    return hours_left(prefixes, table.set_index("trajectory")["frame_interval_min"])


# ---- clocks ----


def test_a_track_is_at_risk_from_its_first_to_its_last_frame_and_no_longer():
    table = data(recordings=1, cells=4)[0]
    table.loc[0, ["first_frame", "last_frame", "n_frames"]] = [4, 18, 15]
    found = landmarks(table, Clocks.of(table, {}))
    own = found[(found["trajectory"] == table["trajectory"][0]) & (found["clock"] == RECORDING)]
    assert own["at_frame"].between(4, 18).all()
    from_start = found[(found["trajectory"] == table["trajectory"][0]) & (found["clock"] == TRACK)]
    assert from_start["at_frame"].min() == 4
    assert (from_start["hours"] == (from_start["at_frame"] - 4) / 2).all()


def test_without_a_drug_the_recording_is_the_clock_and_untreated_recordings_have_no_drug():
    table = data(recordings=2, cells=4)[0]
    assert set(landmarks(table, Clocks.of(table, {"r00": None, "r01": None}))["clock"]) == {TRACK, RECORDING}
    elsewhere = Clocks.of(table, {"r00": None, "r01": None, "r09": 3.0})
    assert set(landmarks(table, elsewhere)["clock"]) == {TRACK, RECORDING}, "r09 has no track"
    treated = landmarks(table, Clocks.of(table, {"r00": None, "r01": 3.0}))
    assert set(treated["clock"]) == {TRACK, DRUG}
    of_drug = treated[treated["clock"] == DRUG]
    assert set(of_drug["trajectory"].str[:3]) == {"r01"}
    assert (of_drug["at_frame"] == 6 + 2 * of_drug["hours"]).all()


def test_no_landmark_lies_beyond_the_longest_track():
    table = data()[0]
    assert landmark_hours(table).max() < table["n_frames"].max() / 2


def test_landmarks_go_on_where_tracks_miss_frames():
    table = data()[0]
    longest = table.loc[table["usable"], "n_frames"].max()
    found = landmark_hours(every_fourth(table, table.assign(frame=0))[0])
    assert longest / 2 < found.max() <= 4 * longest / 2
    assert len(found) <= 2 * len(landmark_hours(table))


def test_survival_of_censoring_is_that_of_kaplan_and_meier():
    end, censored = np.array([1.0, 2, 3, 4, 5]), np.array([True, False, True, False, True])
    found = censoring_survival(np.zeros(5), end, censored, np.array([0.5, 1.5, 2.5, 3.5, 5.0, 5.5]), 0)
    np.testing.assert_allclose(found, [1, 4 / 5, 4 / 5, 4 / 5 * 2 / 3, 4 / 5 * 2 / 3, 0])
    late = censoring_survival(np.array([0.0, 0, 2, 0, 0]), end, censored, np.array([1.5]), 0)
    assert late[0] == pytest.approx(3 / 4), "a track that enters later is not at risk before"
    since = censoring_survival(np.zeros(5), end, censored, np.array([2.5, 3.5, 5.0]), 2)
    np.testing.assert_allclose(since, [1, 2 / 3, 2 / 3], err_msg="given that the first loss has passed")


def test_one_early_loss_does_not_end_the_curve_for_those_that_enter_later():
    entry, end = np.array([0.0, *np.full(40, 2.0)]), np.array([1.0, *np.linspace(3, 20, 40)])
    censored = np.array([True, *np.tile([True, False], 20)])
    found = censoring_survival(entry, end, censored, np.array([3.0, 10.0, 19.0]), 2)
    assert 1 == found[0] > found[1] > found[2] > 0


# ---- landmarks ----


def test_landmarks_count_all_cells_and_score_those_whose_outcome_was_seen():
    table, split, prefixes = data(known_from=40)
    rows = landmarks_of_folds(table, split, prefixes, baselines_of(prefixes, table), {}, calibrated=True)
    found = check_table(tabulate_landmarks(rows, UNITS), LANDMARKS, "landmarks")
    assert set(found["method"]) == {"network", "rings_any_frame", "clock"}
    counts = found[found["method"] == "network"]
    assert (counts["n_at_risk"] == counts["n_negative"] + counts["n_positive"] + counts["n_censored"]).all()
    held_out = table[table["recording"].isin(["r00", "r03", "r06", "r09"])]
    first = counts[(counts["clock"] == TRACK) & (counts["hours"] == 0)].iloc[0]
    assert first["n_at_risk"] == len(held_out)
    assert first["n_scored"] == 0, "5 frames are needed"
    assert first["reason"] == "no cell whose outcome was seen has frames enough for a prediction"
    later = counts[(counts["clock"] == TRACK) & (counts["hours"] == 5)].iloc[0]
    assert later["balanced_accuracy"] > 0.95
    assert later["brier"] < later["brier_clock"] / 2


def test_weights_make_good_for_cells_that_were_lost():
    """Cells of label 1 have their events late, so more of them are lost and their share among those seen is too small."""
    rng = np.random.default_rng(3)
    rows = []
    for r in range(12):
        for c in range(300):
            label = int(rng.integers(2))
            length = int(rng.integers(30, 40)) if label else int(rng.integers(8, 18))
            loss = int(rng.geometric(0.03))
            rows.append((f"r{r:02}/{c}", f"r{r:02}", label if loss >= length else None, min(length, loss)))
    table = pd.DataFrame(rows, columns=["trajectory", "recording", "label", "n_frames"])
    table["label"] = table["label"].astype("Int64")
    fixed = {"group": None, "treatment": "none", "lineage": "", "frame_interval_min": 30.0, "first_frame": 0}
    table = table.assign(**fixed, last_frame=table["n_frames"] - 1, usable=table["label"].notna())
    part = np.where(table["recording"].str[1:].astype(int) % 2 == 0, "test", "train")
    split = pd.DataFrame({"trajectory": table["trajectory"], "fold": 0, "split": np.where(table["usable"], part, "unlabelled")})
    tested = table[table["usable"] & (part == "test")]
    prefixes = pd.DataFrame({"trajectory": tested["trajectory"], "fold": 0, "split": "test", "n_frames": 1, "frame": 0, "logit": 0.1})
    prefixes = prefixes.assign(probability=0.5, label=tested["label"].to_numpy())
    none = pd.DataFrame(columns=["method", "fold", "trajectory", "n", "probability"])
    found = landmarks_of_folds(table, split, prefixes, none, {}, calibrated=True)
    now = found[(found["clock"] == TRACK) & (found["hours"] == 0) & found["label"].notna()]
    plain = float(now["label"].astype(float).mean())
    weighted = float(np.average(now["label"].astype(float), weights=now["weight"]))
    assert plain < 0.42
    assert abs(weighted - 0.5) < 0.05
    assert now["weight"].max() <= LARGEST_WEIGHT


def folds_of(table, part_of_track, k=3):
    """The split of k folds; ``part_of_track`` (N,) is the fold that holds a track out."""
    names = np.array(["test", "validation", "train"])
    parts = [names[np.minimum((part_of_track - fold) % k, 2)] for fold in range(k)]
    tables = [pd.DataFrame({"trajectory": table["trajectory"], "fold": fold, "split": part}) for fold, part in enumerate(parts)]
    return pd.concat(tables, ignore_index=True).assign(split=lambda one: one["split"].where(np.tile(table["usable"], k), "unlabelled"))


def guesses(table, split):
    """Prefixes of one frame and of all frames, which know nothing."""
    rows = pd.concat([table.assign(n_frames=1), table]).drop_duplicates(["trajectory", "n_frames"])
    rows = rows.assign(frame=rows["first_frame"] + rows["n_frames"] - 1)[["trajectory", "n_frames", "frame", "label", "recording"]]
    rows = rows.merge(split[split["split"] != "train"], on="trajectory")
    return rows.assign(logit=0.1, probability=0.5)


NOTHING = pd.DataFrame(columns=["method", "fold", "trajectory", "n", "probability"])


def test_all_folds_look_at_the_same_hours_on_the_same_clocks():
    """The tracks of one fold are short, which made steps of their own; the drug came to the recordings of another fold alone."""
    table = data()[0]
    fold = table["recording"].str[1:].astype(int).to_numpy() % 3
    table.loc[fold == 0, "n_frames"] = np.minimum(table.loc[fold == 0, "n_frames"], 11)
    table["last_frame"] = table["n_frames"] - 1
    split = folds_of(table, fold)
    drug = {name: 3.0 if int(name[1:]) % 3 == 1 else None for name in table["recording"].unique()}
    found = landmarks_of_folds(table, split, guesses(table, split), NOTHING, drug, calibrated=True)
    assert set(found["clock"]) == {TRACK, DRUG}
    at_risk = found[found["clock"] == TRACK].groupby("hours")["trajectory"].nunique()
    for hours, count in at_risk.items():
        assert count == (table["n_frames"] > 2 * hours).sum(), hours


def test_lost_cells_weigh_where_folds_hold_out_cells_of_the_recordings_that_they_train_on():
    table = data()[0]
    split = folds_of(table, np.arange(len(table)) % 3)
    found = landmarks_of_folds(table, split, guesses(table, split), NOTHING, {}, calibrated=True)
    first = found[(found["clock"] == TRACK) & (found["hours"] == 0)]
    total = float(first["weight"].sum())
    assert first["weight"].max() > 1.2
    assert abs(total - len(table)) < 0.1 * len(table), "those seen stand for all"


def test_landmarks_score_against_the_base_rate():
    table = data()[0]
    split = folds_of(table, table["recording"].str[1:].astype(int).to_numpy() % 3)
    rows = landmarks_of_folds(table, split, guesses(table, split), NOTHING, {}, calibrated=False)
    found = check_table(tabulate_landmarks(rows, UNITS), LANDMARKS, "landmarks")
    scored = found[(found["method"] == "network") & found["auroc"].notna()]
    assert (scored["auroc"] == 0.5).all(), "it says the same of all"
    np.testing.assert_allclose(scored["brier_base"], 0.25)
    np.testing.assert_allclose(scored["log_loss_base"], np.log(2))
    assert (scored["largest_weight"] >= 1).all()


def test_a_weighted_calibration_error_is_the_plain_one_where_all_weigh_the_same():
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, 2, 200), rng.random(200)
    assert weighted_ece(labels, probabilities, np.full(200, 3.0), 5) == pytest.approx(reliability(labels, probabilities, 5)[1]["ece"])
    assert np.isnan(weighted_ece([], [], [], 5))


# ---- early calls ----


def test_a_cell_is_called_when_the_network_is_sure_often_enough_and_at_its_end_at_the_latest():
    rows = pd.DataFrame(
        {"trajectory": "a", "recording": "r", "fold": 0, "label": 1, "n_frames": [1, 2, 3, 4, 5], "hours": np.arange(4.0, -1, -1)}
    )
    rows = rows.assign(logit=[-3.0, 3.0, -3.0, 3.0, 3.0], probability=[0.05, 0.95, 0.05, 0.95, 0.95])
    sure = sure_of(rows, {0: 0.5})
    once, twice, never = decide(sure, 0.9, 1), decide(sure, 0.9, 2), decide(sure, 0.99, 1)
    assert (once["n_frames"][0], once["call"][0], once["decided"][0]) == (1, 0, True)
    assert (twice["n_frames"][0], twice["call"][0], twice["decided"][0]) == (5, 1, True)
    assert (never["n_frames"][0], never["call"][0], never["decided"][0]) == (5, 1, False)
    assert (never["n_total"] == 5).all()


def test_sureness_does_not_grow_with_the_base_rate():
    rows = pd.DataFrame({"fold": [0], "logit": [0.0], "probability": [0.8]})
    assert sure_of(rows, {0: 0.8})["sure"][0] == pytest.approx(0.5)


def test_thresholds_are_chosen_on_validation_and_pay():
    table, _, prefixes = data(known_from=10, lost=0.0)
    groups = table.set_index("trajectory")["group"]
    found = check_table(tabulate_earliness(left_of(prefixes, table), groups, UNITS, {0: 0.5}), EARLINESS, "earliness")
    chosen = found[found["chosen"]].iloc[0]
    grid = found[~found["chosen"]]
    assert chosen["harmonic_mean"] > grid.loc[(grid["patience"] == 1) & (grid["threshold"] == 0.5), "harmonic_mean"].iloc[0] - 0.02
    assert grid["seen"].between(0, 1).all()
    assert (grid[grid["patience"] == 1].sort_values("threshold")["seen"].diff().dropna() >= 0).all(), "a higher threshold waits longer"
    assert choose_trigger(sure_of(left_of(prefixes[prefixes["split"] == "validation"], table), {0: 0.5}))[0] > 0.5


def test_measures_are_means_over_cells():
    called = {
        "label": [0, 0, 1, 1],
        "call": [0, 1, 1, 1],
        "n_frames": [2, 4, 1, 3],
        "n_total": [4, 4, 4, 6],
        "decided": [True, False, True, True],
    }
    found = measures(pd.DataFrame(called))
    assert found == pytest.approx(
        {
            "decided": 0.75,
            "balanced_accuracy": 0.75,
            "seen": (0.5 + 1 + 0.25 + 0.5) / 4,
            "harmonic_mean": 2 * 0.5 * 0.4375 / 0.9375,
            "cost": ERROR_WEIGHT * 0.25 + (1 - ERROR_WEIGHT) * 0.5625,
        }
    )


def test_measures_are_nothing_without_both_outcomes():
    called = pd.DataFrame({"label": [1, 1], "call": [1, 1], "n_frames": [2, 3], "n_total": [4, 4], "decided": [True, True]})
    assert np.isnan(measures(called)["balanced_accuracy"])


# ---- known from ----


def cohort(recordings=8, cells=12, known_from=10, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for r in range(recordings):
        for c in range(cells):
            label = c % 2
            for n in (0, 5, 10, 15, 20):
                right = rng.random() < (0.95 if n < known_from else 0.5)
                rows.append((f"r{r}/{c}", f"r{r}", None, 0, label, label if right else 1 - label, n, n / 2))
    return pd.DataFrame(rows, columns=["trajectory", "recording", "group", "fold", "label", "predicted", "n", "hours"])


def test_known_from_is_the_farthest_step_before_which_all_are_better_than_chance():
    assert known_frames(cohort(), UNITS)[0] == 5
    gap = cohort().assign(predicted=lambda one: np.where(one["n"] == 0, 1 - one["label"], one["predicted"]))
    frames, reason = known_frames(gap, UNITS)
    whole = gap[gap["n"] == 0]
    limits = UNITS.interval(balanced_accuracy(whole["label"], whole["predicted"]), whole)
    assert frames is None
    of = f"of the {whole['trajectory'].nunique()} cells that are long enough for all times"
    assert reason == f"with all frames its balanced accuracy {of} is 0.000, 95 % interval 0.000 to {limits.high:.3f}"


def test_the_line_names_network_and_best_baseline():
    rows = cohort()
    baselines = rows[["fold", "trajectory", "n"]].assign(method="rings_any_frame", probability=np.where(rows["n"] < 20, rows["label"], 0.5))
    found = check_table(tabulate_known(Cohort(rows, None), baselines, UNITS), KNOWN_FROM, "known")
    line = known_line(found)
    assert line.startswith("The network's call is better than chance from 2.5 h before the end on (")
    assert "rings of the last frame, logistic fitted on all prefixes, from 7.5 h before the end on" in line
    found.loc[found["method"] == "network", ["frames", "hours", "shortest", "longest"]] = [0, 0.0, np.nan, np.nan]
    assert known_line(found).startswith("The network's call is better than chance with all frames alone, not before;")


@pytest.mark.parametrize("recordings", [1, 2])
def test_few_recordings_are_no_interval_and_the_line_says_so(recordings):
    rows = cohort(recordings=recordings)
    found = tabulate_known(Cohort(rows, None), NOTHING, UNITS)
    assert found["frames"].isna().all()
    assert "no interval" in found["reason"][0]
    assert known_line(found).startswith("The network's call is not shown to be better than chance at any time (no interval: ")


def predictions_of(table, prefixes, steps):
    """The table predictions at the prefixes without the last n frames."""
    tests = prefixes[prefixes["split"] == "test"]
    n = tests["trajectory"].map(table.set_index("trajectory")["n_frames"]) - tests["n_frames"]
    return tests.assign(condition="truncation", n=n, treatment="none")[n.isin(steps)]


def before_end_of(table, prefixes, steps):
    groups = table.set_index("trajectory")["group"]
    return cohort_of(predictions_of(table, prefixes, steps), left_of(prefixes, table), groups, steps, None, 5, UNITS.names)


def cohort_from(steps, least=5, **changes):
    table, _, prefixes = data(lost=0.0, **changes)
    groups = table.set_index("trajectory")["group"]
    return cohort_of(predictions_of(table, prefixes, steps), left_of(prefixes, table), groups, steps, None, least, UNITS.names)


def test_the_cohort_has_every_step():
    found = cohort_from([0, 5, 20]).rows
    assert set(found.groupby("trajectory")["n"].nunique()) == {3}


def test_the_cohort_ends_at_the_farthest_step_that_enough_of_each_outcome_have():
    far = cohort_from([0, 5, 30], least=30)
    assert sorted(far.rows["n"].unique()) == [0, 5]
    assert far.rows.drop_duplicates("trajectory")["label"].value_counts().min() >= 30
    assert (len(cohort_from([0, 5, 30], least=3).rows["n"].unique())) == 3


@pytest.mark.parametrize(
    ("steps", "least", "reason"),
    [
        ([], 5, "evaluation.truncation is null"),
        ([0, 5], 500, r"fewer than 500 held-out trajectories of (apoptosis|mitosis) \(figures.min_trajectories\)"),
    ],
)
def test_no_cohort_says_why_and_claims_nothing_about_baselines(steps, least, reason):
    cohort = cohort_from(steps, least=least)
    assert cohort.rows.empty
    assert check_table(tabulate_before(cohort.rows, NOTHING, {}, UNITS), BEFORE_END, "before").empty
    found = check_table(tabulate_known(cohort, NOTHING, UNITS), KNOWN_FROM, "known")
    assert re.fullmatch(f"From when on the outcome is known was not measured: {reason}.", known_line(found))


def test_the_curve_before_the_end_has_all_scores_beside_the_base_rate():
    table, _, prefixes = data(lost=0.0, known_from=10)
    steps = [0, 5, 20]
    cohort = before_end_of(table, prefixes, steps)
    found = check_table(tabulate_before(cohort.rows, baselines_of(prefixes, table), {0: 0.5}, UNITS), BEFORE_END, "before")
    assert set(found["method"]) == {"network", "rings_any_frame"}
    assert found.groupby("n")["hours"].first().to_dict() == {0: 0.0, 5: 2.5, 20: 10.0}
    assert found["n_trajectories"].nunique() == 1
    values = found[found["method"] == "network"].set_index(["metric", "n"])["value"]
    base = found[found["method"] == "network"].set_index(["metric", "n"])["base"]
    for metric, worst in {"balanced_accuracy": 0.5, "auroc": 0.5, "log_loss": np.log(2), "brier": 0.25}.items():
        assert base[metric, 0] == pytest.approx(worst)
        better = -1 if metric in ("log_loss", "brier") else 1
        assert better * (values[metric, 0] - worst) > 0.1
        assert abs(values[metric, 20] - values[metric, 0]) > 0.1, "nothing is known 20 frames before"
    now = cohort.rows[cohort.rows["n"] == 0]
    assert values["brier", 0] == pytest.approx(((now["probability"] - now["label"]) ** 2).mean())


def test_without_both_outcomes_in_validation_no_threshold_is_chosen_and_that_is_said():
    table, _, prefixes = data(lost=0.0)
    groups = table.set_index("trajectory")["group"]
    for kept in (prefixes[(prefixes["split"] == "test") | (prefixes["label"] == 1)], prefixes[prefixes["split"] == "test"]):
        found = check_table(tabulate_earliness(left_of(kept, table), groups, UNITS, {0: 0.5}), EARLINESS, "earliness")
        chosen = found[found["chosen"]].iloc[0]
        assert pd.isna(chosen["threshold"])
        assert chosen["reason"] == "no threshold was chosen: the validation part lacks an outcome"
    other = prefixes.assign(fold=(prefixes["split"] == "validation").astype(int))
    assert tabulate_earliness(left_of(other, table), groups, UNITS, {})["reason"].iloc[-1].startswith("no threshold was chosen")


# ---- hours before the end ----


def every_fourth(table, prefixes):
    """The same tracks, of which frames 0, 4, 8 ... are there."""
    return table.assign(last_frame=4 * table["last_frame"]), prefixes.assign(frame=4 * prefixes["frame"])


def lead_time(table, prefixes, steps=(0, 5, 10)):
    """hours_before_end of the call when sure once at 0.85, the hours and shares of before_end by n, and the network's row of known_from."""
    cohort = before_end_of(table, prefixes, list(steps))
    early = tabulate_earliness(left_of(prefixes, table), table.set_index("trajectory")["group"], UNITS, {0: 0.5})
    early = check_table(early, EARLINESS, "earliness").set_index(["chosen", "threshold", "patience"])
    before = check_table(tabulate_before(cohort.rows, NOTHING, {0: 0.5}, UNITS), BEFORE_END, "before").groupby("n", sort=True)
    known = check_table(tabulate_known(cohort, NOTHING, UNITS), KNOWN_FROM, "known")
    return early.loc[(False, 0.85, 1), "hours_before_end"], before[["hours", "hours_share"]].first(), known.iloc[0], known_line(known)


def test_hours_before_the_end_are_those_of_the_frames_numbers():
    table, _, prefixes = data(recordings=18, lost=0.0)
    early, before, known, _ = lead_time(table, prefixes)
    gaps = lead_time(*every_fourth(table, prefixes))
    assert before["hours"].to_dict() == {0: 0.0, 5: 2.5, 10: 5.0}
    assert early > 0
    assert gaps[0] == 4 * early
    assert gaps[1]["hours"].to_dict() == {0: 0.0, 5: 10.0, 10: 20.0}
    assert known["hours"] == known["frames"] / 2 > 0
    assert [gaps[2][name] for name in ("frames", "hours", "shortest", "longest")] == [
        known["frames"],
        *(4 * known[name] for name in ("hours", "shortest", "longest")),
    ]


@pytest.mark.parametrize("kind", ["gaps", "intervals"])
def test_where_tracks_differ_in_their_hours_there_are_frames_and_the_reason(kind):
    table, _, prefixes = data(recordings=18, lost=0.0)
    some = table["recording"].isin(["r00", "r03", "r06"])
    if kind == "gaps":
        inside = prefixes["recording"].isin(["r00", "r03", "r06"])
        table.loc[some, "last_frame"] *= 4
        prefixes["frame"] = prefixes["frame"].where(~inside, 4 * prefixes["frame"])
    else:
        table["frame_interval_min"] = np.where(some, 120.0, 30.0)
    _, before, known, line = lead_time(table, prefixes)
    assert before["hours"].isna().to_dict() == {0: False, 5: True, 10: True}
    assert before.loc[10, "hours_share"] < 0.6
    n = int(known["frames"])
    assert known[["hours", "shortest", "longest"]].isna().all()
    why = f"no hours: {n} frames before the end are {n / 2:.3g} to {2 * n:.3g} h in different tracks, as frames are missing or frame"
    assert known["reason"].startswith(why)
    assert f"better than chance from {n} frames before the end on ({why}" in line


def test_one_odd_track_among_many_takes_no_hours_away():
    table, _, prefixes = data(recordings=18, lost=0.0)
    odd = prefixes.loc[prefixes["split"] == "test", "trajectory"].iloc[0]
    late = (prefixes["trajectory"] == odd) & (prefixes["n_frames"] == prefixes.loc[prefixes["trajectory"] == odd, "n_frames"].max())
    prefixes.loc[late, "frame"] += 3
    _, before, known, _ = lead_time(table, prefixes)
    assert before["hours"].to_dict() == {0: 0.0, 5: 2.5, 10: 5.0}
    assert 0.95 < before.loc[10, "hours_share"] < 1
    assert known["hours"] == known["frames"] / 2


def test_the_hours_left_at_a_call_are_of_the_recordings_own_frame_interval():
    rows = [(name, recording, n, n - 1) for name, recording in (("a", "slow"), ("b", "fast"), ("c", "fast")) for n in range(1, 11)]
    prefixes = pd.DataFrame(rows, columns=["trajectory", "recording", "n_frames", "frame"])
    prefixes = prefixes.assign(fold=0, split="test", label=np.where(prefixes["trajectory"] == "a", 0, 1))
    prefixes["probability"] = np.where(prefixes["n_frames"] < 4, 0.5, np.where(prefixes["label"] == 1, 0.9, 0.1))
    prefixes["logit"] = prefixes["probability"] - 0.5
    intervals = pd.Series({"a": 60.0, "b": 5.0, "c": 5.0})
    found = tabulate_earliness(hours_left(prefixes, intervals), pd.Series(dtype=object), UNITS, {0: 0.5})
    at = found[(found["threshold"] == 0.85) & (found["patience"] == 1)].iloc[0]
    assert at["hours_before_end"] == pytest.approx(6 * 5 / 60), "the median of 6 h and twice half an hour"
