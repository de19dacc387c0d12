"""Fate over time on the summary page and in the headline."""

import pandas as pd
from toy_risk_tables import tables

from cellfate.evaluation.risks.words import verdict
from cellfate.report.sections.risks import RiskTables, missing_risks, risks_section

TRACKS = pd.DataFrame({"last_frame": [90, 119], "event_frame": [None, 120], "frame_interval_min": 15.0})  # 30 h
NAMES = ["cell_death", "division"]


def risk_tables(reason=None, **leads):
    """The tables; ``leads`` are those of methods within 5 h, with their lower limits."""
    scores, calibration, alarms, fates, _ = tables(reason)
    for method, (brier, lead, low) in leads.items():
        own = (scores["method"] == method) & (scores["horizon_hours"] == 5)
        scores.loc[own, ["brier", "lead", "lead_low", "lead_high"]] = [brier, lead, low, lead + 0.05]
    return RiskTables(scores, calibration, alarms, fates)


def test_the_first_sentence_says_who_is_beaten():
    better = {"clock": (0.14, 0.04, 0.02), "age": (0.15, 0.05, 0.02)}
    wins = verdict(risk_tables(**better, rings_any_frame=(0.12, 0.02, 0.01), rings_prefix=(0.13, 0.03, 0.01)).scores)
    assert wins.startswith("Fate over time, within 5 h: the risks are better than a clock since the drug or the film's start (Brier score")
    assert "and better than the best baseline, rings and hours of any frame, logistic" in wins
    ties = verdict(risk_tables(**better, rings_any_frame=(0.12, 0.02, -0.01), rings_prefix=(0.13, 0.03, 0.01)).scores)
    assert "and not shown to be better than the best baseline, rings and hours of any frame" in ties
    loses = verdict(risk_tables(**better, rings_any_frame=(0.12, 0.02, 0.01), rings_prefix=(0.09, -0.01, -0.03)).scores)
    assert "and no better than the best baseline, rings and hours of the whole prefix, boosting" in loses
    other_clock = verdict(risk_tables(clock=(0.14, 0.04, 0.02), age=(0.09, -0.01, -0.02), rings_any_frame=(0.12, 0.02, 0.01)).scores)
    assert "the risks are no better than a clock since the track's start" in other_clock


def test_the_section_has_the_verdict_first_and_a_row_for_each_method():
    found = risks_section(risk_tables(clock=(0.14, 0.04, 0.02), age=(0.15, 0.05, 0.02)), NAMES)
    assert found["lines"][0].startswith("Fate over time")
    assert found["hours"] == ["2", "5", "10"]
    assert [row["label"] for row in found["rows"]][:2] == ["the risks", "a clock since the drug or the film's start"]
    assert found["rows"][0]["cells"][0] == ("+0.20", "-0.40 to +0.50")
    text = " ".join(found["lines"])
    assert "0.020 for cell death and 0.020 for division" in text
    assert "cell death: 50 % of 20 (30 % to 70 %), in the median 4 h ahead (false in 4 % of 100 cells without an event)" in text
    assert "2 h before the event the outcome has a log-loss of 0.30 by the risks" in text


def test_without_risks_there_is_no_section_and_what_is_missing_has_its_reason():
    assert risks_section(None, NAMES)["rows"] == []
    assert missing_risks(None, TRACKS) == []
    lacking = risk_tables("2 held-out cells had an outcome")
    assert risks_section(lacking, NAMES)["lines"] == ["Fate over time, within 5 h: not measured, 2 held-out cells had an outcome."]
    lines = missing_risks(lacking, TRACKS)
    assert lines[0] == "Not measured: risks within 2 h; 2 held-out cells had an outcome."
    assert len(lines) == len(set(lines)) == 5
    assert pd.Series(lines).str.endswith("2 held-out cells had an outcome.").all()
