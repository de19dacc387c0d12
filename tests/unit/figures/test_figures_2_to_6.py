"""Every figure: what it shows, that its words do not collide, that its files repeat byte for byte, and that it can be empty."""

import itertools
import struct
from functools import partial

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgba
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation, Text
from toy_design import design_of
from toy_explained import SHOWN, explained_tables
from toy_figures import FATES, LONG, assert_inside, drawn_texts, not_drawn, words

from cellfate.base.errors import InputError
from cellfate.base.plot_style import (
    DOUBLE,
    OKABE_ITO,
    RC,
    SINGLE,
    count_rows,
    every_nth,
    feature_label,
    new_figure,
    readable,
    save_figure,
    too_few,
)
from cellfate.base.tables import check_table
from cellfate.evaluation.ablations.tables import ABLATIONS
from cellfate.evaluation.design import score_design, tabulate_design
from cellfate.evaluation.scoring import Units
from cellfate.evaluation.tables import BASELINES, CALIBRATION, CONFUSION, DESIGN, DESIGN_SCORES, METRICS
from cellfate.explanation.tables import (
    ATTENTION_PROFILE,
    ATTRIBUTION_CURVES,
    ATTRIBUTION_SCORES,
    CONTRASTS,
    COVERAGE_PHASES,
    EFFECT_SUMMARY,
    EXAMPLES,
    EXPLAINED_CELLS,
    GIVEN_AWAY,
    SEGMENTATION_COVERAGE,
    TRACES,
)
from cellfate.figures.attention_profile import plot_attention_profile as draw_profile
from cellfate.figures.design import plot_design
from cellfate.figures.effects import plot_effects
from cellfate.figures.examples import composite, plot_examples
from cellfate.figures.explained.ablations import plot_ablations
from cellfate.figures.explained.attributions import plot_attributions
from cellfate.figures.explained.cells import plot_explained_cells
from cellfate.figures.scores.calibration import plot_calibration as draw_calibration
from cellfate.figures.scores.confusion import plot_confusion
from cellfate.figures.scores.truncation import plot_truncation as draw_truncation
from cellfate.figures.traces import plot_traces
from cellfate.figures.training_curves import plot_training_curves, read_curves
from cellfate.figures.truth import median_onsets, spread
from cellfate.figures.truth import plot_truth as draw_truth
from cellfate.truth.tables import TRUTH_FATES, TRUTH_SEGMENTATION

plot_truncation, plot_attention_profile, plot_calibration, plot_truth = (
    partial(draw, min_trajectories=5) for draw in (draw_truncation, draw_profile, draw_calibration, draw_truth)
)
UNITS, FEW = (6, 7, "cluster-robust t, 5.0 df", None), (2, 7, None, "apoptosis: 2 recordings, at least 3 are needed")
STEPS = {"truncation": tuple(range(0, 51, 5)), "last_k": tuple(range(5, 101, 5))}
BOTH = ("kept", "removed")
FEATURES = ("area", "equivalent_diameter_area", "circularity", "intensity_mean-cell_cycle", "n_neighbors")


# ---- tables ----


def confusion(outcomes=FATES, counts=((401, 38), (57, 1593))):
    names = (outcomes["negative"], outcomes["positive"])
    rows = [(a, p, counts[i][j], counts[i][j] / max(1, sum(counts[i]))) for i, a in enumerate(names) for j, p in enumerate(names)]
    return check_table(pd.DataFrame(rows, columns=["actual", "predicted", "count", "fraction"]), CONFUSION, "test")


def metrics(condition, outcomes=FATES, interval=True, n0=2089):
    rows = []
    for cohort, n in itertools.product(("all", "fixed"), STEPS[condition]):
        value = 0.95 - n / 125 if condition == "truncation" else 0.55 + n / 250
        size = n0 - 10 * n if cohort == "all" else 142
        key = ("cisplatin", condition, n, cohort)
        for metric, name, shift in (
            ("balanced_accuracy", "all", 0),
            ("recall", outcomes["negative"], 0.02),
            ("recall", outcomes["positive"], -0.1),
        ):
            v = value + shift + (0.01 if cohort == "fixed" else 0)
            ends = (max(0, v - 0.05), min(1, v + 0.05)) if interval else (None, None)
            rows.append((*key, metric, name, v, *ends, size if name == "all" else size // 2, *(UNITS if interval else FEW)))
    return check_table(pd.DataFrame(rows, columns=list(METRICS.columns)), METRICS, "test")


def baselines(methods=("network", "majority", "recording", "length", "rings_last_frame", "rings_any_frame", "rings_prefix")):
    rows = []
    for place, method in enumerate(methods):
        for n in STEPS["truncation"]:
            value = 0.5 if method == "majority" else 0.9 - n / 140 - place / 50
            lead = None if method == "network" else 0.1
            sizes = (200, 12, 11, 12, *[None] * 10)
            rows.append(("cisplatin", "truncation", n, "all", method, value, value - 0.05, min(1, value + 0.05), lead, lead, lead, *sizes))
    return check_table(pd.DataFrame(rows, columns=list(BASELINES.columns)), BASELINES, "test")


def profile(outcomes=FATES, occlusion=True):
    rows = []
    for name, scale in zip(outcomes.values(), (30.0, 3.0), strict=True):
        values = np.exp(-np.arange(51) / scale)
        lost = [(2 * v - 0.2, 2 * v - 0.4, 2 * v) if occlusion else (None,) * 3 for v in values]
        rows += [(name, k, k / 2, 240 - k, v, v, v - 0.05, v + 0.05, *lost[k], 6, None) for k, v in enumerate(values)]
    return check_table(pd.DataFrame(rows, columns=list(ATTENTION_PROFILE.columns)), ATTENTION_PROFILE, "test")


def effects(outcomes=FATES, q=(0.01, 0.2), courses=("kept",)):
    """Deltas fall by 0.35 from feature to feature; without the course they are those of the features in reverse."""
    rows = []
    for course, name in itertools.product(courses, outcomes.values()):
        for index, feature in enumerate(FEATURES if course == "kept" else FEATURES[::-1]):
            delta = 0.8 - 0.35 * index
            rows.append(
                (
                    name,
                    feature,
                    course,
                    1500,
                    delta,
                    delta - 0.1,
                    min(1, delta + 0.1),
                    None,
                    q[index % 2],
                    "large",
                    None,
                    4,
                    0.1,
                    0.5,
                    5,
                    None,
                    q[index % 2],
                )
            )
    return check_table(pd.DataFrame(rows, columns=list(EFFECT_SUMMARY.columns)), EFFECT_SUMMARY, "test")


def traces(outcomes=FATES, n=20):
    rows = [
        (name, feature, t / 2, max(n - t // 10, 0), 4, 10.0 * place + t, 10.0 * place + t - 5, 10.0 * place + t + 5, None)
        for place, name in enumerate(outcomes.values())
        for feature in FEATURES
        for t in range(60)
    ]
    return check_table(pd.DataFrame(rows, columns=list(TRACES.columns)), TRACES, "test")


def contrasts():
    rows = [
        (feature, start, end, 20, 20, 1, 1, 4, 0, 1, 2, 0.5, 0.1, 0.8, 0.01, 0.02, 0.2, start == 0, None)
        for feature in FEATURES
        for start, end in ((0.0, 5.0), (5.0, 20.0))
    ]
    return check_table(pd.DataFrame(rows, columns=list(CONTRASTS.columns)), CONTRASTS, "test")


def coverage(outcomes=FATES):
    rows = [(name, phase, 1500, 90000, 11700, 0.13) for name in outcomes.values() for phase in COVERAGE_PHASES]
    return check_table(pd.DataFrame(rows, columns=list(SEGMENTATION_COVERAGE.columns)), SEGMENTATION_COVERAGE, "test")


def ablations(names=("whole", "frames_shuffled", "last_frame", "cell_hidden", "only-a_channel_with_a_name", "without-p53")):
    few = "apoptosis: 4 recordings, at least 8 are needed"
    rows = []
    for place, name in enumerate(names):
        value = 0.9 - place / 12
        change = (None,) * 4 if name == "whole" else (-place / 12, -place / 12 - 0.15, -place / 12 + 0.15, None)
        of_auroc = (None, None, None, None) if name == "whole" else (-place / 12, None, None, few)
        rows.append(
            (name, 1500, 4, 4, 4, value, value - 0.1, min(1, value + 0.1), None, 0.9, *change, value, None, None, few, 0.9, *of_auroc)
        )
    table = pd.DataFrame(rows, columns=list(ABLATIONS.columns)[:-2]).assign(regions=np.nan, radius=np.nan)
    return check_table(table, ABLATIONS, "test")


def attribution_tables(methods=("attention", "occlusion", "risks_occlusion")):
    """Scores and curves of some methods, the first without an interval, and of the orders that they are compared with."""
    scores, curves = [], []
    for place, method in enumerate((*methods, "recency", "random")):
        model = "risks" if method.startswith("risks") else "published"
        key = {"model": model, "method": method, "order": "signed", "class": "all"}
        limits = {} if place == 0 else {"against_recency_low": 0.1 * place, "against_recency_high": 0.5 + place}
        lead = {"against_recency": 0.4 * place, **limits} if method in methods else {}
        scores.append({**key, "score": "kept_less_removed", "value": 1.0, "n": 1500, "units": 4, **lead})
        curves += [{**key, "hidden": k / 10, "most": 2 - k / 5, "least": 2.0 - k / 50, "n": 1500} for k in range(10)]
    declared = ((ATTRIBUTION_SCORES, scores), (ATTRIBUTION_CURVES, curves))
    return tuple(check_table(pd.DataFrame(rows).reindex(columns=list(one.columns)), one, "test") for one, rows in declared)


def examples(outcomes=FATES, channels=3, occlusion=True):
    rows, crops = [], []
    rng = np.random.default_rng(0)
    for name in outcomes.values():
        weights = np.linspace(0.01, 0.03, 40)
        for frame in range(40):
            shown = frame in (0, 9, 18, 27, 36, 37, 38, 39)
            high = "high" if frame >= 36 else "low"
            scaled = (weights[frame] - 0.01) / 0.02
            lost = np.sin(frame / 6) - 0.3 if occlusion else None
            seen = (weights[frame], scaled, lost, high, len(crops) if shown else None)
            rows.append((f"001/{len(name)}", name, frame, 39 - frame, (39 - frame) / 2, *seen))
            if shown:
                crops.append(rng.integers(100, 4000, (channels, 16, 16)))
    return check_table(pd.DataFrame(rows, columns=list(EXAMPLES.columns)), EXAMPLES, "test"), np.array(crops, dtype=np.uint16)


def curves(folds=1, epochs=20):
    epoch = np.arange(epochs)
    one = {"epoch": epoch, "train_loss": 0.7 * 0.9**epoch, "val_loss": 0.8 * 0.93**epoch, "val_balanced_accuracy": 1 - 0.5 * 0.9**epoch}
    return pd.concat([pd.DataFrame(one).assign(fold=fold) for fold in range(folds)], ignore_index=True)


def calibration(stages=("raw", "calibrated")):
    rows = []
    for (condition, n), stage in itertools.product([("full", 0), *(("truncation", n) for n in STEPS["truncation"])], stages):
        for bin_ in range(10):
            known = bin_ != 4
            middle = bin_ / 10 + 0.05
            values = (middle, min(1, middle + 0.03), 40) if known else (None, None, 0)
            rows.append((condition, n, stage, bin_ / 10, bin_ / 10 + 0.1, *values, 0.11 if stage == "raw" else 0.03, 0.09, 0.3, 0.2, 0.55))
    return check_table(pd.DataFrame(rows, columns=list(CALIBRATION.columns)), CALIBRATION, "test")


def truth_fates(outcomes=FATES, **more):
    onsets = {outcomes["negative"]: {"p53_sustained": 30, "blebbing": 3} | more, outcomes["positive"]: {"growth": 28, "rounding": 4}}
    rows = []
    for name, planted in onsets.items():
        for n, (effect, onset) in itertools.product(STEPS["truncation"], [("any", max(planted.values())), *planted.items()]):
            visible = n < onset
            correct = 36 if visible else 20
            rows.append((name, n, effect, visible, 40, correct, correct / 40, correct / 40 - 0.1, correct / 40 + 0.1))
    return check_table(pd.DataFrame(rows, columns=list(TRUTH_FATES.columns)), TRUTH_FATES, "test")


def scores():
    iou = np.concatenate([np.zeros(10), np.linspace(0.6, 1, 90)])
    cells = {"recording": "001", "track_id": 7, "frame": np.arange(100), "true_area": 300, "area": 280}
    return check_table(pd.DataFrame({**cells, "iou": iou, "found": iou > 0.5}), TRUTH_SEGMENTATION, "test")


def design(outcomes=FATES, recordings=9):
    """The design and its scores, two treatments, without a split."""
    treatments = [f"cisplatin_{i % 2}" for i in range(recordings)]
    trajectories = design_of([0.5] * recordings, treatments=treatments)
    trajectories["outcome"] = trajectories["label"].map({0: outcomes["negative"], 1: outcomes["positive"]})
    scores = score_design(trajectories, None, Units.of(outcomes, "recording"))
    return check_table(tabulate_design(trajectories), DESIGN, "test"), check_table(scores, DESIGN_SCORES, "test")


def draw_all(outcomes=FATES):
    table, crops = examples(outcomes)
    gray, gray_crops = examples(outcomes, channels=1)
    return {
        "design": lambda: plot_design(*design(outcomes), outcomes, confounded_from=0.9),
        "design_by_treatment": lambda: plot_design(*design(outcomes, recordings=30), outcomes, confounded_from=0.9),
        "figure_2": lambda: plot_confusion(confusion(outcomes), outcomes),
        "figure_3": lambda: plot_truncation(metrics("truncation", outcomes), metrics("last_k", outcomes), baselines(), outcomes, 30),
        "figure_4": lambda: plot_attention_profile(profile(outcomes), outcomes),
        "figure_5": lambda: plot_effects(effects(outcomes, courses=BOTH), outcomes, high_by="attention"),
        "figure_5_as_measured": lambda: plot_effects(effects(outcomes), outcomes, high_by="attention"),
        "figure_5_coverage": lambda: plot_effects(effects(outcomes), outcomes, high_by="attention", coverage=coverage(outcomes)),
        "figure_5_three": lambda: plot_effects(effects(outcomes, courses=(*BOTH, "own")), outcomes, high_by="attention"),
        "traces": lambda: plot_traces(traces(outcomes), contrasts(), outcomes, min_trajectories=5),
        "ablations": lambda: plot_ablations(ablations()),
        "attributions": lambda: plot_attributions(*attribution_tables()),
        "explained_cells": lambda: plot_explained_cells(*explained_tables(outcomes), outcomes, shown=SHOWN),
        "figure_6": lambda: plot_examples(table, crops, ["circadian", "p53", "cell_cycle"], outcomes),
        "figure_6_gray": lambda: plot_examples(gray, gray_crops, ["phase"], outcomes),
        "training_curves": lambda: plot_training_curves(curves(5)),
        "calibration": lambda: plot_calibration(calibration(), outcomes, 30),
        "truth": lambda: plot_truth(scores(), truth_fates(outcomes), outcomes),
    }


FIGURES = tuple(draw_all())


def empty(declared):
    return pd.DataFrame({c: pd.Series(dtype=object) for c in declared.columns}).pipe(check_table, declared, "test")


def without_others():
    """Effects of which none could be compared with other cells."""
    table = effects(courses=BOTH)
    return table.assign(median_delta=table["median_delta"].where(table["course"] == "kept"))


EMPTY = {
    "figure_2": lambda: plot_confusion(empty(CONFUSION), FATES),
    "figure_2_zeros": lambda: plot_confusion(confusion(counts=((0, 0), (0, 0))), FATES),
    "figure_3": lambda: plot_truncation(empty(METRICS), empty(METRICS), empty(BASELINES), FATES, 30),
    "figure_3_one_side": lambda: plot_truncation(metrics("truncation"), empty(METRICS), baselines(), FATES, 30),
    "figure_4": lambda: plot_attention_profile(empty(ATTENTION_PROFILE), FATES),
    "figure_5": lambda: plot_effects(empty(EFFECT_SUMMARY), FATES, high_by="attention"),
    "traces": lambda: plot_traces(empty(TRACES), empty(CONTRASTS), FATES, min_trajectories=5),
    "figure_5_nulls": lambda: plot_effects(effects().assign(median_delta=np.nan, n_trajectories=0), FATES, high_by="attention"),
    "ablations": lambda: plot_ablations(empty(ABLATIONS)),
    "attributions": lambda: plot_attributions(empty(ATTRIBUTION_SCORES), empty(ATTRIBUTION_CURVES)),
    "ablations_none": lambda: plot_ablations(ablations(("whole",))),
    "figure_5_no_others": lambda: plot_effects(without_others(), FATES, high_by="attention"),
    "explained_cells": lambda: plot_explained_cells(
        empty(EXPLAINED_CELLS), empty(GIVEN_AWAY), *explained_tables(FATES)[2:], FATES, shown=SHOWN
    ),
    "figure_6": lambda: plot_examples(empty(EXAMPLES), np.zeros((0, 1, 8, 8), np.uint8), ["phase"], FATES),
    "training_curves": lambda: plot_training_curves(curves(epochs=0)),
    "calibration": lambda: plot_calibration(empty(CALIBRATION), FATES),
    "truth": lambda: plot_truth(scores().iloc[:0], empty(TRUTH_FATES), FATES),
}


# ---- what is drawn ----


@pytest.mark.parametrize("name", FIGURES)
def test_words_neither_overlap_nor_leave_the_figure_and_outcomes_are_those_of_the_config(name, monkeypatch):
    figure = draw_all(LONG)[name]()
    texts = drawn_texts(figure, monkeypatch)
    assert len(texts) > 8
    shown = " ".join(text for text, _ in texts).replace("\n", " ")
    assert name in ("training_curves", "ablations", "attributions") or readable(LONG["positive"]) in shown
    assert not any(word in shown for word in ("_", "apoptosis", "mitosis"))
    assert_inside(figure, texts)
    for (text, a), (other, b) in itertools.combinations(texts, 2):
        width, height = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert width <= 0.5 or height <= 0.5, f"{text!r} and {other!r} overlap by {width:.1f} x {height:.1f} px"


DRAWN = {  # what of a figure's tables it shows, value for value
    "figure_2": [(confusion, ("count", "fraction"))],
    "figure_3": [(partial(metrics, name), ("n", "value", "ci_low", "ci_high")) for name in ("truncation", "last_k")],
    "figure_4": [(profile, ("mean_scaled", "profile", "ci_low", "ci_high", "occlusion", "occlusion_low", "occlusion_high"))],
    "figure_5": [(partial(effects, courses=BOTH), ("median_delta", "ci_low", "ci_high"))],
    "traces": [(traces, ("mean", "ci_low", "ci_high", "n_trajectories"))],
    "ablations": [(ablations, ("value", "ci_low", "ci_high", "auroc"))],
    "attributions": [
        (lambda: attribution_tables()[1], ("hidden", "most", "least")),
        (lambda: attribution_tables()[0], ("against_recency",)),
    ],
    "figure_6": [(lambda: examples()[0], ("scaled", "occlusion"))],
    "training_curves": [(partial(curves, 5), ("epoch", "train_loss", "val_loss", "val_balanced_accuracy"))],
    "calibration": [(calibration, ("mean_probability", "observed"))],
    "truth": [(truth_fates, ("n", "fraction_correct"))],
    "design": [(lambda: design()[0], ("shortest", "q75", "longest")), (lambda: design()[1], ("within",))],
}


@pytest.mark.parametrize("name", DRAWN)
def test_the_numbers_of_the_tables_are_what_is_drawn(name):
    figure = draw_all()[name]()
    for table, columns in DRAWN[name]:
        for column in columns:
            values = table()[column].dropna().astype(float).unique()
            assert len(values) > 1
            assert not_drawn(figure, values) == [], f"{name}: {column}"


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_table_gives_a_figure_that_says_so(name, monkeypatch, tmp_path):
    figure = EMPTY[name]()
    texts = drawn_texts(figure, monkeypatch)
    notes = [text for text, _ in texts if "no trajectory meets" in text or "not measured" in text]
    assert notes
    assert all("n = 0" in note or "evaluation." in note for note in notes)
    for (text, a), (other, b) in itertools.combinations(texts, 2):
        assert not a.padded(-0.5).overlaps(b.padded(-0.5)), (text, other)
    save_figure(figure, tmp_path / "x.pdf", tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 1000


@pytest.mark.parametrize("name", ["figure_4", "figure_6_gray"])
def test_saving_twice_and_drawing_twice_give_the_same_bytes(name, tmp_path):
    first, second = draw_all()[name](), draw_all()[name]()
    save_figure(first, tmp_path / "a" / "1.pdf", tmp_path / "a" / "1.png")
    save_figure(first, tmp_path / "2.pdf", tmp_path / "2.png")
    save_figure(second, tmp_path / "3.pdf", tmp_path / "3.png")
    for kind in ("pdf", "png"):
        data = [(tmp_path / path).with_suffix(f".{kind}").read_bytes() for path in ("a/1.pdf", "2.pdf", "3.pdf")]
        assert data[0] == data[1] == data[2]


def test_files_have_embedded_fonts_no_dates_and_200_dpi(tmp_path):
    save_figure(draw_all()["figure_2"](), tmp_path / "f.pdf", tmp_path / "f.png")
    pdf, png = (tmp_path / "f.pdf").read_bytes(), (tmp_path / "f.png").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert b"/FontFile2" in pdf  # TrueType, embedded
    assert b"/Subtype /Type3" not in pdf
    assert b"Date" not in pdf
    assert struct.unpack(">I", png[16:20])[0] == pytest.approx(SINGLE * 200, abs=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.pdf", "f.png"]


def test_callers_settings_stay_as_they_are():
    before = dict(matplotlib.rcParams)
    draw_all()["figure_2"]()
    assert dict(matplotlib.rcParams) == before


# ---- figure 2 ----


def test_confusion_shows_shares_of_the_actual_outcome_and_counts(monkeypatch):
    shown = words(plot_confusion(confusion().sample(frac=1, random_state=1), FATES), monkeypatch)
    for text in ("0.913\n(401)", "0.087\n(38)", "0.035\n(57)", "0.965\n(1593)", "apoptosis\nn = 439", "mitosis\nn = 1650"):
        assert text in shown


def test_confusion_without_one_outcome_shows_no_share(monkeypatch):
    shown = words(plot_confusion(confusion(counts=((0, 0), (1, 3))), FATES), monkeypatch)
    assert "-\n(0)" in shown
    assert "0.750\n(3)" in shown
    assert "nan" not in shown


# ---- figure 3 ----


def lines_of(axes):
    return {(to_hex(line.get_color()), line.get_linestyle()): line for line in axes.get_lines() if len(line.get_xdata()) > 2}


def test_truncation_draws_the_table():
    table, last = metrics("truncation"), metrics("last_k")
    a, b, c, d = plot_truncation(table.sample(frac=1, random_state=0), last, empty(BASELINES), FATES, 30).axes[:4]
    chosen = table[(table["metric"] == "balanced_accuracy") & (table["cohort"] == "fixed")]
    fixed = lines_of(a)["#000000", "--"]
    assert list(fixed.get_xdata()) == list(STEPS["truncation"])
    assert list(fixed.get_ydata()) == pytest.approx(list(chosen["value"]))
    assert to_rgba(fixed.get_markerfacecolor()) == to_rgba("white")
    recall = table[(table["metric"] == "recall") & (table["class"] == "mitosis") & (table["cohort"] == "all")]
    assert list(lines_of(c)[OKABE_ITO["blue"].lower(), "-"].get_ydata()) == pytest.approx(list(recall["value"]))
    assert list(lines_of(d)[OKABE_ITO["vermillion"].lower(), "-"].get_xdata()) == list(STEPS["last_k"])
    assert any(list(line.get_ydata()) == [0.5, 0.5] for line in b.get_lines())  # chance
    ends = a.collections[0].get_paths()[0].vertices
    assert ends[:, 1].max() == pytest.approx(1.0)  # 0.95 + 0.05 at n = 0
    assert ends[ends[:, 0] == 50, 1].min() == pytest.approx(0.95 - 50 / 125 - 0.05)


def test_truncation_shows_hours_and_counts(monkeypatch):
    figure = plot_truncation(metrics("truncation"), metrics("last_k"), baselines(), FATES, 10)
    top = next(child for child in figure.axes[0].child_axes)
    figure.canvas.draw()
    assert top.get_xlim() == pytest.approx(np.array(figure.axes[0].get_xlim()) / 6)
    shown = words(figure, monkeypatch).split(" | ")
    for count in ("2089", "1589", "142"):  # all at 0 and 50 frames, fixed
        assert count in shown
    assert not plot_truncation(metrics("truncation"), metrics("last_k"), baselines(), FATES).axes[0].child_axes


def test_truncation_without_intervals_or_fixed_cohort(monkeypatch):
    one = metrics("truncation", interval=False)
    figure = plot_truncation(one[one["cohort"] == "all"], one[:0], empty(BASELINES), FATES, 30)
    shown = words(figure, monkeypatch)
    assert "fixed" not in shown
    assert "not measured: evaluation.last_k is null" in shown.replace("\n", " ")
    assert figure.axes[0].get_ylim()[0] <= 0.4
    assert "Points without an interval (a: 11 of 11, c: 22 of 22): apoptosis: 2 recordings, at least 3 are needed" in shown
    assert "without an interval" not in words(
        plot_truncation(metrics("truncation"), metrics("last_k"), empty(BASELINES), FATES, 30), monkeypatch
    )


def test_points_on_few_trajectories_are_not_drawn_and_the_number_is_said(monkeypatch):
    table, last = metrics("truncation", n0=505), metrics("last_k")  # 505 at n = 0, 5 at n = 50
    few = table[table["cohort"] == "all"]
    figure = draw_truncation(few, last, empty(BASELINES), FATES, 30, min_trajectories=6)
    assert list(lines_of(figure.axes[0])["#000000", "-"].get_xdata()) == list(range(0, 50, 5))
    assert figure.axes[0].get_xlim()[1] < 50
    shown = words(figure, monkeypatch)
    assert "every point: 6 or more trajectories" in shown
    every = draw_truncation(few, last, empty(BASELINES), FATES, 30, min_trajectories=1)
    assert list(lines_of(every.axes[0])["#000000", "-"].get_xdata()) == list(range(0, 51, 5))
    none = words(draw_truncation(few, last, empty(BASELINES), FATES, 30, min_trajectories=600), monkeypatch)
    assert "fewer than 600 trajectories" in none
    assert "figures.min_trajectories" in none


def test_a_fixed_cohort_of_all_is_drawn_once_and_said(monkeypatch):
    one, last = (table.assign(n_trajectories=40, cohort=table["cohort"]) for table in (metrics("truncation"), metrics("last_k")))
    figure = plot_truncation(one, last, empty(BASELINES), FATES, 30)
    assert [line.get_linestyle() for line in figure.axes[0].get_lines() if len(line.get_xdata()) > 2] == ["-"]
    shown = words(figure, monkeypatch)
    assert "all, the same at every point" in shown
    assert "fixed" not in shown


def test_the_ticks_are_where_points_are():
    table = metrics("truncation")
    for axes in plot_truncation(table, metrics("last_k"), empty(BASELINES), FATES).axes:
        assert set(axes.get_xticks()) <= {*STEPS["truncation"], *STEPS["last_k"]}
        assert 3 <= len(axes.get_xticks()) <= 7


def test_figures_say_why_nothing_is_drawn(monkeypatch):
    alone = metrics("truncation").assign(value=np.nan)
    assert "all of one outcome" in words(plot_truncation(alone, empty(METRICS), empty(BASELINES), FATES), monkeypatch)
    assert "evaluation.treatment" in words(
        plot_truncation(alone.assign(n_trajectories=0), empty(METRICS), empty(BASELINES), FATES), monkeypatch
    )
    assert "figures.min_trajectories" in words(draw_profile(profile(), FATES, min_trajectories=999), monkeypatch)


def test_the_axis_of_short_trajectories_has_ticks_of_their_own():
    short = profile().query("frames_before_end < 20")
    ticks = plot_attention_profile(short, FATES).axes[0].get_xticks()
    assert list(ticks) == [-15, -10, -5, 0]


# ---- figures 4 and 5 ----


def test_attention_profile_is_aligned_at_the_end(monkeypatch):
    figure = plot_attention_profile(profile().sample(frac=1, random_state=0), FATES)
    axes = figure.axes[0]
    mitosis = next(line for line in axes.get_lines() if to_hex(line.get_color()) == OKABE_ITO["blue"].lower())
    assert list(mitosis.get_xdata()) == list(range(-50, 1))
    assert mitosis.get_ydata()[-1] == 1
    assert mitosis.get_ydata()[0] == pytest.approx(np.exp(-50 / 3))
    figure.canvas.draw()
    assert axes.child_axes[0].get_xlim() == pytest.approx(np.array(axes.get_xlim()) / 2)  # half an hour per frame
    assert "240" in words(figure, monkeypatch).split(" | ")
    assert "190" in words(figure, monkeypatch).split(" | ")


def test_effects_say_what_made_a_frame_high(monkeypatch):
    assert "high-attention against low-attention frames" in words(plot_effects(effects(), FATES, high_by="attention"), monkeypatch)
    assert "high-occlusion against low-occlusion frames" in words(plot_effects(effects(), FATES, high_by="occlusion"), monkeypatch)


def test_occlusion_stands_beside_attention_where_it_was_computed():
    figure = plot_attention_profile(profile(), FATES)
    lost = next(line for line in figure.axes[1].get_lines() if to_hex(line.get_color()) == OKABE_ITO["blue"].lower())
    assert lost.get_ydata()[-1] == pytest.approx(1.8)
    assert len(plot_attention_profile(profile(occlusion=False), FATES).axes) == 1


def test_occlusion_is_drawn_over_the_attention_of_an_example():
    with_it, without = (plot_examples(*examples(occlusion=shown), list("abc"), FATES) for shown in (True, False))
    assert sum(axes.get_ylabel() == "log-odds lost" for axes in with_it.axes) == 2
    assert sum(axes.get_ylabel() == "log-odds lost" for axes in without.axes) == 0


def test_attention_profile_without_hours_has_an_axis_in_frames_only():
    figure = plot_attention_profile(profile().assign(hours_before_end=float("nan")), FATES)
    assert figure.axes[0].child_axes == []


def test_attention_profile_says_why_there_is_no_interval(monkeypatch):
    assert "no interval" not in words(plot_attention_profile(profile(), FATES), monkeypatch)
    bare = profile().assign(ci_low=float("nan"), ci_high=float("nan"), reason="2 recordings, at least 3 are needed")
    shown = words(plot_attention_profile(bare, FATES), monkeypatch)
    assert shown.count("no interval (2 recordings, at least 3 are needed)") == 2


def test_attention_profile_with_one_outcome_counts_none_of_the_other(monkeypatch):
    shown = words(plot_attention_profile(profile().query("outcome == 'mitosis'"), FATES), monkeypatch)
    assert "0" in shown.split(" | ")
    assert "apoptosis: n < 5" in shown


def markers_of(axes):
    return [line for line in axes.get_lines() if len(line.get_xdata()) == 1]


def test_effects_are_filled_where_significant():
    axes = plot_effects(effects(), FATES, high_by="attention").axes[0]
    markers = markers_of(axes)
    assert len(markers) == 2 * len(FEATURES)
    for marker in markers:
        index = round(float(marker.get_ydata()[0]))
        assert marker.get_xdata()[0] == pytest.approx(0.8 - 0.35 * index)
        filled = to_rgba(marker.get_markerfacecolor()) != to_rgba("white")
        assert filled == (index % 2 == 0)  # q is 0.01 and 0.2 in turn
    assert [text.get_text() for text in axes.get_yticklabels()] == [feature_label(feature) for feature in FEATURES]


def test_effects_relative_to_other_cells_stand_in_a_second_panel_with_the_same_features(monkeypatch):
    figure = plot_effects(
        effects(courses=BOTH).sample(frac=1, random_state=0).sort_values("course", kind="stable"), FATES, high_by="attention"
    )
    a, b = figure.axes
    labels = [text.get_text() for text in a.get_yticklabels()]
    order = [[feature_label(feature) for feature in FEATURES].index(label) for label in labels]
    for axes, turned in ((a, False), (b, True)):
        markers = markers_of(axes)
        assert len(markers) == 2 * len(FEATURES)
        for marker in markers:
            index = order[round(float(marker.get_ydata()[0]))]
            index = len(FEATURES) - 1 - index if turned else index
            assert marker.get_xdata()[0] == pytest.approx(0.8 - 0.35 * index)
            assert (to_rgba(marker.get_markerfacecolor()) != to_rgba("white")) == (index % 2 == 0)
    assert a.get_ylim() == b.get_ylim()
    shown = words(figure, monkeypatch).replace("\n", " ").split(" | ")
    assert {"a", "b", "as measured", "relative to other cells at the same time before the end"} <= set(shown)
    assert shown.count("1500") == 4 * len(FEATURES)
    assert shown.count(feature_label("area")) == 1


def test_one_panel_of_effects_needs_no_letter(monkeypatch):
    figure = plot_effects(effects(), FATES, high_by="attention")
    assert len(figure.axes) == 1
    assert not {"a", "b", "as measured"} & set(words(figure, monkeypatch).split(" | "))


def test_effects_without_other_cells_say_so_beside_those_as_measured(monkeypatch):
    figure = plot_effects(without_others(), FATES, high_by="attention")
    assert [len(markers_of(axes)) for axes in figure.axes] == [2 * len(FEATURES), 0]
    assert "3 other cells of each outcome" in words(figure, monkeypatch)


def test_effects_without_tests_are_all_filled_and_say_nothing_of_them(monkeypatch):
    table = effects(q=(None, None))
    figure = plot_effects(table, FATES, high_by="attention")
    assert all(to_rgba(marker.get_markerfacecolor()) != to_rgba("white") for marker in markers_of(figure.axes[0]))
    assert "0.05" not in words(figure, monkeypatch)
    shown = words(plot_effects(table.assign(p_value=0.01), FATES, high_by="attention"), monkeypatch)
    assert "p < 0.05" in shown
    assert "q <" not in shown


def test_effect_bands_have_the_published_edges():
    axes = plot_effects(effects(), FATES, high_by="attention").axes[0]
    edges = {round(patch.get_x() + patch.get_width(), 3) for patch in axes.patches if isinstance(patch, Rectangle)}
    assert {0.147, 0.33, 0.474, 1.0} <= edges
    assert {-0.147, -0.33, -0.474, -1.0} <= edges


def test_effects_of_one_outcome_only(monkeypatch):
    table = effects().query("outcome == 'mitosis'")
    figure = plot_effects(table, FATES, high_by="attention")
    assert len(markers_of(figure.axes[0])) == len(FEATURES)
    assert words(figure, monkeypatch).split(" | ").count("0") >= len(FEATURES)


def test_feature_labels():
    assert feature_label("intensity_mean-cell_cycle") == "cell cycle, mean intensity"
    assert feature_label("equivalent_diameter_area") == "equivalent diameter"
    assert feature_label("some_new_feature") == "some new feature"
    assert readable("no_event_by_end") == "no event by end"


# ---- figure 6 ----


def test_examples_show_chosen_crops_with_frames_by_attention(monkeypatch):
    table, crops = examples()
    figure = plot_examples(table, crops, ["circadian", "p53", "cell_cycle"], FATES)
    images = [axes for axes in figure.axes if axes.images]
    assert len(images) == 16
    high = [to_hex(axes.spines["left"].get_edgecolor()) == OKABE_ITO["green"].lower() for axes in images]
    assert high == ([False] * 4 + [True] * 4) * 2
    assert images[3].images[0].get_array().data == pytest.approx(composite(crops[:8])[3])
    curves_ = [axes for axes in figure.axes if axes.get_ylabel() == "attention"]
    assert len(curves_) == 2
    heights = [bar.get_height() for bar in curves_[0].patches]
    assert heights == pytest.approx(list(table["scaled"][:40]))
    shown = words(figure, monkeypatch)
    for text in ("−19.5 h", "−0.5 h", "0 h", "apoptosis, 001/9", "p53"):
        assert text in shown.split(" | ")


def test_examples_without_any_crop_say_so_and_those_without_are_left_out(monkeypatch):
    table, crops = examples()
    channels = ["circadian", "p53", "cell_cycle"]
    none = plot_examples(table.assign(position=pd.array([None] * len(table), dtype="Int64")), crops, channels, FATES)
    assert "no trajectory meets" in words(none, monkeypatch)
    one = table.assign(position=table["position"].where(table["outcome"] == "mitosis"))
    shown = words(plot_examples(one, crops, channels, FATES), monkeypatch)
    assert "mitosis, " in shown
    assert "apoptosis, " not in shown


def test_composite_blends_three_channels_and_keeps_one_gray():
    crops = np.zeros((2, 3, 10, 10))
    crops[0, 0, :5] = 100.0  # magenta
    crops[0, 1, :, :5] = 7.0  # yellow
    image = composite(crops)
    assert image.shape == (2, 10, 10, 3)
    assert image[0, 0, 9] == pytest.approx([1, 0, 1])
    assert image[0, 9, 0] == pytest.approx([1, 1, 0])
    assert image[0, 0, 0] == pytest.approx([1, 1, 1])
    assert image[0, 9, 9] == pytest.approx([0, 0, 0])
    assert image[1].max() == 0
    padded = np.full((1, 1, 10, 10), 50.0)
    padded[0, 0, :, 5:] = 90.0
    padded[0, 0, :3] = 0  # outside of the image: black, without lifting the background of the rest
    assert composite(padded)[0, :, 0, 0] == pytest.approx([0] * 10)
    assert composite(np.zeros((1, 1, 4, 4))).max() == 0
    gray = composite(crops[:, :1] + 1)
    assert np.ptp(gray, axis=-1).max() == 0
    assert gray[0, 0, 0] == pytest.approx([1, 1, 1])
    assert composite(np.full((1, 5, 4, 4), 3)).shape == (1, 4, 4, 3)  # five channels, all constant: black
    assert composite(np.full((1, 5, 4, 4), 3)).max() == 0


# ---- checks ----


def test_training_curves_mark_the_kept_epoch():
    table = curves(epochs=4).assign(val_balanced_accuracy=[0.6, 0.9, 0.9, 0.8], val_loss=[0.7, 0.5, 0.4, 0.3])
    loss, accuracy = plot_training_curves(table).axes
    ring = next(line for line in accuracy.get_lines() if line.get_marker() == "o")
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([2], [0.9])  # equal accuracy: the lower loss
    ring = next(line for line in loss.get_lines() if line.get_marker() == "o")
    assert list(ring.get_ydata()) == [0.4]


def test_read_curves_joins_folds_and_names_what_is_missing(tmp_path):
    for fold in (0, 1):
        (tmp_path / str(fold)).mkdir()
        curves(epochs=fold + 2).drop(columns="fold").to_csv(tmp_path / str(fold) / "curves.csv", index=False)
    table = read_curves([tmp_path / "0", tmp_path / "1"])
    assert list(table["fold"]) == [0, 0, 1, 1, 1]
    with pytest.raises(InputError, match=r"2/curves\.csv: no such file"):
        read_curves([tmp_path / "2"])
    (tmp_path / "0" / "curves.csv").write_text("epoch,train_loss\n0,1\n")
    with pytest.raises(InputError, match=r"0/curves\.csv: column val_loss missing"):
        read_curves([tmp_path / "0"])


def test_calibration_shows_scores_and_skips_empty_bins(monkeypatch):
    figure = plot_calibration(calibration(), FATES, 30)
    shown = words(figure, monkeypatch)
    for text in ("ECE 0.110, Brier 0.090", "ECE 0.030, Brier 0.090", "n = 360", "predicted probability of mitosis"):
        assert text in shown
    reliability, errors, brier = figure.axes
    lines = [line for line in reliability.get_lines() if len(line.get_xdata()) > 2]
    assert [len(line.get_xdata()) for line in lines] == [9, 9]
    assert [list(line.get_ydata()) for line in errors.get_lines()] == [pytest.approx([0.11] * 11), pytest.approx([0.03] * 11)]
    assert [list(line.get_ydata()) for line in brier.get_lines()] == [pytest.approx([value] * 11) for value in (0.09, 0.09, 0.2)]
    assert "after calibration" not in words(plot_calibration(calibration(("raw",)), FATES), monkeypatch)


def test_median_onsets_lie_between_the_truncations():
    rows = [("e", 0, True, 10), ("e", 10, True, 8), ("e", 10, False, 2), ("e", 20, False, 10), ("any", 0, True, 10), ("late", 0, True, 3)]
    table = pd.DataFrame(rows, columns=["effect", "n", "visible", "n_trajectories"])
    # visible in 1.0, 0.8 and 0 of the trajectories: half of them at 10 + 10 * 0.3 / 0.8
    assert median_onsets(table) == {"e": pytest.approx(13.75)}


def test_truth_shows_shares_onsets_and_overlap(monkeypatch):
    figure = plot_truth(scores(), truth_fates(), FATES)
    accuracy, _, overlap = figure.axes
    line = next(line for line in accuracy.get_lines() if len(line.get_xdata()) == 11)
    assert list(line.get_ydata()) == pytest.approx([0.9] * 6 + [0.5] * 5)  # visible until 25 frames, not at 30
    assert sum(patch.get_height() for patch in overlap.patches) == 100
    shown = words(figure, monkeypatch)
    for text in ("p53 sustained", "rounding", "n = 100\nfound 0.900\nmedian 0.778"):
        assert text in shown


def test_no_line_from_an_onset_to_its_name_crosses_another_name():
    figure = plot_truth(scores(), truth_fates(shrinkage=4, stretching=4), FATES)
    with matplotlib.rc_context(RC):
        figure.canvas.draw()
    names = [text for text in figure.axes[0].texts if isinstance(text, Annotation) and text.arrow_patch]
    assert len(names) == 6
    for one, other in itertools.permutations(names, 2):
        path = one.arrow_patch.get_transform().transform_path(one.arrow_patch.get_path())
        box = Text.get_window_extent(other)
        assert not path.intersects_bbox(box, filled=False), f"the line of {one.get_text()!r} crosses {other.get_text()!r}"


def test_spread_keeps_order_and_distance():
    places = spread([1, 1, 1, 20], 2)
    assert np.diff(places).min() >= 2 - 1e-9
    assert np.mean(places[:3]) == pytest.approx(1, abs=2)
    assert spread([], 2) == []
    assert spread([1, 5], 2) == [1, 5]


def test_every_nth_count_that_fits():
    counts = dict.fromkeys(range(0, 50, 5), 100)
    assert every_nth(counts, digits_width=3, points_per_unit=10) == list(range(0, 50, 5))  # 13 points wide, 50 apart
    assert every_nth(counts, digits_width=3, points_per_unit=1) == [0, 15, 30, 45]  # 5 apart: every third
    assert every_nth({3: 1}, 3, 1) == [3]


def test_figures_need_no_screen():
    assert isinstance(draw_all()["figure_2"]().canvas, FigureCanvasAgg)


def test_counts_stand_below_the_axis_alone():
    axes = new_figure(DOUBLE, 2).subplots()
    axes.set_xlim(0, 10)
    count_rows(axes, [("n", "black", {0: 5, 5: 4, 10: 3, 15: 0, 50: 0})], "frames dropped from the end")
    assert [text.get_text() for text in axes.texts] == ["5", "4", "3", "n"]


def test_counts_are_written_below_an_axis_that_runs_backwards():
    axes = new_figure(SINGLE, 2).subplots()
    axes.set_xlim(20, 0)
    count_rows(axes, [("tracks", "black", {0.5: 9, 10: 8, 25: 7})], "hours before the event")
    assert [text.get_text() for text in axes.texts] == ["9", "8", "tracks"]


def test_ablations_are_filled_where_the_change_is_shown(monkeypatch):
    figure = plot_ablations(ablations())
    shown = words(figure, monkeypatch)
    rows = (
        "the whole input",
        "cell hidden",
        "only channel a channel with a name",
        "without channel p53",
        "frames shuffled",
        "last frame alone",
    )
    assert [shown.index(row) for row in rows] == sorted(shown.index(row) for row in rows)
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [line.get_markerfacecolor() != "white" for line in dots] == [True, True, True, True, False, True]


def test_figure_5_says_in_how_many_frames_the_cell_was_found(monkeypatch):
    table = coverage()
    shown = words(plot_effects(effects(), FATES, high_by="attention", coverage=table), monkeypatch)
    assert "mitosis: cell found in 13 % of 90,000 frames of 1500 tracks (thirds of the track: 13 %, 13 %, 13 %)" in shown
    assert "cell found" not in words(plot_effects(effects(), FATES, high_by="attention"), monkeypatch)


def test_figure_5_without_intervals_fills_no_marker_and_says_why(monkeypatch):
    table = effects(q=(0.01, 0.02)).assign(ci_low=np.nan, ci_high=np.nan, reason="1 recording, at least 3 are needed")
    figure = plot_effects(table, FATES, high_by="attention", coverage=coverage())
    assert {line.get_markerfacecolor() for line in markers_of(figure.axes[0])} == {"white"}
    assert "mitosis: no interval (1 recording, at least 3 are needed)" in words(figure, monkeypatch)
    assert "no interval" not in words(plot_effects(effects(), FATES, high_by="attention"), monkeypatch)


REASONS = ("figure_2", "figure_3_one_side", "figure_5_three_no_others", "calibration", "traces")


@pytest.mark.parametrize("name", REASONS)
def test_the_reason_of_an_empty_panel_stays_within_it(name, monkeypatch):
    three = effects(courses=(*BOTH, "own"))
    three = three.assign(median_delta=three["median_delta"].where(three["course"] != "removed"))
    figure = (EMPTY | {"figure_5_three_no_others": lambda: plot_effects(three, FATES, high_by="attention")})[name]()
    drawn_texts(figure, monkeypatch)
    notes = [text for axes in figure.axes for text in axes.texts if text.get_gid() == "reason"]
    assert notes
    for note in notes:
        panel, box = note.axes.get_window_extent(), note.get_window_extent()
        assert panel.x0 < box.x0
        assert box.x1 < panel.x1, note.get_text()


def test_figure_3_names_chance_in_its_legend_not_among_the_curves():
    figure = plot_truncation(metrics("truncation"), metrics("last_k"), baselines(), FATES, 30)
    assert "chance" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert "chance" not in [text.get_text() for axes in figure.axes for text in axes.texts]


def few_of_mitosis(table, column, n=3):
    return table.assign(n_trajectories=table["n_trajectories"].mask(table[column] == "mitosis", n))


FEW_OF_ONE = {
    "figure_3": lambda: plot_truncation(
        few_of_mitosis(metrics("truncation"), "class"), few_of_mitosis(metrics("last_k"), "class"), baselines(), FATES, 30
    ),
    "figure_4": lambda: plot_attention_profile(few_of_mitosis(profile(), "outcome"), FATES),
    "traces": lambda: plot_traces(few_of_mitosis(traces(), "outcome"), contrasts(), FATES, min_trajectories=5),
}


@pytest.mark.parametrize("name", FEW_OF_ONE)
def test_an_outcome_on_too_few_trajectories_has_no_line_in_the_legend_but_its_number(name, monkeypatch):
    figure = FEW_OF_ONE[name]()
    entries = dict(zip([text.get_text() for text in figure.legends[0].get_texts()], figure.legends[0].get_lines(), strict=True))
    assert entries["mitosis: n < 5"].get_linestyle() == "None"
    assert entries["apoptosis"].get_linestyle() == "-"
    assert "mitosis" not in entries
    if name == "traces":
        assert not_drawn(figure, [3.0]) == []
    else:
        assert [text for text, _ in drawn_texts(figure, monkeypatch)].count("3") > 4  # below the axis


def test_traces_without_windows_or_with_few_cells_say_so(monkeypatch):
    def said(*tables):
        return [text for text, _ in drawn_texts(plot_traces(*tables, FATES, min_trajectories=5), monkeypatch)]

    assert "no window was tested" in said(traces(), empty(CONTRASTS))
    assert "no window was tested" not in said(traces(), contrasts())
    assert any(too_few(5) in text for text in said(traces(n=3), contrasts()))
