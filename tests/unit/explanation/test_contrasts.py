import numpy as np
import pandas as pd
import pytest

from cellfate.base.tables import check_table
from cellfate.explanation.contrasts import HeldOutCells, contrast_features
from cellfate.explanation.findings import describe_features
from cellfate.explanation.tables import CONTRASTS, EFFECT_SUMMARY, FINDINGS, TRACES
from cellfate.explanation.traces import average_traces

NAMES = {"negative": "apoptosis", "positive": "mitosis"}
FATES = ("apoptosis", "mitosis")
NO_EFFECTS = pd.DataFrame({name: pd.Series(dtype=object) for name in EFFECT_SUMMARY.columns})


def cells(recordings=6, each=10, length=24, rise=0.0, growth=0.0, seed=0, labels=None):
    """Noise with a common growth, a rise of mitosis in its last 8 frames (4 hours); a constant feature; one that is nowhere measured."""
    rng = np.random.default_rng(seed)
    units = np.repeat([f"r{i}" for i in range(recordings)], each)
    labels = np.arange(len(units)) % 2 if labels is None else np.full(len(units), labels)
    before_end = np.arange(length)[::-1]
    values = []
    for label in labels:
        area = rng.normal(size=length) - growth * before_end + rise * label * (before_end < 8)
        values.append(np.stack([area, np.ones(length), np.full(length, np.nan)]))
    names = ["area", "constant", "nowhere"]
    return HeldOutCells(names, values, [before_end / 2.0] * len(units), np.full(len(units), 0.5), labels, units)


def contrasts(own, edges=(0, 4, 8), **settings):
    settings = {"draws": 400, "correction": "benjamini-hochberg", "seed": 1} | settings
    return check_table(contrast_features(own, edges, **settings), CONTRASTS, "c")


def findings(table):
    found = check_table(describe_features(table, NO_EFFECTS, NAMES, "attention"), FINDINGS, "f")
    return found.set_index("feature")


def test_a_rise_is_found_in_its_window_alone():
    table = contrasts(cells(rise=1.0)).set_index(["feature", "hours_from"])
    late, early = table.loc[("area", 0)], table.loc[("area", 4)]
    assert late["survives"]
    assert late["delta"] > 0.9
    assert late["q_value"] < 0.02
    assert not early["survives"]
    sentence = findings(table.reset_index()).loc["area", "sentence"]
    assert sentence.startswith("Higher before mitosis than before apoptosis 0 to 4 h (delta +")
    assert "; not shown: 4 to 8 h delta" in sentence


def test_growth_of_all_cells_cancels():
    table = contrasts(cells(growth=5.0)).set_index(["feature", "hours_from"])
    assert not table.loc["area", "survives"].any()
    assert (table.loc["area", "delta"].abs() < 0.5).all()


def test_a_constant_and_an_unmeasured_feature_say_so():
    table = contrasts(cells(rise=1.0))
    reasons = table.set_index("feature")["reason"]
    assert set(reasons["constant"]) == {"it is the same in all cells"}
    assert set(reasons["nowhere"]) == {"no held-out cell has a value"}
    assert findings(table).loc["nowhere", "sentence"].startswith("Not compared between the outcomes: no held-out cell has a value.")
    assert "(0 to 4 h delta +0.00, q 1, no interval, it is the same in all cells" in findings(table).loc["constant", "sentence"]


def test_an_absent_outcome_is_said():
    table = contrasts(cells(labels=1))
    area = table[table["feature"] == "area"]
    assert area["p_value"].isna().all()
    assert (area["recordings_alone"] == 6).all()
    assert set(area["reason"]) == {"none of 6 recordings has both outcomes"}
    assert "none of 6 recordings has both outcomes" in findings(table).loc["area", "sentence"]


def test_two_recordings_have_a_test_but_no_interval_so_nothing_survives():
    table = contrasts(cells(recordings=2, each=20, rise=2.0))
    late = table[table["feature"] == "area"].iloc[0]
    assert late["q_value"] < 0.05
    assert not late["survives"]
    assert late["reason"] == "2 recordings, at least 3 are needed, with both outcomes"
    assert "no interval, 2 recordings, at least 3" in findings(table).loc["area", "sentence"]


def test_so_few_cells_that_no_exchange_tells():
    table = contrasts(cells(recordings=3, each=2, rise=5.0))
    area = table[table["feature"] == "area"]
    assert (area["p_value"] > 0.05).all()
    assert area["reason"].iloc[0] == "outcomes can be exchanged in 8 ways only, so p cannot be below 0.05"


def test_short_tracks_do_not_reach_an_early_window():
    own = cells()
    short = [place < 30 for place in range(60)]
    values = [one[:, -8:] if cut else one for one, cut in zip(own.values, short, strict=True)]
    hours = [one[-8:] if cut else one for one, cut in zip(own.hours, short, strict=True)]
    table = contrasts(HeldOutCells(own.names, values, hours, own.steps, own.labels, own.recordings))
    area = table[table["feature"] == "area"]
    assert area["reach_negative"].tolist() == [1, 0.5]
    assert area["recordings"].tolist() == [6, 3]


def test_without_windows_the_sentence_says_so():
    assert contrasts(cells(), edges=()).empty
    effects = pd.DataFrame([("mitosis", "area", "kept")], columns=["outcome", "feature", "course"]).reindex(columns=EFFECT_SUMMARY.columns)
    found = describe_features(contrasts(cells(), edges=()), effects, NAMES, "attention")
    assert found["sentence"].iloc[0].startswith("Not compared at the same time before the end (statistics.windows is null). Frames of high")


def test_without_correction_p_decides():
    area = contrasts(cells(rise=1.0), correction="none").iloc[0]
    assert pd.isna(area["q_value"])
    assert area["survives"]


def test_traces_are_means_by_outcome_with_intervals_by_recording():
    own = cells(rise=3.0)
    table = check_table(average_traces(own, FATES), TRACES, "t").set_index(["outcome", "feature", "hours_before_end"]).sort_index()
    last = table.loc[("mitosis", "area", 0.0)]
    values = np.array([one[0, -1] for one, label in zip(own.values, own.labels, strict=True) if label])
    assert last["mean"] == pytest.approx(values.mean())
    assert last["ci_low"] < last["mean"] < last["ci_high"]
    assert (last["n_trajectories"], last["n_recordings"]) == (30, 6)
    assert "nowhere" not in table.index.get_level_values("feature")
    assert table.loc[("mitosis", "constant", 0.0), "reason"] == "every cell contributes the same"
