"""The summary page: its numbers, its caveats, and that it needs no other file."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.base.files import write_json
from cellfate.base.plot_style import empty_figure, save_figure
from cellfate.base.tables import check_table
from cellfate.evaluation.ablations.tables import ABLATIONS
from cellfate.evaluation.tables import (
    BASELINES,
    CALIBRATION,
    DESIGN_LINES,
    DESIGN_SCORES,
    METRICS,
    RECORDING_SHIFT,
    RECORDING_SPREAD,
    SCORE_BY_CONFIDENCE,
    SETS,
    SPLIT_AUDIT,
)
from cellfate.evaluation.time.tables import KNOWN_FROM
from cellfate.explanation.tables import (
    ATTRIBUTION_SCORES,
    COMPARED_STEPS,
    COMPARISON_STEPS,
    COVERAGE_PHASES,
    EFFECT_SUMMARY,
    FINDINGS,
    SEGMENTATION_COVERAGE,
)
from cellfate.report.page import Summary, caveats, summary_page, write_summary
from cellfate.report.sections.cells import ShownCells
from cellfate.report.sections.not_measured import lengths_line, missing_effects, missing_occlusion, missing_steps
from cellfate.report.sections.probabilities import calibration_caveats
from cellfate.tracks.edits.file import EditedRecording
from cellfate.trajectories.tables import FLOW

FATES = {"negative": "cell_death", "positive": "division"}
NAMES = list(FATES.values())
UNITS = (6, 7, "cluster-robust t, 5.0 df", None)
NONE = (2, 7, None, "cell_death: 2 recordings, at least 3 are needed")
CAPTIONS = sorted(Path(__file__).parents[3].glob("workflow/report/*.rst"))


def table(declared, rows):
    return check_table(pd.DataFrame(rows, columns=list(declared.columns)), declared, "test")


KNOWN = table(KNOWN_FROM, [("network", 10, 5.0, None, None, 40, 4, 4, "no range: few recordings")])


def metrics(sizes=(200, 300), units=UNITS):
    rows = []
    for scope in ("all", "cisplatin"):
        key = (scope, "full", 0, "all")
        ends = (0.811, 0.957) if units[-1] is None else (None, None)
        rows.append((*key, "balanced_accuracy", "all", 0.8768, *ends, sum(sizes), *units))
        rows.append((*key, "recall", NAMES[0], 0.75, *ends, sizes[0], *units))
        rows.append((*key, "recall", NAMES[1], None, None, None, sizes[1], *NONE))
        rows.append((*key, "n_recordings", "all", 12.0, None, None, sum(sizes), *units))
    return table(METRICS, rows)


def truncation(last=0.6):
    rows = []
    for n, value in ((0, 0.9), (5, 0.8), (10, last)):
        for cohort, size in (("all", 480 - n), ("fixed", 142)):
            rows.append(("cisplatin", "truncation", n, cohort, "balanced_accuracy", "all", value, None, None, size, *NONE))
    return table(METRICS, rows)


def curve(sizes, condition="truncation", values=None):
    """Metrics by n of trajectories of the two outcomes, {n: (negative, positive)}."""
    rows = []
    for n, counts in sizes.items():
        value = 0.8 if min(counts) else None
        rows.append(("cisplatin", condition, n, "all", "balanced_accuracy", "all", value, None, None, sum(counts), *NONE))
        rows += [
            ("cisplatin", condition, n, "all", "recall", name, 0.8, None, None, k, *NONE) for name, k in zip(NAMES, counts, strict=True)
        ]
    return table(METRICS, rows)


def steps(*counts):
    """Of the two outcomes in turn: the numbers of trajectories after each step."""
    rows = [
        (name, step, n, 50 if step == "long enough" else None)
        for name, own in zip(NAMES, counts, strict=True)
        for step, n in zip(COMPARED_STEPS, own, strict=True)
    ]
    return table(COMPARISON_STEPS, rows)


def trajectories():
    return pd.DataFrame({"n_frames": [20, 20, 22, 30], "usable": True, "treatment": "cisplatin"})


SETTINGS = {
    "evaluation.truncation": "auto",
    "evaluation.last_k": "auto",
    "evaluation.treatment": "cisplatin",
    "evaluation.ablations": ["cell", "channels", "frames"],
    "attention.occlusion_window": "auto",
    "explanation.methods": ["occlusion"],
    "statistics.min_frames": "auto",
    "statistics.high_percentile": 90,
}


def flow():
    rows = [("tracks", "cell_death", "none", 3), ("tracks", "censored", "cisplatin", 50), ("tracks", "no_event_by_end", "cisplatin", 4)]
    rows += [("tracks", "division", "cisplatin", 10), ("with a fate", "cell_death", "none", 2), ("with a fate", "division", "cisplatin", 9)]
    return table(FLOW, rows)


def recording_shift(outside=0):
    rows = [
        ("r1", 12, 5, 7, 0.8, 0.8, False, 10, 30, 2, 0, 1, None, None),
        ("r2", 3, 0, 3, None, 1.0, False, 10, 30, 1, outside, 1, None, None),
    ]
    if outside:
        rows[1] = (*rows[1][:-2], "p53 background", 2.4)
    return table(RECORDING_SHIFT, rows)


def recording_spread(*found):
    return table(RECORDING_SPREAD, [found or (5, 4, 0.6, 0.95, 0.15, 0.09, 0.12, 0.013)])


def design_lines(*lines):
    return table(DESIGN_LINES, lines)


def design_scores():
    recording = ("recording", 16, 176, 0.636, 0.5, None, None, "all alike", 0.0, 4)
    return table(DESIGN_SCORES, [recording, ("length", 5, 176, 0.61, 0.67, 0.6, 0.73, None, 1.0, 4)])


def baselines(*values):
    """Network and baselines in full, and without the last frames."""
    rows = []
    for condition, n in (("full", 0), ("truncation", 0), ("truncation", 5)):
        for method, value in (("network", 0.88), *(values or (("majority", 0.5), ("rings_last_frame", 0.7)))):
            lead = (None, None, None) if method == "network" else (0.88 - value, 0.87 - value, 0.89 - value)
            loss = (1 - value, 0.9 - value, None, "too few")
            scope = "all" if condition == "full" else "cisplatin"
            rest = (*lead, 480, 12, 11, 12, None, None, *loss, *lead, None)
            rows.append((scope, condition, n, "all", method, value, value - 0.01, value + 0.01, *rest))
    return table(BASELINES, rows)


def calibration(stages=("raw", "calibrated")):
    scores = {"raw": (0.2, 0.15, 0.5, 0.2, 0.25), "calibrated": (0.05, 0.1, 0.3, 0.2, 0.5)}
    return table(CALIBRATION, [("full", 0, stage, 0.0, 1.0, 0.5, 0.5, 40, *scores[stage]) for stage in stages])


def effects(values=(0.41, -0.3), removed=(0.2, 0.1)):
    rows = [
        (name, "intensity_mean-p53", course, 55, value, 0.1, 0.5, 0.02, 0.004, "medium", None, 4, 0.1, 0.5, 5, 0.02, 0.004)
        for course, of_course in (("kept", values), ("removed", removed))
        for name, value in zip(NAMES, of_course, strict=True)
    ]
    return table(EFFECT_SUMMARY, rows)


def findings():
    return table(FINDINGS, [("area", True, "Higher before mitosis than before apoptosis 0 to 2 h.")])


def ablations(hidden=(0.81, 0.45, 0.9), names=("cell_hidden", "only-p53", "frames_shuffled")):
    """The whole input at 0.88 and ablations with the value and limits of ``hidden``."""
    rows = []
    for name, (value, low, high) in (("whole", (0.88, 0.8, 0.93)), *((name, hidden) for name in names)):
        change = (None,) * 4 if name == "whole" else (value - 0.88, low - 0.9, high - 0.86, None)
        auroc = (None,) * 4 if name == "whole" else (0.0, None, None, "too few")
        where = (0.67, 18.0) if name == "cell_hidden" else (None, None)
        rows.append((name, 480, 12, 11, 12, value, low, high, None, 0.88, *change, 0.9, None, None, "too few", 0.9, *auroc, *where))
    return table(ABLATIONS, rows)


def attributions(low=0.2, method="occlusion"):
    """One method that leads by 0.5 log-odds, from ``low`` to 0.9; the order of the last frames."""
    key = {"model": "published", "order": "signed", "class": "all", "score": "kept_less_removed", "n": 40, "units": 4, "value": 2.5}
    lead = {"against_recency": 0.5, "against_recency_low": low, "against_recency_high": 0.9, "against_recency_p": 0.01}
    lead |= {"against_recency_above": 30, "against_recency_below": 10, "verdict": "beats" if low > 0 else "not shown"}
    rows = [{**key, **lead, "method": method, "low": 2.0, "high": 3.0}, {**key, "method": "recency", "reason": "too few"}]
    rows.append({**key, "method": method, "order": None, "score": "seconds", "value": 0.027, "reason": "too few"})
    return check_table(pd.DataFrame(rows).reindex(columns=list(ATTRIBUTION_SCORES.columns)), ATTRIBUTION_SCORES, "test")


def coverage(last=0.9):
    shares = (0.9, 0.95, 0.9, last)
    rows = [
        (name, phase, 55, 1000, round(1000 * share), share)
        for name, own in zip(NAMES, (shares, (0.9,) * 4), strict=True)
        for phase, share in zip(COVERAGE_PHASES, own, strict=True)
    ]
    return table(SEGMENTATION_COVERAGE, rows)


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    paths = [folder / "figure_2.png", folder / "training_curves.png"]
    for path in paths:
        with matplotlib.rc_context():
            save_figure(empty_figure(3.4, 1, "anything"), path.with_suffix(".pdf"), path)
    return paths


def page(figures, **changes):
    content = {
        "dataset": "demo",
        "protocol": "corrected",
        "outcomes": FATES,
        "metrics": metrics(),
        "truncation": truncation(),
        "last_k": curve({5: (9, 9)}, "last_k"),
        "trajectories": trajectories(),
        "flow": flow(),
        "design_lines": design_lines(),
        "design_scores": design_scores(),
        "baselines": baselines(),
        "split_audit": table(SPLIT_AUDIT, []),
        "shift": recording_shift(),
        "recording_spread": recording_spread(),
        "known": KNOWN,
        "sets": table(SETS, []),
        "ablations": ablations(),
        "attributions": attributions(),
        "coverage": coverage(),
        "calibration": calibration(),
        "effects": effects(),
        "findings": findings(),
        "comparison_steps": steps((60, 55, 55, 55, 55), (60, 55, 55, 55, 55)),
        "by_confidence": None,
        "min_confidence": None,
        "risks": None,
        "cells": None,
        "corrections": [],
        "edited": [],
        "by_hand": {"head": [], "rows": [], "words": ""},
        "labels": [],
        "settings": SETTINGS,
        "figures": figures,
        "captions": CAPTIONS,
        "notes": [],
        "software": "cellfate 1.2.3",
        "config_digest": "sha256 0abc",
    }
    return summary_page(Summary(**(content | changes)))


class Cells(HTMLParser):
    """Rows of all tables as lists of words, and every address that the page refers to."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.addresses, self.open = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for key, value in attributes if key in ("src", "href")]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] = " ".join((self.rows[-1][-1] + " " + data).split())


def test_the_page_holds_all_it_shows(figures):
    text = page(figures)
    parsed = Cells(text)
    assert parsed.open == []
    assert len(parsed.addresses) == 2
    for address, path in zip(parsed.addresses, figures, strict=True):
        kind, data = address.split(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data) == path.read_bytes()
    assert not re.search(r"https?://", text)
    assert "<script" not in text


def test_headline_numbers_stand_with_interval_and_n(figures):
    cards = re.findall(r'<div class="card"><span>(.*?)</span><b>(.*?)</b>\s*<span>(.*?)</span><span>(.*?)</span>', page(figures))
    assert cards[0] == ("balanced accuracy", "0.877", "95 %: 0.811 to 0.957", "n = 500")
    assert cards[1] == ("recall, cell death", "0.750", "95 %: 0.811 to 0.957", "n = 200")
    assert cards[2] == ("recall, division", "–", "no interval", "n = 300")


def test_held_out_recordings_stand_one_by_one(figures):
    text = page(figures, shift=recording_shift(outside=2))
    rows = Cells(text).rows
    assert ["r1", "5", "7", "0.80", "30", "2", "0", "1", ""] in rows
    assert ["r2", "0", "3", "–", "30", "1", "2", "1", "p53 background (2.4)"] in rows
    assert "standard deviation 0.15, by chance 0.09, beyond chance 0.12 (p 0.013)." in text
    assert "Held-out recordings that lie outside the range of the training recordings: r2 (p53 background)." in text
    assert "against the range of the 10 training recordings" in text
    few = page(figures, recording_spread=recording_spread(3, 2, *[None] * 6))
    assert "cannot be told: 2 of 3 held-out recordings have both outcomes, at least 3 are needed." in few


def test_since_when_the_outcome_is_known_stands_below_the_headline_numbers(figures):
    text = page(figures)
    assert text.index('class="card"') < text.index("call is better than chance from") < text.index("<h2>Trajectories</h2>")


def test_tables_of_the_page(figures):
    rows = Cells(page(figures)).rows
    assert ["step", "division", "other", "cell death", "total"] in rows
    assert ["", "cisplatin", "no treatment", ""] in rows
    assert ["tracks", "10", "54", "3", "67"] in rows
    assert ["with a fate", "9", "0", "2", "11"] in rows
    assert ["metric", "outcome", "all held-out trajectories", "held out, cisplatin"] in rows
    assert ["trajectories", "", "500", "500"] in rows
    assert ["5", "0.800", "475", "0.800", "142"] in rows
    assert ["expected calibration error", "0.200", "0.050"] in rows
    assert ["p53, mean intensity", "+0.41 0.100 to 0.500 q 0.004", "55", "-0.30 0.100 to 0.500 q 0.004", "55"] in rows
    assert ["p53, mean intensity", "+0.20 0.100 to 0.500 q 0.004", "55", "+0.10 0.100 to 0.500 q 0.004", "55"] in rows


def test_the_features_have_a_table_for_each_course(figures):
    both, one = page(figures), page(figures, effects=effects().query("course == 'kept'"))
    words = ["Features as measured", "Features relative to other cells at the same time before the end"]
    assert [text in both for text in words] == [True, True]
    assert both.index(words[0]) < both.index("+0.41") < both.index(words[1]) < both.index("+0.20")
    assert [text in one for text in words] == [True, False]


def test_figures_have_titles_and_the_captions_of_the_report(figures):
    text = page(figures)
    caption = next(path for path in CAPTIONS if path.stem == "figure_2").read_text().strip()
    assert f"<figcaption>{caption}</figcaption>" in text
    assert "<h3>Figure 2</h3>" in text
    assert "<h3>Training curves</h3>" in text
    assert text.index("Figure 2</h3>") < text.index("Training curves</h3>")
    with pytest.raises(InputError, match=r"training_curves\.png: no caption"):
        page(figures, captions=[path for path in CAPTIONS if path.stem != "training_curves"])


def test_notes_are_shown_as_text(figures):
    text = page(figures, notes=["fewer than <b>10</b> cells"])
    assert "fewer than &lt;b&gt;10&lt;/b&gt; cells" in text
    assert "What to keep in mind" not in page(figures)
    assert "cellfate 1.2.3. Configuration sha256 0abc" in text


def test_outcomes_that_are_not_compared_are_kept_in_mind(figures):
    mistyped = flow().replace({"outcome": {"no_event_by_end": "divison"}})
    assert "that are not compared, their tracks count as censored: divison (4, mistyped division?)." in page(figures, flow=mistyped)


def test_calibration_that_makes_it_worse_is_said():
    worse = calibration().assign(log_loss=[0.3, 0.5])
    assert "log-loss of held-out cells worse (0.300 before, 0.500 after)" in caveats(metrics(), worse, NAMES)[0]


def test_probabilities_that_are_worse_than_the_base_rate_are_said():
    steps = [calibration().assign(condition="truncation", n=n, brier=brier) for n, brier in ((0, 0.1), (10, 0.21), (20, 0.26))]
    (found,) = caveats(metrics(), pd.concat([calibration(), *steps]), NAMES)
    assert "with 10 or 20 frames left out: Brier score up to 0.260 against 0.200" in found
    raw = pd.concat([calibration(), steps[1].assign(brier=[0.3, 0.1])])  # the raw one is worse, and not used
    assert caveats(metrics(), raw, NAMES) == []


def test_a_sound_run_has_no_caveats(figures):
    assert caveats(metrics(), calibration(), NAMES) == []
    assert "What to keep in mind" not in page(figures)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metrics": metrics(sizes=(7, 300))}, "7 “cell death” and 300 “division” trajectories were held out"),
        ({"metrics": metrics(units=(4, 5, *UNITS[2:]))}, "recordings or groups, “cell death” in 4 and “division” in 5"),
        ({"metrics": metrics(units=NONE)}, "has no interval (cell_death: 2 recordings, at least 3 are needed)"),
        ({"calibration": calibration(("raw",))}, "were not calibrated"),
    ],
)
def test_weak_numbers_are_said_to_be_weak(figures, changes, words):
    content = {"metrics": metrics(), "calibration": calibration()} | changes
    found = caveats(**content, names=NAMES)
    assert len(found) == 1
    assert words in found[0]
    assert found[0] in page(figures, **changes)


TRUNCATION, LAST_K = "evaluation.truncation", "evaluation.last_k"


@pytest.mark.parametrize(
    ("table", "setting", "value", "words"),
    [
        (curve({}), TRUNCATION, None, "predictions without the last n frames; evaluation.truncation is null"),
        (curve({}, "last_k"), LAST_K, None, "predictions from the last n frames; evaluation.last_k is null"),
        (
            curve({0: (9, 9), 40: (0, 0), 50: (0, 0)}),
            TRUNCATION,
            [0, 40, 50],
            "no held-out trajectory is that long: .* without the last 40, 50 ",
        ),
        (
            curve({0: (9, 9), 40: (0, 3)}),
            TRUNCATION,
            "auto",
            "all .* long enough are “division”: .* the last 40 frames .evaluation.truncation",
        ),
        (curve({0: (9, 9), 40: (3, 0)}), TRUNCATION, "auto", "all .* long enough are “cell death”: .* the last 40 frames"),
        (curve({0: (0, 0), 40: (0, 0)}), TRUNCATION, "auto", "no held-out trajectory is of the treatment that evaluation.treatment names"),
        (
            curve({5: (9, 9)}, "last_k"),
            LAST_K,
            [5, 30],
            r"Left out: the last 30 frames \(evaluation.last_k\), as no held-out trajectory is that",
        ),
    ],
)
def test_what_is_missing_of_a_curve_has_its_reason(table, setting, value, words):
    (found,) = missing_steps(table, setting, value, NAMES)
    assert re.search(words, found)


def test_a_whole_curve_has_nothing_missing():
    assert missing_steps(curve({0: (9, 9), 5: (4, 4)}), TRUNCATION, [0, 5], NAMES) == []
    assert missing_steps(curve({0: (9, 9), 5: (4, 4)}), TRUNCATION, "auto", NAMES) == []
    assert missing_occlusion("auto") == []
    assert missing_occlusion(None) == ["Not measured: what the prediction loses without single frames; attention.occlusion_window is null."]


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((0, 0, 0, 0, 0), "no trajectory of it is among those looked at (evaluation.treatment, statistics.splits)"),
        ((9, 0, 0, 0, 0), "none of its 9 trajectories is classified correctly"),
        ((9, 7, 0, 0, 0), "none of its 7 correctly classified trajectories has 50 frames (statistics.min_frames)"),
        ((9, 7, 5, 0, 0), "in none of its 5 trajectories that are long enough a cell was found (the section segmentation)"),
        (
            (9, 7, 5, 4, 0),
            "none of its 4 trajectories has two frames of either kind in which the cell was found (statistics.high_percentile)",
        ),
    ],
)
def test_missing_features_have_their_reason(figures, counts, words):
    changes = {"effects": effects((None, 0.3), (None, 0.1)), "comparison_steps": steps(counts, (60, 55, 55, 55, 55))}
    found = missing_effects(changes["effects"], changes["comparison_steps"], NAMES)
    assert found == [f"Not measured, {words}: features of “cell death”."]
    assert found[0] in page(figures, **changes)


def test_features_that_cannot_be_compared_with_other_cells():
    (found,) = missing_effects(effects(removed=(0.2, None)), steps((9,) * 5, (9,) * 5), NAMES)
    assert "fewer than 3 trajectories of an outcome in other recordings" in found
    assert "features of “division” relative to other cells" in found


def test_what_auto_came_to_is_said(figures):
    line = lengths_line(trajectories(), SETTINGS)
    assert line == (
        "Three quarters of the 4 usable trajectories that are analysed have 20 frames or more, the longest has 30. From their lengths "
        "follow: evaluation.truncation 0 to 18 in steps of 2, evaluation.last_k 2 to 20 in steps of 2, attention.occlusion_window 3, "
        "statistics.min_frames 20."
    )
    assert line in page(figures)
    set_by_hand = SETTINGS | {TRUNCATION: [0, 5], LAST_K: None, "attention.occlusion_window": 3, "statistics.min_frames": 11}
    assert lengths_line(trajectories(), set_by_hand) is None


def test_the_page_says_whether_the_score_rises_where_tracks_are_sure(figures):
    sizes = (30, 14, 16)
    rows = [
        ("all", 0.1, 1.0, 50.0, 90, 40, 50, 0.8, 0.7, 0.9, None),
        ("least sure", 0.1, 0.8, 60.0, *sizes, 0.7, 0.6, 0.8, None),
        ("middle", 0.8, 0.9, 55.0, *sizes, 0.8, 0.7, 0.9, None),
        ("surest", 0.9, 1.0, 40.0, *sizes, 0.85, 0.8, 0.9, None),
        ("surest less least sure", None, None, 50.0, 60, 28, 32, 0.15, -0.05, 0.35, None),
    ]
    left = trajectories().assign(label=1, reason=None)
    left.loc[left.index[:2], ["usable", "reason"]] = [False, "confidence below tracks.min_confidence"]
    text = " ".join(page(figures, by_confidence=table(SCORE_BY_CONFIDENCE, rows), min_confidence=0.9, trajectories=left).split())
    assert "below 0.9 (tracks.min_confidence): 2 trajectories with a fate and 0 without one." in text
    assert "least sure third of tracks 0.70 (probability of being one cell 0.10 to 0.80, 30 tracks of a median of 60 frames)" in text
    assert "difference +0.15 (-0.05 to +0.35). These probabilities are calibrated on simulated films only." in text
    few = [*rows[:-1], (*rows[-1][:-4], None, None, None, "too few: both outcomes are needed in both thirds")]
    assert "cannot be told: too few" in page(figures, by_confidence=table(SCORE_BY_CONFIDENCE, few))
    assert "being one cell" not in page(figures)


def test_a_run_without_long_trajectories_still_has_a_page(figures):
    none = steps((0,) * 5, (0,) * 5)
    text = page(figures, truncation=truncation()[:0], effects=effects()[:0], calibration=calibration()[:0], comparison_steps=none)
    assert "Balanced accuracy without the last frames" not in text
    assert "<h2>Calibration</h2>" not in text


def test_the_page_says_what_is_shown_of_each_feature(figures):
    text = page(figures)
    assert "<li><b>area</b>: Higher before mitosis than before apoptosis 0 to 2 h.</li>" in text
    assert "Features: what is shown of each" not in page(figures, findings=findings()[:0])


def test_the_page_is_the_same_each_time(figures, tmp_path):
    content = {"figures": figures, "captions": CAPTIONS, "notes": [], "software": "x", "config_digest": "y"}
    tables = {"metrics": metrics(), "truncation": truncation(), "flow": flow(), "calibration": calibration(), "effects": effects()}
    tables |= {"design_lines": design_lines(), "design_scores": design_scores(), "baselines": baselines()}
    tables |= {"split_audit": table(SPLIT_AUDIT, []), "sets": table(SETS, []), "known": KNOWN}
    tables |= {"shift": recording_shift(), "recording_spread": recording_spread()}
    tables |= {"ablations": ablations(), "attributions": attributions(), "coverage": coverage(), "findings": findings()}
    tables |= {
        "last_k": curve({5: (9, 9)}, "last_k"),
        "trajectories": trajectories(),
        "comparison_steps": steps((9,) * 5, (9,) * 5),
        "by_confidence": None,
        "min_confidence": None,
        "risks": None,
        "cells": None,
        "corrections": [],
        "edited": [],
        "by_hand": {"head": [], "rows": [], "words": ""},
        "labels": [],
    }
    content["settings"] = SETTINGS
    for name in ("a.html", "b.html"):
        write_summary(tmp_path / name, Summary(dataset="demo", protocol="p", outcomes=FATES, **tables, **content))
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_every_caption_is_one_line():
    for path in CAPTIONS:
        assert len(path.read_text().splitlines()) == 1, path.name
        assert path.read_text().endswith(".\n"), path.name


def test_the_warning_of_the_design_and_the_verdict_stand_before_every_number_and_notes_among_the_notes(figures):
    text = page(figures, design_lines=design_lines(("warning", "Cannot be told."), ("remedy", "Would help."), ("note", "Few units.")))
    verdict, number = "The network is better than each of 2 simple baselines.", "<b>0.877</b>"
    places = [text.index(words) for words in ("Cannot be told.", "Would help.", verdict, number, "Few units.")]
    assert places == sorted(places)
    tied = page(figures, baselines=baselines(("rings_prefix", 0.88)))
    assert "The network is no better than 1 of 1 simple baselines: “rings of the whole prefix, boosting”." in tied


def test_baselines_are_tables_in_full_and_without_the_last_frames(figures):
    text = page(figures)
    rows, loss = Cells(text).rows, "0.300 no interval 1"
    assert "No interval: <sup>1</sup> too few." in text
    assert ["rings of the last frame, logistic", "0.700 0.690 to 0.710", "+0.180 +0.170 to +0.190", loss, "+0.180 +0.170 to +0.190"] in rows
    assert ["the network", "0.880 0.870 to 0.890", "", "0.120 no interval 1", ""] in rows
    assert ["frames dropped", "0", "5"] in rows
    assert ["the majority", "0.500", "0.500"] in rows


def test_what_the_design_tells_is_a_table(figures):
    rows = Cells(page(figures)).rows
    assert ["recording", "16", "0.636", "0.500 no interval 1", "0 %", "4"] in rows
    assert ["length of the track", "5", "0.610", "0.670 0.600 to 0.730", "100 %", "4"] in rows


def test_what_the_score_is_made_of_has_a_section_and_a_line(figures):
    text = page(figures)
    shown = "not shown to differ from the whole input, not shown to differ from chance"
    line = f"Balanced accuracy with the whole input 0.88; cell hidden 0.81 ({shown})."
    assert text.count(line) == 1
    scores = ["0.810 0.450 to 0.900", "-0.070 -0.450 to +0.040", "0.900 no interval 1", "+0.000 no interval 1"]
    assert ["cell hidden", "480", *scores] in Cells(text).rows
    assert "in 67 % of the frames, in the others a disc of 18 pixels radius" in text


def test_a_score_that_stays_without_the_cell_is_something_to_keep_in_mind(figures):
    caveat = "With the cell hidden the balanced accuracy is 0.81 (0.70 to 0.90; 0.88 with the whole input): the network reads what is"
    assert caveat in page(figures, ablations=ablations((0.81, 0.7, 0.9)))
    text = page(figures, ablations=ablations((0.55, 0.4, 0.7)))
    assert "cell hidden 0.55 (lower than the whole input, not shown to differ from chance)." in text
    assert "reads what is around" not in text


def test_ablations_that_were_not_made_are_named_with_their_setting(figures):
    off = page(figures, ablations=ablations(names=()), settings=SETTINGS | {"evaluation.ablations": None})
    assert "Not measured: what the score is made of; evaluation.ablations is null." in off
    assert "<h2>What the score is made of</h2>" not in off
    some = page(figures, ablations=ablations(names=("frames_shuffled",)), settings=SETTINGS | {"evaluation.ablations": ["frames"]})
    assert "Not measured: with the cell or its surroundings hidden; evaluation.ablations is [frames]." in some
    one_channel = page(figures, ablations=ablations(names=("cell_hidden", "frames_shuffled")))
    assert "Not measured: single channels; the crops have one channel, so that alone is the whole input." in one_channel


def test_frames_without_a_cell_are_said_beside_the_features(figures):
    plain = page(figures)
    assert "cell_death: cell found in 90 % of 1,000 frames of 55 tracks (thirds of the track: 95 %, 90 %, 90 %)." in plain
    assert "missed most cells" not in plain
    assert "not found equally often" not in plain
    text = page(figures, coverage=coverage(0.13))
    assert "missed most cells of “cell_death” in the last third (13 % of 1,000 frames)" in text
    assert "not found equally often (last third: 13 % of “cell_death” against 90 % of “division”)" in text
    assert "not found equally often" in page(figures, coverage=coverage(0.69))
    assert "missed most" not in page(figures, coverage=coverage(0.69))


def test_the_page_shows_the_worst_errors_and_links_the_cells_of_figures(figures, tmp_path):
    worst = {"trajectory": "r/1", "treatment": "none", "outcome": "cell_death", "call": "mitosis", "probability": 0.2, "frames": 40}
    write_json({"wrong": ["r/1", "r/7"], "worst": [worst | {"picture": "AAAA"}]}, tmp_path / "errors.json")
    text = page(figures, cells=ShownCells(tmp_path / "errors.json", {}, None))
    assert text.index("The worst errors") < text.index("<h2>Figures</h2>")
    linked = re.findall(r'href="explorer.html#cell=([^"]+)"', text)
    assert linked == ["r%2F1", "r%2F1", "r%2F7"]  # as an error, and twice below figure 2
    assert "explorer.html" not in page(figures)


def test_each_method_of_explanation_has_a_verdict_and_what_is_missing_is_named(figures):
    text = page(figures)
    said = "beats looking at the last frames (+0.50 log-odds, +0.20 to +0.90; more in 30, less in 10 of 40 cells, sign test p 0.01)"
    assert f"Occlusion of frames: {said}." in text
    assert "<td>27 ms</td>" in text
    more = page(figures, settings=SETTINGS | {"explanation.methods": ["occlusion", "risks_occlusion"]})
    assert "Not measured: occlusion of rings; the model that it explains is not there." in more
    assert "Occlusion of frames: not shown to beat looking at the last frames" in page(figures, attributions=attributions(-0.1))
    off = page(figures, attributions=None, settings=SETTINGS | {"explanation.methods": None})
    assert "How faithful explanations are</h2>" not in off
    assert "Not measured: what single predictions rest on; explanation.methods is null." in off


def test_corrections_stand_on_the_page_as_text(figures):
    row = {"recording": "r", "track_id": 4, "what": "outcome", "was": "censored", "outcome": "mitosis", "event_frame": 7}
    known = trajectories().assign(outcome="mitosis")
    text = page(figures, corrections=[row | {"note": "<b>sure</b>"}], trajectories=known)
    assert ["r/4", "censored", "mitosis, event in frame 7", "<b>sure</b>"] in Cells(text).rows
    assert ["mitosis", str(len(known) - 1), str(len(known))] in Cells(text).rows
    assert "<b>sure" not in text
    assert "Corrected by hand" not in page(figures)


def test_scores_before_corrections_stand_beside_those_now(figures):
    section = {
        "head": ["nothing by hand (2026-11-28)", "now: 1 corrected (2026-11-29)"],
        "rows": [["AUROC", "0.700", "0.800"]],
        "words": "<b>",
    }
    text = page(figures, by_hand=section)
    assert ["", *section["head"]] in Cells(text).rows
    assert ["AUROC", "0.700", "0.800"] in Cells(text).rows
    assert "<b> Scores" not in text
    assert "Scores before and after" not in page(figures)


def test_edited_tracks_stand_on_the_page(figures):
    row = {"recording": "r", "track_id": 4, "what": "cut", "first_frame": 6, "last_frame": 9, "positions": 4, "detail": "from here on <b>9"}
    nothing = pd.DataFrame()
    edited = EditedRecording("r", "r.geff", nothing, nothing, {}, (), pd.DataFrame([row]), {"mitosis": (3, 2), "censored": (1, 3)})
    text = page(figures, edited=[edited])
    assert ["r/4", "cut", "6 to 9", "from here on <b>9"] in Cells(text).rows
    assert ["mitosis", "3", "2"] in Cells(text).rows
    assert "on <b>9" not in text
    assert "edited by hand" not in page(figures)


def test_labels_stand_on_the_page_with_who_gave_them(figures):
    row = {"by": "<b>anna", "recording": "r", "track_id": 4, "outcome": "mitosis", "event_frame": 7, "note": None}
    others = [row | {"track_id": 5, "outcome": "neither"}, row | {"by": "ben", "outcome": "cannot_tell"}]
    text = page(figures, labels=[row, *others])
    assert ["<b>anna", "2", "1", "1", "0"] in Cells(text).rows
    assert ["ben", "1", "0", "0", "1"] in Cells(text).rows
    assert "2 cells labelled, 1 of them by more than one person, who gave 1 of these different labels" in text
    assert "<b>anna" not in text
    assert "1 cell labelled, each by one person." in page(figures, labels=[row])
    assert "Labelled by hand" not in page(figures)


@pytest.mark.parametrize(("after", "warns"), [(0.0441, False), (0.0452, True)])
def test_calibration_is_worse_only_where_the_shown_numbers_are(after, warns):
    rows = [
        {"condition": "full", "stage": stage, "n": 0, "log_loss": loss, "brier": 0.1, "brier_base": 0.2}
        for stage, loss in (("raw", 0.0440), ("calibrated", after))
    ]
    assert any("Calibration made" in line for line in calibration_caveats(pd.DataFrame(rows))) == warns


def test_the_caption_of_curves_says_what_decides_the_epoch_that_is_kept():
    text = next(path for path in CAPTIONS if path.stem == "training_curves").read_text()
    assert "weights are kept: that of the highest balanced accuracy" in text
    assert "training.patience epochs without a lower validation loss" in text
