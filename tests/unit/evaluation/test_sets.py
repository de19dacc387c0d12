import numpy as np
import pandas as pd
import pytest

from cellfate.base.tables import check_table
from cellfate.evaluation.sets import (
    BEFORE_END,
    SEEN,
    SetSettings,
    fit_run_sets,
    held_out_sets,
    labelled_prefixes,
    sets_lines,
    tabulate_sets,
    tabulate_triage,
)
from cellfate.evaluation.tables import SETS, TRIAGE

OUTCOMES = {"negative": "apoptosis", "positive": "mitosis"}
SETTINGS = SetSettings(0.9, OUTCOMES, "recording")


def tables(recordings=12, cells=6, frames=20, skill=3.0, seed=0):
    """Prefixes and trajectories: what is seen tells more the more frames are seen."""
    rng = np.random.default_rng(seed)
    names = [f"r{r:02}/{c}" for r in range(recordings) for c in range(cells)]
    label = rng.integers(0, 2, len(names))
    known = {"n_frames": frames, "recording": [name[:3] for name in names], "group": [f"g{int(name[1:3]) // 2}" for name in names]}
    trajectories = pd.DataFrame({"trajectory": names, **known})
    seen = np.arange(5, frames + 1)
    logit = (2 * label[:, None] - 1) * skill * seen / frames + rng.normal(0, 1.2, (len(names), len(seen)))
    prefixes = pd.DataFrame({"trajectory": np.repeat(names, len(seen)), "n_frames": np.tile(seen, len(names)), "split": "test"})
    probability = 1 / (1 + np.exp(-logit.ravel()))
    return prefixes.assign(label=np.repeat(label, len(seen)), logit=logit.ravel(), probability=probability), trajectories


def rows_of(unit="recording", **options):
    prefixes, trajectories = tables(**options)
    return labelled_prefixes(prefixes, trajectories, unit)


def test_prefixes_know_how_far_the_end_is_and_only_held_out_ones_with_an_outcome_count():
    prefixes, trajectories = tables(recordings=2)
    prefixes.loc[0, "split"], prefixes.loc[1, "label"] = "validation", None
    rows = labelled_prefixes(prefixes, trajectories, "group")
    assert len(rows) == len(prefixes) - 2
    assert (rows["before_end"] == 20 - rows["n_frames"]).all()
    assert set(rows["unit"]) == {"g0"}


def test_sets_hold_the_outcome_as_often_as_promised_and_decide_more_later():
    covered, promised = [], []
    for seed in range(20):
        rows = rows_of(seed=seed)
        table = tabulate_sets(rows, fit_run_sets(rows, 0.9), [0, 12], SETTINGS)
        check_table(table, SETS, "sets")
        covered.append(table["coverage"].mean())
        promised.append(table["promised"].mean())
        decided = table[table["scope"] == BEFORE_END].groupby("n")["decided"].mean()
        assert decided[0] > decided[12]
        assert set(table["scope"]) == {BEFORE_END, SEEN}
    assert promised[0] == pytest.approx(0.9)  # 11 other recordings promise 0.9 too
    assert np.mean(covered) >= 0.9 - 3 * np.std(covered) / np.sqrt(len(covered))


def test_a_recording_is_judged_by_the_others():
    rows = rows_of()
    strange = rows["unit"] == "r00"
    rows.loc[strange, "probability"] = 1 - rows.loc[strange, "label"].to_numpy() * 1.0  # sure and wrong
    sets = held_out_sets(rows, 0.9)
    own = sets.holds[strange.to_numpy(), rows.loc[strange, "label"].to_numpy()]
    assert not own.any()


@pytest.mark.parametrize("recordings", [1, 3])
def test_with_few_recordings_nothing_is_promised_and_the_reason_is_said(recordings):
    rows = rows_of(recordings=recordings)
    table = check_table(tabulate_sets(rows, fit_run_sets(rows, 0.9), [0], SETTINGS), SETS, "sets")
    assert table["promised"].isna().all()
    reason = "each recording is judged by the others; (0 others have|1 other has|2 others have) it, 4 are needed"
    assert table["reason"].str.fullmatch(reason).all()
    assert table["coverage"].to_numpy() == pytest.approx(1)
    assert table["ci_low"].isna().all()
    assert (table["decided"] == 0).all()


def test_groups_are_what_is_exchangeable_where_groups_are_held_out():
    rows = rows_of("group")
    table = tabulate_sets(rows, fit_run_sets(rows, 0.9), [0], SetSettings(0.9, OUTCOMES, "group"))
    assert (table["n_units"] == 6).all()
    assert table["promised"].max() == pytest.approx(5 / 6)  # the five other groups


def test_no_prefix_gives_empty_tables():
    prefixes, trajectories = tables(recordings=1)
    rows = labelled_prefixes(prefixes.assign(split="validation"), trajectories, "recording")
    assert fit_run_sets(rows, 0.9) is None
    assert tabulate_sets(rows, None, [0, 5], SETTINGS).empty
    assert tabulate_triage(rows, [0]).empty


def test_triage_counts_the_surest_first_and_knows_what_calling_all_alike_costs():
    rows = pd.DataFrame({"before_end": 3, "probability": [0.99, 0.9, 0.2, 0.6], "label": [1, 1, 1, 1]})
    table = check_table(tabulate_triage(rows, [3]), TRIAGE, "triage")
    assert table["called"].tolist() == [0.25, 0.5, 0.75, 1.0]
    assert table["wrong"].tolist() == pytest.approx([0, 0, 1 / 3, 1 / 4])
    assert (table["always"] == 0).all()


def test_the_report_says_how_many_are_decided_or_why_nothing_is_promised():
    rows = rows_of()
    found = sets_lines(tabulate_sets(rows, fit_run_sets(rows, 0.9), [0, 5], SETTINGS))
    assert len(found) == 2
    assert found[0].startswith("Sets of outcomes of “apoptosis” with all frames seen: the true outcome is in ")
    few = rows_of(recordings=3)
    assert sets_lines(tabulate_sets(few, fit_run_sets(few, 0.9), [0], SETTINGS)) == [
        "No set of outcomes is promised for “apoptosis”: each recording is judged by the others; 1 other has it, 4 are needed."
    ]
