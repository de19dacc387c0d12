"""The design check: what a recording, a treatment or a length tells, when the first line warns, and what is said to help."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from toy_design import OUTCOMES, design_of, split_of

from cellfate.base.tables import check_table
from cellfate.evaluation.design import DesignSettings, check_design, lost_resamples, score_design, tabulate_design, unit_notes
from cellfate.evaluation.rates import fit_rates, told_by_others
from cellfate.evaluation.remedies import _helping
from cellfate.evaluation.scoring import Units
from cellfate.evaluation.tables import DESIGN, DESIGN_LINES, DESIGN_SCORES
from cellfate.statistics.intervals import ALIKE
from cellfate.statistics.reliability import log_odds

UNITS = Units.of(OUTCOMES, "recording")
SETTINGS = DesignSettings(OUTCOMES, unit="recording", confounded_from=0.9, shuffle_labels=False)
EVEN = (0.4, 0.6, 0.5, 0.5, 0.6, 0.4, 0.5, 0.5)


def checked(trajectories, folds=4):
    split = None if folds is None else split_of(trajectories, folds)
    scores, lines = check_design(trajectories, split, SETTINGS)
    return check_table(scores, DESIGN_SCORES, "t").set_index("variable"), check_table(lines, DESIGN_LINES, "t")


def first(lines, kind="warning"):
    found = lines.loc[lines["kind"] == kind, "text"].tolist()
    return found[0] if found else ""


def test_a_value_is_called_as_the_others_of_it_are_by_hand():
    values, labels = np.array(list("aaabbb")), np.array([1, 1, 0, 0, 0, 1])
    # without the first: a has 1 of 2 with label 1 and 1 of 3 with label 0; without the third: 2 of 3 and 0 of 2
    np.testing.assert_array_equal(told_by_others(values, labels), [1, 1, 1, 0, 0, 0])


def test_rates_weigh_outcomes_equally_and_unknown_values_tell_nothing():
    rates = fit_rates(np.array(list("aaaab")), np.array([1, 1, 1, 0, 0]))
    np.testing.assert_allclose(rates.predict(np.array(["a", "b", "new"])), [1.2 / (1.2 + 0.7), 0.2 / (0.2 + 0.7), 0.5])
    longer = fit_rates(np.arange(10.0), np.repeat([0, 1], 5))
    np.testing.assert_allclose(longer.predict(np.array([-3.0, 100.0])), [0.1 / 0.6, 0.5 / 0.6])


def test_at_the_base_rate_a_value_has_its_share_with_one_trajectory_more():
    labels = np.array([1, 1, 1, 0, 1, 1, 0, 1])
    odds = log_odds(fit_rates(np.array(list("aaaabbbb")), labels).predict(np.array(["a", "b"]))) + log_odds(0.75)
    np.testing.assert_allclose(np.exp(odds), [3.75 / 1.25, 3.75 / 1.25])
    of_b = fit_rates(np.array(list("aaaabb")), np.array([1, 0, 1, 0, 1, 1])).predict(np.array(["b"]))
    np.testing.assert_allclose(np.exp(log_odds(of_b) + log_odds(4 / 6)), [(2 + 4 / 6) / (2 / 6)])


def test_the_side_of_a_half_is_that_of_the_shares():
    rng = np.random.default_rng(0)
    for _ in range(50):
        values, labels = rng.integers(0, 6, 30).astype(str), rng.permutation(np.arange(30) < rng.integers(1, 30)).astype(int)
        said = fit_rates(values, labels).predict(values)
        shares = [[((values == v) & (labels == label)).sum() / (labels == label).sum() for label in (0, 1)] for v in values]
        differ = np.subtract(*np.transpose(shares)[::-1])
        assert (np.sign(np.round(said - 0.5, 9)) == np.sign(np.round(differ, 9))).all()


def test_where_the_recording_has_the_outcome_the_first_line_says_so():
    scores, lines = checked(design_of([0, 1] * 4))
    assert scores.loc["recording", "within"] == 1
    assert scores.loc["recording", "held_out"] == 0.5, "a recording that is held out whole was never seen"
    assert scores.loc["recording", "seen"] == 0
    assert pd.isna(scores.loc["recording", "ci_low"]), "a prediction that is the same for all has no interval"
    assert scores.loc["recording", "reason"] == ALIKE
    assert lines["kind"].tolist()[:2] == ["warning", "remedy"]
    assert "cannot be told from the design" in first(lines)
    assert "which recording a cell is in (1.00)" in first(lines)
    assert "160 trajectories, 8 recordings of which 0 hold both outcomes" in first(lines)
    assert "No other split or model helps" in first(lines, "remedy")


def test_an_even_design_is_silent():
    scores, lines = checked(design_of(EVEN))
    assert lines.empty
    assert (scores.loc[["length", "clock"], "held_out"].sub(0.5).abs() < 0.15).all()
    assert scores.loc["recording", "within"] < 0.65


def test_at_random_a_recording_tells_nothing_on_average():
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        trajectories = design_of([0.5] * 5, per_recording=12, seed=seed).assign(label=rng.integers(0, 2, 60))
        found.append(float(score_design(trajectories, None, UNITS).set_index("variable").loc["recording", "within"]))
    assert abs(np.mean(found) - 0.5) < 3 * np.std(found) / np.sqrt(40) + 0.03


def test_part_of_the_data_helps_only_where_it_is_not_tied_itself():
    mixed = design_of([0, 1] * 5 + [0.5] * 4, treatments=["none"] * 10 + ["drug"] * 4)
    tied = design_of([0, 1] * 20 + [0.5] * 4, treatments=["none"] * 40 + ["drug"] * 4, per_recording=20)
    assert first(checked(mixed)[1]) == "", "with part of the recordings mixed the recording tells less than 0.9"
    warned = first(checked(tied)[1], "remedy")
    assert "a sheet with only the recordings that hold both outcomes (apoptosis 40, mitosis 40 in 4 recordings)" in warned
    few = design_of([0, 1] * 20 + [0.5] * 2)
    assert "a sheet with only" not in first(checked(few)[1], "remedy"), "two recordings cannot be split in three parts"


def test_a_treatment_or_a_length_that_tells_is_named():
    scores, lines = checked(design_of([0, 1] * 4, treatments=["drug", "none"] * 4))
    assert scores.loc["treatment", "held_out"] == 1
    assert "its treatment (1.00)" in first(lines)
    scores, lines = checked(design_of(EVEN, lengths=(30, 60)))
    assert scores.loc["length", "held_out"] > 0.9
    assert "how long its track is" in first(lines)
    assert "which recording" not in first(lines)
    assert "evaluation.last_k" in first(lines, "remedy")
    assert "recordings that each hold both" not in first(lines, "remedy")


def test_few_units_are_said_in_numbers():
    _, lines = checked(design_of([0.5, 0.5, 0.5]), folds=3)
    assert first(lines, "note") == "Scores rest on 3 held-out recordings (apoptosis in 3, mitosis in 3): their intervals are rough."
    alone = design_of([0.5, 1, 1, 1])
    assert unit_notes(alone, None, UNITS)[0].startswith("All 10 trajectories with apoptosis are in one recording (r0) of 4")
    of_eight = design_of([0, 1, 0.5, 0.5] * 2)
    notes = unit_notes(of_eight, split_of(of_eight, 4).query("fold == 0"), UNITS)
    rest = "Scores rest on 2 held-out recordings (apoptosis in 2, mitosis in 0): "
    assert f"{rest}they have no interval, 3 with each outcome are needed for one." in notes
    assert "100 % of all resamples of the 2 held-out recordings lack an outcome (apoptosis in 2, mitosis in 0)." in notes


def test_lost_resamples_are_those_of_a_simulation():
    lowest, highest = np.array([0, 0, 0, 1]), np.array([0, 1, 0, 1])
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 4, (20000, 4))
    lost = (highest[drawn].max(axis=1) == 0) | (lowest[drawn].min(axis=1) == 1)
    assert lost_resamples(lowest, highest) == pytest.approx(lost.mean(), abs=0.01)
    assert lost_resamples(lowest, highest) == (2 / 4) ** 4 + (1 / 4) ** 4


def test_without_a_split_what_lies_within_the_data_is_still_told():
    scores, lines = checked(design_of([0, 1] * 4), folds=None)
    assert scores.loc["recording", "within"] == 1
    assert scores["held_out"].isna().all()
    assert first(lines)


def test_the_table_counts_tracks_by_recording_and_treatment_with_their_lengths():
    trajectories = design_of([0.25, 0.75], per_recording=8, treatments=["drug", "none"])
    trajectories.loc[0, ["usable", "reason"]] = False, "short"
    table = check_table(tabulate_design(trajectories), DESIGN, "t")
    assert set(table["level"]) == {"recording", "treatment"}, "no recording has a group"
    of_recording = table[(table["level"] == "recording") & (table["name"] == "r0")].set_index("outcome")
    assert of_recording["n_tracks"].to_dict() == {"apoptosis": 6, "mitosis": 2}
    assert of_recording["n_usable"].sum() == 7
    hours = trajectories.query("recording == 'r1' and label == 1")["n_frames"] / 2
    row = table[(table["name"] == "r1") & (table["outcome"] == "mitosis")].iloc[0]
    assert (row["shortest"], row["median"], row["longest"]) == (hours.min(), hours.median(), hours.max())


def test_exchanged_labels_are_said_before_all_else():
    trajectories = design_of(EVEN)
    split = split_of(trajectories, 4)
    _, plain = check_design(trajectories, split, SETTINGS)
    _, control = check_design(trajectories, split, replace(SETTINGS, shuffle_labels=True))
    assert control["text"].iloc[0].startswith("A control: the network learned from outcomes that were exchanged at random")
    assert control["kind"].iloc[0] == "warning"
    assert control.iloc[1:].to_numpy().tolist() == plain.to_numpy().tolist()


def in_groups(trajectories, groups):
    """The trajectories with the groups of r0, r1, ...; None is an empty cell of the sheet."""
    return trajectories.assign(group=trajectories["recording"].str[1:].astype(int).map(dict(enumerate(groups))))


def test_no_group_is_not_a_group_and_which_recordings_have_none_is_said():
    table = in_groups(design_of([0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 1]), ["a", "b", "a", "b", "a", "b", None, None])
    scores, lines = checked(table)
    assert scores.loc["group", ["n_values", "n_trajectories"]].tolist() == [2, 120]
    assert scores.loc["group", "within"] < 0.65, "that the group is empty tells nothing"
    assert scores.loc["recording", "n_trajectories"] == 160
    note = (
        "The column group of the recordings sheet is empty for r6, r7: 40 of 160 trajectories are left out of what is measured of groups."
    )
    assert note in set(lines.loc[lines["kind"] == "note", "text"])
    many = in_groups(design_of([0.5] * 9), ["a", "b", *[None] * 7])
    assert "is empty for r2, r3, r4, r5, r6 and 2 more: " in unit_notes(many, None, UNITS)[0]
    assert unit_notes(in_groups(many, [None] * 9), None, UNITS) == []
    assert unit_notes(in_groups(many, list("aabbccdde")), None, UNITS) == []


@pytest.mark.parametrize("groups", [["a", "b", *[None] * 6], ["a", *[None] * 3, "b", *[None] * 3]])
@pytest.mark.parametrize("shares", [[0.5] * 8, [0.0] * 4 + [1.0] * 4, [1.0] * 8])
def test_groups_of_few_recordings_are_scored_or_not_without_an_error(groups, shares):
    table = in_groups(design_of([*shares[:7], 0.5]), groups)
    scores, _ = checked(table, folds=4)
    assert scores.loc["group", "n_trajectories"] == 40
    assert pd.notna(scores.loc["group", "held_out"]) or pd.notna(scores.loc["group", "reason"])


def test_no_group_is_no_part_of_the_data_that_would_help():
    table = in_groups(design_of([0, 1] * 20 + [0.5] * 4), [*["a", "b"] * 20, *[None] * 4])
    words = [found[0] for found in _helping(table, "recording")]
    assert "the recordings that hold both outcomes" in words
    assert not [text for text in words if text.startswith("group ")]
