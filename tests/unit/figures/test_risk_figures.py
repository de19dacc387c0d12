"""Figures of fate over time: what is drawn, and in words why something is not."""

import pytest
from toy_figures import FATES, LONG, assert_inside, drawn_texts, not_drawn
from toy_risk_tables import table, tables

from cellfate.evaluation.risks.tables import RISK_EXAMPLES
from cellfate.evaluation.risks.words import LABELS
from cellfate.figures.explained.attributions import TITLES
from cellfate.figures.scores.risk_scores import METHODS, plot_risk_scores
from cellfate.figures.scores.risks import plot_risk_examples
from cellfate.report.sections.attributions import MODELS


def examples(kinds=("negative", "positive", "none")):
    ends = {"negative": "negative", "positive": "positive", "none": "lost"}
    rows = [
        (kind, f"{kind}/{cell}", ends[kind], 20.0, 10.0, hour, hour / 40, hour / 30)
        for kind in kinds
        for cell in range(2)
        for hour in (5.0, 10.0, 19.5)
    ]
    return table(RISK_EXAMPLES, rows)


def words_of(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.findobj(match=lambda one: hasattr(one, "get_text")))


@pytest.mark.parametrize("outcomes", [FATES, LONG])
def test_words_stay_inside(outcomes, monkeypatch):
    figure = plot_risk_scores(*tables(), outcomes, min_trajectories=5)
    assert_inside(figure, drawn_texts(figure, monkeypatch))
    figure = plot_risk_examples(examples(), outcomes)
    assert_inside(figure, drawn_texts(figure, monkeypatch))


def test_the_reason_stands_where_nothing_was_measured():
    figure = plot_risk_scores(*tables("3 held-out cells had an outcome"), FATES, min_trajectories=5)
    assert words_of(figure).count("3 held-out cells had an outcome") == 6
    assert "no held-out cell has frames enough" in words_of(plot_risk_examples(examples(()), FATES))


def test_examples_without_any_risk_say_why():
    nothing = examples().assign(negative=None, positive=None)
    assert "no training track was followed for as long as any of risks.horizons_hours" in words_of(plot_risk_examples(nothing, FATES))


def test_panels_are_of_hours_that_have_a_score():
    scores, *others = tables()
    scores.loc[scores["horizon_hours"] > 2, ["brier", "skill", "skill_low", "skill_high"]] = None
    words = words_of(plot_risk_scores(scores, *others, FATES, min_trajectories=5))
    assert "risk within 2 h" in words
    assert "2 h ahead" in words


def test_points_on_few_cells_are_not_drawn():
    figure = plot_risk_scores(*tables(), FATES, min_trajectories=99)
    assert words_of(figure).count("figures.min_trajectories") == 6


def test_the_risks_of_every_cell_are_drawn_on_one_scale():
    """Whichever its row: what is high in one panel is high in all."""
    figure = plot_risk_examples(examples(), FATES)
    for column in ("hours", "negative", "positive"):
        assert not_drawn(figure, examples()[column].astype(float).unique()) == [], column
    panels = [axes for axes in figure.axes if axes.lines]
    assert len(panels) == 6
    assert {axes.get_ylim() for axes in panels} == {(-0.03, 1.12)}
    assert len({axes.get_xlim() for axes in panels}) == 1


@pytest.mark.parametrize(("place", "columns"), [(0, ("auc_negative", "auc_positive")), (1, ("predicted", "observed"))])
def test_the_scores_of_risks_are_those_of_the_tables(place, columns):
    figure = plot_risk_scores(*tables(), FATES, min_trajectories=5)
    for column in columns:
        values = tables()[place][column].dropna().astype(float).unique()
        assert not_drawn(figure, values) == [], column


def test_the_network_of_a_run_is_not_taken_for_that_of_the_paper():
    for words in (*METHODS.values(), *TITLES.values(), *MODELS.values(), *LABELS.values()):
        assert "published" not in str(words)
