"""Scores of risks over time on cells of known hazards."""

import numpy as np
import pandas as pd
import pytest
from toy_risks import INPUTS, inputs_of, tracks

from cellfate.base.tables import check_table
from cellfate.evaluation.risks.alarms import tabulate_alarms
from cellfate.evaluation.risks.calibration import calibration_bins, tabulate_calibration
from cellfate.evaluation.risks.decided import draw_examples, tabulate_decided
from cellfate.evaluation.risks.fates import tabulate_fates
from cellfate.evaluation.risks.forecasts import ANY, CLOCK, RISKS, Sources, at_lead, forecasts_of_folds
from cellfate.evaluation.risks.frames import Clocks, frames_of_part, within
from cellfate.evaluation.risks.scores import ALL, Landmarks, landmark_sets, spoken_of, tabulate_scores
from cellfate.evaluation.risks.tables import DECIDED, FATE_BEFORE, RISK_ALARMS, RISK_CALIBRATION, RISK_EXAMPLES, RISK_SCORES
from cellfate.evaluation.risks.words import not_measured, verdict
from cellfate.evaluation.scoring import Units

SLOW, FAST = (0.01, 0.02), (0.12, 0.06)  # hazards of death and division an hour
HORIZONS, MIN_FRAMES = [2.0, 5.0], 2
SHARE, LEVEL = 0.05, 0.8
BEYOND = "no training track was followed for so long after its first frame with a prediction"
UNITS = Units("recording", ("death", "division"))


def truth(rates, hours):
    total = sum(rates)
    return [rate / total * (1 - np.exp(-total * hours)) for rate in rates]


def told(trajectories, factor=1.0):
    """A table of fates over time that knows the hazards, times ``factor``, at every frame of every track."""
    rows = []
    for row in trajectories.itertuples():
        rates = [factor * rate for rate in (SLOW, FAST)[row.track_id % 2]]
        for frame in range(MIN_FRAMES, row.n_frames):
            for hours in HORIZONS:
                negative, positive = truth(rates, hours)
                given = positive / (positive + negative)
                rows.append((row.trajectory, 0, frame, hours, negative, positive, given))
    return pd.DataFrame(rows, columns=["trajectory", "fold", "frame", "horizon_hours", "negative", "positive", "positive_given_event"])


def cells(n_each=60, n_frames=40, seed=1, fast=FAST):
    trajectories, rings = tracks(10, n_each, {"slow": SLOW, "fast": fast}, n_frames, seed, MIN_FRAMES)
    parts = {f"r{k}": "validation" if k < 2 else "test" if k < 6 else "train" for k in range(10)}
    split = pd.DataFrame({"trajectory": trajectories["trajectory"], "fold": 0, "split": trajectories["recording"].map(parts)})
    return trajectories, rings, split


def forecasts(trajectories, rings, split, fates):
    prefixes = pd.DataFrame({"trajectory": ["none"], "fold": 0, "frame": 0, "probability": 0.5})
    sources = Sources(trajectories, split, fates, prefixes, inputs_of(rings, INPUTS), {}, HORIZONS, MIN_FRAMES)
    return forecasts_of_folds(sources, seed=0)


@pytest.fixture(scope="module")
def known():
    trajectories, rings, split = cells()
    return trajectories, split, *forecasts(trajectories, rings, split, told(trajectories))


def every_frame(test):
    everything = Landmarks(ALL, 0.0, np.arange(len(test.table)), len(test.table))
    table = check_table(tabulate_scores(test, [everything], HORIZONS, UNITS), RISK_SCORES, "test")
    return table, table.set_index(["method", "horizon_hours"])


def with_risks(test, risks):
    return test.__class__(**{**test.__dict__, "risks": {**test.risks, RISKS: risks}})


def test_known_hazards_beat_the_clock_and_are_calibrated(known):
    _, _, _, test = known
    _, scores = every_frame(test)
    for hours in HORIZONS:
        row = scores.loc[RISKS, hours]
        assert row["skill"] > 0.02
        assert row["auc_negative"] > 0.6
    bins = check_table(tabulate_calibration(test, HORIZONS, 10, UNITS), RISK_CALIBRATION, "test")
    own = bins[bins["method"] == RISKS]
    assert own["ece"].max() < 0.04
    assert len(own) == 2 * 2 * len(HORIZONS)  # two risks are said, so there are two bins
    inside = (own["observed_low"] <= own["predicted"]) & (own["predicted"] <= own["observed_high"])
    assert inside.mean() >= 0.75


def test_risks_twice_too_high_are_found_out(known):
    _, _, _, test = known
    twice = with_risks(test, np.clip(2 * test.risks[RISKS], 0, 1))
    own = tabulate_calibration(twice, HORIZONS, 10, UNITS).query("method == 'risks' and horizon_hours == 5")
    assert own["ece"].min() > 0.08
    _, scores = every_frame(twice)
    assert scores.loc[RISKS, 5.0]["skill"] < 0


def test_a_clock_has_no_skill_over_itself(known):
    _, _, _, test = known
    _, scores = every_frame(with_risks(test, test.risks[CLOCK]))
    assert scores.loc[RISKS]["skill"].tolist() == pytest.approx([0, 0], abs=1e-12)
    assert scores.loc[CLOCK]["lead"].tolist() == pytest.approx([0, 0], abs=1e-12)
    assert scores.loc[CLOCK]["skill"].isna().all()


def test_a_logistic_regression_finds_what_rings_tell(known):
    _, _, _, test = known
    _, scores = every_frame(test)
    assert scores.loc[ANY, 5.0]["skill"] > 0.5 * scores.loc[RISKS, 5.0]["skill"]


def test_of_rings_that_tell_nothing_no_baseline_has_skill():
    trajectories, rings, split = cells(seed=2)
    noise = rings.assign(**{"a-ring0-mean": np.random.default_rng(0).normal(100, 10, len(rings))})
    exchanged = np.random.default_rng(1).permutation(60)  # what is said of a cell is that of another one of its recording
    said = told(trajectories.assign(track_id=trajectories["track_id"].map(dict(enumerate(exchanged)))))
    _, test = forecasts(trajectories, noise, split, said)
    _, scores = every_frame(test)
    assert (scores["skill"].dropna() < 0.02).all()
    assert not (scores.loc[RISKS]["skill_low"] > 0).any()


def test_weights_are_those_of_losses_in_training_and_what_the_film_hides_counts_for_nothing(known):
    trajectories, split, _, _ = known
    inputs = inputs_of(cells()[1], INPUTS)
    train = frames_of_part(trajectories, split, 0, "train", inputs, MIN_FRAMES, {})
    judged = within(train.table, Clocks(train.table), 5.0)
    film = train.table["film"].to_numpy()
    assert (judged.weight[film < 5 - 1e-6] == 0).all()
    assert (judged.weight[judged.came >= 0][film[judged.came >= 0] >= 5] >= 1).all()
    inside = film >= 5
    assert judged.weight[inside].sum() == pytest.approx(inside.sum(), rel=0.02)  # those seen stand for those lost
    assert (train.prefix[:, 0] == train.values[:, 0]).all()
    first = train.table.groupby("trajectory", sort=False).cumcount() == 0
    own = train.table[first].index[0]
    rings = cells()[1].query("recording == 'r6' and track_id == 0")["a-ring0-mean"].to_numpy()[: MIN_FRAMES + 1]
    logs = np.log1p(rings)
    slope = np.polyfit(np.arange(3) * 0.5, logs, 1)[0]
    assert train.prefix[own] == pytest.approx([logs[-1], logs.mean(), slope, logs.min(), logs.max()], rel=1e-3, abs=1e-4)


def test_landmarks_count_those_at_risk(known):
    trajectories, split, _, test = known
    table = tabulate_scores(test, landmark_sets(trajectories, split, test, {}), HORIZONS, UNITS)
    own = table[(table["scope"] == "track") & (table["method"] == RISKS) & (table["horizon_hours"] == 2)].set_index("hours")
    held_out = trajectories[trajectories["trajectory"].isin(split.loc[split["split"] == "test", "trajectory"])]
    for hours in own.index:
        assert own.loc[hours, "n_at_risk"] == (held_out["last_frame"] >= 2 * hours).sum()
    assert own.loc[0.0, "reason"].startswith("no held-out cell has frames enough")


def test_alarms_are_false_in_few_and_the_threshold_is_of_validation_alone(known):
    _, _, validation, test = known
    table = check_table(tabulate_alarms(validation, test, HORIZONS, SHARE, UNITS), RISK_ALARMS, "test")
    assert (table["false_alarms"].dropna() < 0.25).all()
    tested = with_risks(test, np.full_like(test.risks[RISKS], 2.0))
    all_alarmed = tabulate_alarms(validation, tested, HORIZONS, SHARE, UNITS).query("method == 'risks'")
    assert (all_alarmed["found"] == 1).all()
    assert (all_alarmed["false_alarms"] == 1).all()
    few = validation.of((validation.table["trajectory"].isin(validation.table["trajectory"].unique()[:19])).to_numpy())
    assert tabulate_alarms(few, test, HORIZONS, SHARE, UNITS)["reason"].str.contains("at least 20 are needed").all()


def test_more_false_alarms_allowed_find_more_events_and_need_fewer_cells(known):
    _, _, validation, test = known
    few, many = (tabulate_alarms(validation, test, HORIZONS, share, UNITS).query("method == 'risks'") for share in (0.05, 0.4))
    assert (many["found"].to_numpy(float) >= few["found"].to_numpy(float)).all()
    assert many["false_alarms"].mean() > few["false_alarms"].mean()
    quiet = validation.table.loc[validation.table["ended"].astype(int) < 0, "trajectory"].unique()
    for n, measured in ((2, False), (3, True)):
        less = validation.of(validation.table["trajectory"].isin(quiet[:n]).to_numpy())
        table = tabulate_alarms(less, test, HORIZONS, 0.4, UNITS)
        assert table["reason"].isna().all() == measured
        assert measured or table["reason"].str.contains("at least 3 are needed for a threshold that 40 % of them exceed").all()


def test_outcomes_before_the_event_are_of_one_frame_of_each_cell(known):
    _, _, _, test = known
    rows = test.table[at_lead(test.table, 2.0)]
    assert (rows["left"] == 2).all()
    assert not rows["trajectory"].duplicated().any()
    table = check_table(tabulate_fates(test, UNITS), FATE_BEFORE, "test").set_index(["method", "hours_before"])
    assert table.loc[(RISKS, 0.5), "log_loss"] < table.loc[(RISKS, 0.5), "log_loss_base"]
    assert table.loc[("network", 0.5), "reason"] == "it says nothing of these cells"


def test_decided_cells_and_examples(known):
    trajectories, split, _, test = known
    sets = landmark_sets(trajectories, split, test, {})
    table = check_table(tabulate_decided(test, sets, HORIZONS, LEVEL, UNITS), DECIDED, "test").dropna(subset="decided")
    assert (table["negative"] + table["positive"] + table["neither"]).to_numpy(float) == pytest.approx(table["decided"].to_numpy(float))
    easier = tabulate_decided(test, sets, HORIZONS, 0.6, UNITS).dropna(subset="decided")
    assert (easier["level"] == 0.6).all()
    assert easier["decided"].mean() > table["decided"].mean()
    examples = check_table(draw_examples(test, HORIZONS, seed=0), RISK_EXAMPLES, "test")
    assert examples.groupby("kind")["trajectory"].nunique().tolist() == [4, 4, 4]
    assert (examples["hours"] <= examples["end_hours"]).all()


def test_the_verdict_and_what_was_not_measured(known):
    _, _, validation, test = known
    table, _ = every_frame(test)
    said = verdict(table)
    assert said.startswith("Fate over time, within 5 h: the risks are better than a clock since")
    nothing = with_risks(test, np.full_like(test.risks[RISKS], np.nan))
    table, _ = every_frame(nothing)
    assert verdict(table) == f"Fate over time, within 5 h: not measured, {BEYOND} (risks.horizons_hours: 5)."
    lines = not_measured(table, tabulate_fates(nothing, UNITS), tabulate_alarms(validation, nothing, HORIZONS, SHARE, UNITS), 30.0)
    assert lines[0] == f"Not measured: risks within 2 h; {BEYOND} (risks.horizons_hours: 2)."
    assert any(line.startswith("Not measured: the outcome 20 h before the event") for line in lines)


def test_without_events_nothing_is_scored_and_the_reason_stands():
    trajectories, rings, split = cells(n_each=6, n_frames=12, seed=3, fast=SLOW)
    quiet = trajectories.assign(label=trajectories["label"].where(trajectories["recording"] > "r5"))
    _, test = forecasts(quiet, rings, split, told(trajectories))
    _, scores = every_frame(test)
    assert scores["brier"].isna().all()
    assert scores.loc[(RISKS, 2.0), "reason"].startswith("0 held-out cells had an outcome within these hours, at least 5 are needed")


def test_bins_of_equal_risks_are_one_bin(known):
    _, _, _, test = known
    table = test.table[test.inside[:, 0]]
    rows = calibration_bins(table, np.full(len(table), 0.1), 0, 2.0, 10, UNITS)
    assert len(rows) == 1
    assert rows[0]["ece"] == pytest.approx(abs(rows[0]["observed"] - 0.1))


def test_without_a_validation_part_all_but_alarms_is_there():
    trajectories, rings, split = cells(n_each=30, n_frames=20, seed=4)
    whole = split.assign(split=split["split"].replace("validation", "train"))
    validation, test = forecasts(trajectories, rings, whole, told(trajectories))
    _, scores = every_frame(test)
    assert scores["brier"].notna().all()
    assert tabulate_alarms(validation, test, HORIZONS, SHARE, UNITS)["reason"].str.startswith("0 validation cells have no event").all()


def test_without_held_out_tracks_the_reason_stands():
    trajectories, rings, split = cells(n_each=30, n_frames=20, seed=4)
    none = split.assign(split=split["split"].replace("test", "train"))
    validation, test = forecasts(trajectories, rings, none, told(trajectories))
    table, scores = every_frame(test)
    assert scores["reason"].str.startswith("no held-out cell has frames enough").all()
    assert "not measured, no held-out cell has frames enough" in verdict(table)
    assert tabulate_calibration(test, HORIZONS, 10, UNITS)["observed"].isna().all()
    assert tabulate_fates(test, UNITS)["log_loss"].isna().all()
    assert draw_examples(test, HORIZONS, seed=0).empty
    assert len(tabulate_alarms(validation, test, HORIZONS, SHARE, UNITS)) == 2 * len(HORIZONS) * len(test.risks)


def only_two_hours(test):
    """As of short recordings: risks and films reach 2 h, not 5."""
    short = with_risks(test, np.where(np.array([False, True])[None, :, None], np.nan, test.risks[RISKS]))
    return short.__class__(**{**short.__dict__, "inside": test.inside & [True, False]})


def test_short_recordings_speak_of_the_hours_that_they_reach(known):
    _, _, _, test = known
    short = only_two_hours(test)
    table, _ = every_frame(short)
    assert verdict(table).startswith("Fate over time, within 2 h: the risks are")
    examples = draw_examples(short, HORIZONS, seed=0)
    assert set(examples["horizon_hours"]) == {2.0}
    assert examples[["negative", "positive"]].notna().all(axis=None)
    assert set(draw_examples(test, HORIZONS, seed=0)["horizon_hours"]) == {5.0}


def test_hours_before_any_prediction_have_the_reason_of_hours_out_of_reach(known):
    """At the start no cell has frames enough; where nothing is known so far ahead at any hour, that is the reason."""
    trajectories, split, _, test = known
    sets = landmark_sets(trajectories, split, test, {})
    short = only_two_hours(test)
    reason = f"{BEYOND} (risks.horizons_hours: 5)"
    for table in (tabulate_scores(short, sets, HORIZONS, UNITS), tabulate_decided(short, sets, HORIZONS, LEVEL, UNITS)):
        start = (
            table[(table["hours"] == 0) & (table.get("scope", "track") != ALL)].drop_duplicates("horizon_hours").set_index("horizon_hours")
        )
        assert "frames enough" in start.loc[2.0, "reason"]
        assert set(table.loc[table["horizon_hours"] == 5, "reason"]) == {reason}


def test_what_no_recording_is_long_enough_for_is_one_line(known):
    _, _, validation, test = known
    nothing = with_risks(test, np.full_like(test.risks[RISKS], np.nan))
    table, _ = every_frame(nothing)
    lines = not_measured(table, tabulate_fates(nothing, UNITS), tabulate_alarms(validation, nothing, HORIZONS, SHARE, UNITS), 3.75)
    assert lines[:2] == [
        "Not measured: risks within 5 h; the longest recording has 3.75 h (risks.horizons_hours).",
        "Not measured: the outcome 15 and 20 h before the event; the longest recording has 3.75 h.",
    ]
    assert not [line for line in lines[2:] if any(f" {hours} h" in line for hours in (5, 15, 20))]
    assert not [line for line in lines if "alarms" in line]  # there are no risks, which is said


def test_one_cell_is_singular(known):
    _, _, _, test = known
    ended = test.table.drop_duplicates("trajectory").query("ended == 1")["trajectory"]
    few = test.of(~test.table["trajectory"].isin(ended.iloc[1:]).to_numpy(bool))
    reasons = tabulate_fates(few, UNITS)["reason"].dropna()
    assert reasons.str.startswith("1 held-out cell of division is followed").any()
    assert not reasons.str.startswith("1 held-out cells").any()


def test_the_horizon_spoken_of():
    assert spoken_of([2, 5, 10, 20], [2, 5, 10, 20]) == 10
    assert spoken_of([2, 5, 10, 20], [2, 5]) == 5
    assert spoken_of([2, 5, 10, 20], []) == 10
