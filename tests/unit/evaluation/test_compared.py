"""Two runs side by side: which cells are compared, the numbers, what is refused, and the verdict."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference
from toy_design import OUTCOMES, design_of, split_of
from toy_runs import write_run

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table, read_table, write_table
from cellfate.evaluation.compared.matching import match
from cellfate.evaluation.compared.runs import differing_settings, read_run
from cellfate.evaluation.compared.scores import NO_ECE, NO_F1, compare_runs
from cellfate.evaluation.compared.tables import RUN_COMPARISON, RUN_PREDICTIONS
from cellfate.evaluation.compared.words import described, verdict
from cellfate.statistics.intervals import score_interval
from cellfate.statistics.scores import balanced_accuracy, difference
from cellfate.trajectories.tables import TRAJECTORIES

EVEN = design_of([0.5] * 12)


def runs(a, b):
    return read_run(a, "first"), read_run(b, "second")


def compared(a, b):
    """The matched runs and their table."""
    one, other = runs(a, b)
    matched = match(one, other)
    return matched, check_table(compare_runs(matched, ("first", "second"), 10), RUN_COMPARISON, "t")


def row_of(table, metric, name="all", condition="full", n=0):
    rows = table[(table["metric"] == metric) & (table["class"] == name) & (table["condition"] == condition) & (table["n"] == n)]
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two runs of 240 cells that both held out, of 12 recordings, and their comparison."""
    folder = tmp_path_factory.mktemp("runs")
    paths = write_run(folder / "a", 0.72), write_run(folder / "b", 0.9, seed=100)
    return (*runs(*paths), *compared(*paths))


def said(run, condition="full", n=0):
    rows = run.predictions[(run.predictions["condition"] == condition) & (run.predictions["n"] == n)]
    return rows.sort_values("trajectory")


# ---- numbers ----


@pytest.mark.parametrize(("condition", "n"), [("full", 0), ("truncation", 5)])
def test_scores_are_scikit_learns(two, condition, n):
    table = two[3]
    for side, run in zip("ab", two[:2], strict=True):
        rows = said(run, condition, n)
        y, guess = rows["label"], rows["logit"] > 0
        p = 1 / (1 + np.exp(-rows["logit"] / 1.3))
        expected = {
            "balanced_accuracy": reference.balanced_accuracy_score(y, guess),
            "f1_macro": reference.f1_score(y, guess, average="macro"),
            "auroc": reference.roc_auc_score(y, rows["logit"]),
            "log_loss": reference.log_loss(y, p),
            "brier": reference.brier_score_loss(y, p),
        }
        for metric, value in expected.items():
            assert row_of(table, metric, "all", condition, n)[side] == pytest.approx(value)
        assert row_of(table, "recall", "apoptosis", condition, n)[side] == pytest.approx(1 - guess[y == 0].mean())
        assert row_of(table, "recall", "mitosis", condition, n)[side] == pytest.approx(guess[y == 1].mean())


def test_the_expected_calibration_error_is_that_over_the_bins(two):
    rows = said(two[0])
    p, gap = 1 / (1 + np.exp(-rows["logit"] / 1.3)), 0
    for low in np.arange(10) / 10:
        inside = (p >= low) & (p < low + 0.1)
        gap += abs(rows["label"][inside].sum() - p[inside].sum())
    assert row_of(two[3], "ece")["a"] == pytest.approx(gap / len(rows))


def test_differences_are_those_of_the_second_less_the_first_cell_by_cell(two):
    a, b, _, table = two
    first, second = said(a), said(b)
    assert (first["trajectory"].to_numpy() == second["trajectory"].to_numpy()).all()
    scores = [balanced_accuracy(rows["label"], rows["logit"] > 0) for rows in (first, second)]
    own = score_interval(difference(*scores[::-1]), first["recording"], names=("a", "b"), unit="recording")
    row = row_of(table, "balanced_accuracy")
    assert row["difference"] == pytest.approx(row["b"] - row["a"]) == pytest.approx(scores[1].value - scores[0].value)
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((own.low, own.high))
    assert (row["units"], row["units_negative"], row["units_positive"], row["unit"]) == (12, 12, 12, "recording")


def test_every_difference_has_an_interval_or_the_reason(two):
    table = two[3]
    for column in ("a", "b", "difference"):
        bare = table[table[f"{column}_low"].isna()]
        assert bare[f"{column}_reason"].notna().all()
        assert table.loc[table[f"{column}_low"].notna(), f"{column}_reason"].isna().all()
    assert set(table.loc[table["difference_low"].isna(), "metric"]) == {"f1_macro", "ece"}
    assert row_of(table, "f1_macro")["difference_reason"] == NO_F1
    assert row_of(table, "ece")["a_reason"] == NO_ECE


def test_agreement_is_counted_in_all_and_by_outcome(two):
    a, b, _, table = two
    first, second = (rows["label"].to_numpy() == (rows["logit"] > 0).to_numpy() for rows in (said(a), said(b)))
    expected = [int(which.sum()) for which in (first & second, first & ~second, second & ~first, ~first & ~second)]
    columns = ["both_right", "only_a_right", "only_b_right", "none_right"]
    assert row_of(table, "balanced_accuracy")[columns].tolist() == expected
    by_class = sum(row_of(table, "recall", name)[columns].to_numpy() for name in OUTCOMES.values())
    assert by_class.tolist() == expected


def test_groups_are_the_units_where_both_runs_held_out_groups(tmp_path):
    number = EVEN["recording"].str[1:].astype(int)
    grouped = EVEN.assign(group="g" + (number % 4).astype(str))
    a = write_run(tmp_path / "a", 0.7, trajectories=grouped, split=split_of(grouped, 4))
    b = write_run(tmp_path / "b", 0.8, trajectories=grouped, split=split_of(grouped, 4), seed=9)
    row = row_of(compared(a, b)[1], "balanced_accuracy")
    assert (row["unit"], row["units"]) == ("group", 4)
    c = write_run(tmp_path / "c", 0.8, trajectories=grouped, split=split_of(grouped, 3), seed=9)
    row = row_of(compared(a, c)[1], "balanced_accuracy")
    assert (row["unit"], row["units"]) == ("recording", 12), "where one run split groups the recording is what both held out"


# ---- which cells ----


def test_what_one_run_learned_from_is_never_compared_and_counted(tmp_path):
    a = write_run(tmp_path / "a", 0.8)
    b = write_run(tmp_path / "b", 0.8, split=split_of(EVEN, 4).query("fold == 1"))
    matched, table = compared(a, b)
    tested = set(EVEN.loc[EVEN["recording"].isin(["r1", "r5", "r9"]), "trajectory"])
    assert set(matched.pairs["trajectory"]) == tested
    assert matched.left_out == ({"trained on second": 120, "validated on second": 60}, {})
    assert row_of(table, "balanced_accuracy")["n_trajectories"] == 60
    text = described(*runs(a, b), matched, table)
    assert "Left out: 180 cells that first alone held out: 120 trained on second, 60 validated on second." in text


def test_cells_that_one_run_does_not_use_or_know_are_counted(tmp_path):
    a = write_run(tmp_path / "a", 0.8)
    fewer = EVEN[EVEN["recording"] != "r3"].reset_index(drop=True)
    fewer.loc[:4, ["usable", "reason"]] = False, "not more than 30 frames"
    split = split_of(fewer, 4)
    b = write_run(tmp_path / "b", 0.8, trajectories=fewer, split=split[~split["trajectory"].isin(fewer["trajectory"][:5])])
    assert match(*runs(a, b)).left_out == ({"not in the tracks of second": 20, "not used in second": 5}, {})


def test_runs_that_held_out_nothing_in_common_are_refused_in_words(tmp_path):
    split = split_of(EVEN, 4)
    a, b = (write_run(tmp_path / str(fold), 0.8, split=split[split["fold"] == fold]) for fold in (0, 2))
    with pytest.raises(InputError, match=r"no trajectory was held out in it and in .*0.*first held out 60 \(trained on second 60\)"):
        match(*runs(a, b))


def renamed(rows):
    return rows.assign(trajectory="x" + rows["trajectory"])


def of_another_outcome(rows):
    return rows.assign(outcome=rows["outcome"].replace({"mitosis": "lysis"}))


def relabelled(rows):
    which = rows.index.isin(rows.index[rows["label"] == 0][:20])
    return rows.assign(outcome=rows["outcome"].where(~which, "mitosis"), label=rows["label"].where(~which, 1))


def elsewhere(rows):
    return rows.assign(first_frame=500, last_frame=540)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (of_another_outcome, r"its outcomes are apoptosis \(negative\) and lysis \(positive\), those of"),
        (renamed, "none of its trajectories is in"),
        (relabelled, r"20 of 240 trajectories have another outcome .* the first is r0/\d+, mitosis and not apoptosis"),
        (elsewhere, "240 of 240 trajectories have no frame in common .* frames 500 to 540 and not"),
    ],
)
def test_other_data_are_refused_in_words(tmp_path, change, words):
    a, b = write_run(tmp_path / "a", 0.8), write_run(tmp_path / "b", 0.8)
    write_table(change(EVEN), b / "trajectories.parquet", TRAJECTORIES)
    with pytest.raises(InputError, match=words):
        match(*runs(a, b))


def test_other_frames_and_frames_of_the_event_are_noted(tmp_path):
    longer = EVEN.assign(last_frame=EVEN["last_frame"] + 4, n_frames=EVEN["n_frames"] + 4)
    a, b = write_run(tmp_path / "a", 0.8), write_run(tmp_path / "b", 0.8, trajectories=longer)
    notes = match(*runs(a, b)).notes
    assert notes[0].startswith("Other frames were seen of 240 of 240 cells: in second they end 4.0 frames later on average.")
    assert notes[1].startswith("In second the frames of 240 of 240 cells show the event itself (trajectories.cut_at_event)")
    assert match(*runs(a, a)).notes == []


def test_training_on_the_recordings_of_held_out_cells_is_noted(tmp_path):
    names, number = EVEN["trajectory"], np.arange(len(EVEN)) % 4
    parts = [np.where(number == fold, "test", "train") for fold in range(4)]
    split = pd.concat([pd.DataFrame({"trajectory": names, "fold": fold, "split": of}) for fold, of in enumerate(parts)], ignore_index=True)
    a, b = write_run(tmp_path / "a", 0.8), write_run(tmp_path / "b", 0.8, split=split)
    notes = match(*runs(a, b)).notes
    assert len(notes) == 1
    assert notes[0].startswith("second trained on other cells of the recordings of 240 of 240 cells")


# ---- reading ----


def test_both_names_of_the_calibrated_probability_are_read(tmp_path):
    new, old = write_run(tmp_path / "new", 0.8), write_run(tmp_path / "old", 0.8, column="probability_calibrated")
    path = old / "fold-0/predictions.parquet"
    older = pd.read_parquet(path).assign(probability=0.5)
    older.to_parquet(path)
    table = compared(old, new)[1]
    assert row_of(table, "log_loss")["difference"] == 0
    older.drop(columns=["probability", "probability_calibrated"]).to_parquet(path)
    with pytest.raises(InputError, match="no column of probabilities"):
        read_run(old, "old")


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no such folder; a run is results/<dataset>/<protocol>"):
        read_run(tmp_path / "no", "a")
    with pytest.raises(InputError, match="a finished run is needed"):
        read_run(tmp_path, "a")
    (tmp_path / "MODEL_CARD.md").touch()
    with pytest.raises(InputError, match="an exported model; runs are compared"):
        read_run(tmp_path, "a")


def test_a_damaged_file_of_settings_is_named_and_none_is_no_error(tmp_path):
    folder = write_run(tmp_path / "a", 0.8)
    settings = folder / "fold-0/model/settings.json"
    settings.write_text("{")
    with pytest.raises(InputError, match=r"settings\.json: cannot be read"):
        read_run(folder, "a")
    settings.unlink()
    run = read_run(folder, "a")
    assert run.settings is None
    assert differing_settings(run, run) == ("models", None)
    assert "Settings: not kept in both runs." in described(run, run, *compared(folder, folder))


def test_settings_that_differ_are_listed_and_what_training_found_is_not(tmp_path):
    a, b = write_run(tmp_path / "a", 0.8), write_run(tmp_path / "b", 0.8)
    path = b / "fold-0/model/settings.json"
    content = json.loads(path.read_text()) | {"model": {"width": 16, "layers": [1, 1]}, "crop_size": 112, "best": {"epoch": 9}}
    path.write_text(json.dumps(content | {"software": "cellfate 9", "scaling": {"mode": "reference", "mean": [2.0]}}))
    one, other = runs(a, b)
    expected = {"model.width": (8, 16), "scaling.mode": ("corrected", "reference"), "crop_size": (None, 112)}
    assert differing_settings(one, other) == ("models", expected)
    text = described(one, other, *compared(a, b))
    assert "  model.width: 8 | 16" in text
    assert "  crop_size: - | 112" in text
    assert "(cellfate 9)" in text


def test_runs_that_keep_their_configuration_say_everything_that_differs(tmp_path):
    a, b = write_run(tmp_path / "a", 0.8), write_run(tmp_path / "b", 0.8)
    (a / "configuration.json").write_text(json.dumps({"split": {"folds": 1}, "seed": 7}))
    assert differing_settings(*runs(a, b))[0] == "models"  # of b it is not known
    (b / "configuration.json").write_text(json.dumps({"split": {"folds": 4}, "seed": 7}))
    assert differing_settings(*runs(a, b)) == ("runs", {"split.folds": (1, 4)})
    assert "Settings of the runs that differ:\n  split.folds: 1 | 4" in described(*runs(a, b), *compared(a, b))
    (b / "configuration.json").write_text("{")
    with pytest.raises(InputError, match=r"configuration\.json: cannot be read"):
        read_run(b, "b")


# ---- the verdict ----


def changed(a, to, change):
    """A copy of the run ``a`` at ``to`` whose predictions are changed by a function of them."""
    to = write_run(to, 0.8)
    for path in sorted(to.glob("fold-*/predictions.parquet")):
        rows = read_table(a / path.relative_to(to), RUN_PREDICTIONS)
        write_table(change(rows), path, RUN_PREDICTIONS)
    return to


def test_the_better_run_is_named_whichever_it_is(tmp_path):
    a, b = write_run(tmp_path / "a", 0.72), write_run(tmp_path / "b", 0.9, seed=100)
    ahead, behind = verdict(compared(a, b)[1]), verdict(compared(b, a)[1])
    assert ahead.startswith("second is better: its balanced accuracy is higher by 0.208 (95 % interval 0.122 to 0.295), on 240 cells of 12")
    assert behind == ahead.replace("second", "first")


def test_runs_that_say_the_same_are_called_so(tmp_path):
    a = write_run(tmp_path / "a", 0.8)
    assert verdict(compared(a, a)[1]) == "The runs say the same of each of the 240 cells."


def test_where_nothing_is_shown_it_says_what_would_be_needed(tmp_path):
    table = compared(write_run(tmp_path / "a", 0.8), write_run(tmp_path / "b", 0.82, seed=20))[1]
    row = row_of(table, "balanced_accuracy")
    half = (row["difference_high"] - row["difference_low"]) / 2
    assert row["difference_low"] < 0 < row["difference_high"]
    needed = int(np.ceil(12 * (half / abs(row["difference"])) ** 2))
    many = f"about {needed}" if needed <= 1000 else "more than 1000"
    text = verdict(table)
    assert text.startswith("No difference is shown: second less first in balanced accuracy is ")
    assert f"a difference below about {half:.2f} cannot be seen in so few, one of this size would need {many} recordings" in text


def test_without_an_interval_the_verdict_gives_the_reason(tmp_path):
    two = design_of([0.5] * 2)
    split = split_of(two, 2).replace({"split": {"validation": "train"}})
    a, b = (write_run(tmp_path / name, 0.8, trajectories=two, split=split, seed=len(name)) for name in ("a", "bb"))
    text = verdict(compared(a, b)[1])
    assert text.startswith("No difference can be shown: second less first in balanced accuracy is ")
    assert "without an interval (apoptosis: 2 recordings, at least 3 are needed)" in text


def test_cells_of_one_outcome_say_nothing(tmp_path):
    a = write_run(tmp_path / "a", 0.8)
    b = changed(a, tmp_path / "b", lambda rows: rows[rows["label"] == 1].assign(logit=1.0))
    matched, table = compared(a, b)
    assert verdict(table) == "Nothing can be said: the 120 cells that both runs held out are all of one outcome."
    assert matched.left_out[0] == {"held out, but not predicted in second": 120}
    assert described(*runs(a, b), matched, table)


def test_log_loss_is_added_where_it_says_otherwise(tmp_path):
    a = write_run(tmp_path / "a", 0.9)
    rash = changed(a, tmp_path / "b", lambda rows: rows.assign(probability=1 / (1 + np.exp(-rows["logit"] * 20))))
    text = verdict(compared(a, rash)[1])
    assert text.startswith("No difference is shown: second less first in balanced accuracy is +0.000 (95 % interval ")
    assert "; but in their probabilities first is better: its log-loss is lower by " in text


def test_runs_without_a_common_number_of_dropped_frames_are_compared_in_full(tmp_path):
    a = write_run(tmp_path / "a", 0.8)
    b = changed(a, tmp_path / "b", lambda rows: rows[rows["condition"] == "full"])
    matched, table = compared(a, b)
    assert set(table["condition"]) == {"full"}
    assert "no number of dropped frames is in both runs" in described(*runs(a, b), matched, table)
