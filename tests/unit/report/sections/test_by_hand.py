"""Scores of a run before and after its tracks were corrected by hand."""

import json

import pandas as pd
import pytest

from cellfate.planning.digests import digest_without_corrections
from cellfate.report.sections.by_hand import FILE, SCORES, StateByHand, keep_scores, scores_section, state_of

NOTHING = StateByHand("s", "c0", 0, 0)
ONE, TWO = StateByHand("s", "c1", 1, 0), StateByHand("s", "c2", 2, 3)


def metrics(value):
    """The table METRICS: headline scores of ``value``, and rows of others, which are no headline."""
    row = {"scope": "all", "class": "all", "ci_low": value - 0.1, "ci_high": None if value < 0.5 else value + 0.1, "n_trajectories": 40}
    rows = [row | {"metric": name, "value": value} for name in SCORES]
    others = [row | {"metric": name, "value": 0.01, "scope": "cisplatin", "n_trajectories": 99} for name in SCORES]
    return pd.DataFrame([*others, *rows])


def test_scores_that_stood_before_are_beside_those_now(tmp_path):
    assert scores_section(keep_scores(tmp_path, NOTHING, metrics(0.7), "2026-11-01"), NOTHING)["rows"] == []
    keep_scores(tmp_path, ONE, metrics(0.75), "2026-11-02")
    found = scores_section(keep_scores(tmp_path, TWO, metrics(0.8), "2026-11-03"), TWO)
    assert found["head"] == [
        "nothing by hand (2026-11-01)",
        "before: 1 corrected (2026-11-02)",
        "now: 2 corrected, 3 changes of tracks (2026-11-03)",
    ]
    assert found["rows"][0] == ["held-out trajectories", "40", "40", "40"]
    assert found["rows"][1] == ["balanced accuracy", "0.700 (0.600 to 0.800)", "0.750 (0.650 to 0.850)", "0.800 (0.700 to 0.900)"]
    assert found["words"] == ""


def test_a_state_has_one_column_however_often_it_is_run(tmp_path):
    for date in ("2026-11-01", "2026-11-02"):
        kept = keep_scores(tmp_path, ONE, metrics(0.75), date)
    found = scores_section(kept, ONE)
    assert found["head"] == ["now: 1 corrected (2026-11-02)"]
    assert found["words"].startswith("The scores without any of it are not known")


def test_other_settings_are_not_compared(tmp_path):
    keep_scores(tmp_path, StateByHand("other", "c0", 0, 0), metrics(0.9), "2026-11-01")
    assert scores_section(keep_scores(tmp_path, ONE, metrics(0.4), "2026-11-02"), ONE)["head"] == ["now: 1 corrected (2026-11-02)"]


def test_a_damaged_file_is_named_and_passed_over(tmp_path, capsys):
    (tmp_path / FILE).write_text("{")
    assert len(keep_scores(tmp_path, ONE, metrics(0.7), "2026-11-02")) == 1
    assert "earlier scores cannot be read" in capsys.readouterr().err
    assert len(json.loads((tmp_path / FILE).read_text())["scores"]) == 1


@pytest.mark.parametrize("key", ["corrections", "edited"])
def test_the_state_knows_what_changed(tmp_path, key):
    config = {"tracks": {"corrections": None, "edited": None, "event_gap": 2}, "seed": 1}
    changed = {**config, "tracks": {**config["tracks"], key: "x"}}
    assert digest_without_corrections(config) == digest_without_corrections(changed)
    assert digest_without_corrections(config) != digest_without_corrections({**config, "seed": 2})
    (tmp_path / "r.json").write_text("1")
    states = [state_of("d", "[]", [{"track_id": 1}], [tmp_path / "r.json"], []), state_of("d", "[]", [], [], [])]
    (tmp_path / "r.json").write_text("2")
    states.append(state_of("d", "[]", [{"track_id": 1}], [tmp_path / "r.json"], []))
    assert len({state.content for state in states}) == 3
    assert len({state.settings for state in states}) == 1
    assert state_of("d", "[1]", [], [], []).settings != states[0].settings
