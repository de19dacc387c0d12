"""The published effect sizes: which words their files' names may have, and what they give."""

import pytest

from cellfate.base.errors import InputError
from cellfate.base.tables import check_table
from cellfate.explanation.published_effects import read_published_effects, summarize_published_effects
from cellfate.explanation.tables import EFFECT_SUMMARY
from cellfate.figures.effects import plot_effects

NAMES = {"negative": "apoptosis", "positive": "mitosis"}
HEADER = "Dosage;p-value;Cliff's Delta;Cohen's D\n"
ROWS = HEADER + "Low;0.1;0.5;1\nHigh;0.2;0.7;1\nControl;0.2;-1;1\nUnknown;0.2;-1;1\n"
PUBLISHED = ("area", "perimeter", "eccentricity", "equivalent_diameter", "solidity", "circularity", "circadian", "p53", "cell_cycle")


@pytest.fixture
def folder(tmp_path):
    for outcome in ("Death", "Division"):
        for feature in PUBLISHED:
            (tmp_path / f"{outcome}_{feature}.csv").write_text(ROWS.replace("0.7", "-0.9") if outcome == "Death" else ROWS)
    return tmp_path


def test_death_and_division_become_the_configured_outcomes_and_all_reporters_our_features(folder):
    effects = read_published_effects(folder, {"negative": "dead", "positive": "divided"})
    assert set(effects["outcome"]) == {"dead", "divided"}
    assert set(effects["feature"]) == {
        "area",
        "perimeter",
        "eccentricity",
        "equivalent_diameter_area",
        "solidity",
        "circularity",
        "intensity_mean-circadian",
        "intensity_mean-p53",
        "intensity_mean-cell_cycle",
    }
    assert effects.loc[effects["outcome"] == "dead", "cliffs_delta"].tolist() == [0.5, -0.9] * 9
    assert effects["unit"].is_unique


def test_the_table_and_figure_of_published_names_hold_every_outcome_and_feature(folder):
    summary = check_table(summarize_published_effects(folder, NAMES, bootstrap=20, seed=1), EFFECT_SUMMARY, "s")
    assert summary["n_trajectories"].tolist() == [2] * 18
    medians = summary.set_index(["outcome", "feature"])["median_delta"]
    assert medians["apoptosis", "intensity_mean-cell_cycle"] == pytest.approx(-0.2)
    assert medians["mitosis", "intensity_mean-circadian"] == pytest.approx(0.6)
    labels = [text.get_text() for text in plot_effects(summary, NAMES, high_by="attention").axes[0].get_yticklabels()]
    assert len(labels) == 9


def test_our_own_words_and_upper_case_are_understood(tmp_path):
    for name in ("mitosis_p53", "MITOSIS_Area", "apoptosis_intensity_mean-p53"):
        (tmp_path / f"{name}.csv").write_text(ROWS)
    effects = read_published_effects(tmp_path, NAMES)
    assert set(zip(effects["outcome"], effects["feature"], strict=True)) == {
        ("mitosis", "intensity_mean-p53"),
        ("mitosis", "area"),
        ("apoptosis", "intensity_mean-p53"),
    }
    assert set(effects["course"]) == {"kept"}
    assert len(read_published_effects(tmp_path, NAMES, doses=["Control"])) == 3


def test_a_configured_outcome_comes_before_the_published_word_for_the_other(tmp_path):
    (tmp_path / "cell_death_area.csv").write_text(ROWS)
    (tmp_path / "mitosis_area.csv").write_text(ROWS)
    effects = read_published_effects(tmp_path, {"negative": "mitosis", "positive": "cell_death"})
    assert list(dict.fromkeys(effects["outcome"])) == ["cell_death", "mitosis"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("Quiescence_area", ROWS, "'Quiescence' is no known outcome .* known are apoptosis, death, division, mitosis"),
        ("summary", ROWS, "'summary' is no known outcome"),
        ("Death_colour", ROWS, "'colour' is no known feature; known are area, cell_cycle"),
        ("Death_area", "Dosage;p-value\n", "column Cliff's Delta is missing"),
        ("Death_area", "", "cannot be read"),
        ("Death_area", HEADER + "low;0.1;0.5;1\n", "line 2: Dosage is 'low', one of Low"),
        ("Death_area", HEADER + "Low;0.1;0.5;1\nLow;0.1;high;1\n", "line 3: Cliff's Delta is 'high', a number from -1 to 1 is needed"),
        ("Death_area", HEADER + "Low;0.1;50;1\n", "line 2: Cliff's Delta is '50', a number from -1 to 1 is needed"),
        ("Death_area", HEADER + "Low;inf;0.5;1\n", "line 2: p-value is 'inf', a number from 0 to 1 is needed"),
        ("Death_area", HEADER + "Control;0.1;0.5;1\n", "no trajectory with Dosage Low, Medium, High; found Control"),
    ],
)
def test_what_is_not_known_is_an_error_that_names_the_file_and_the_word(tmp_path, name, text, message):
    (tmp_path / "Division_area.csv").write_text(ROWS)
    (tmp_path / f"{name}.csv").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read_published_effects(tmp_path, NAMES)
    assert f"{name}.csv" in str(error.value)


def test_two_files_of_the_same_outcome_and_feature_are_an_error(folder):
    (folder / "apoptosis_p53.csv").write_text(ROWS)
    with pytest.raises(InputError, match=r"apoptosis_p53.csv: intensity_mean-p53 of apoptosis is in Death_p53.csv too"):
        read_published_effects(folder, NAMES)


def test_a_folder_without_files_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no files <outcome>_<feature>"):
        read_published_effects(tmp_path / "nothing", NAMES)


@pytest.mark.reference
def test_published_effect_sizes_give_the_published_medians(shared_folder):
    summary = summarize_published_effects(shared_folder / "reference" / "effect_sizes", NAMES, bootstrap=2000, seed=42)
    summary = check_table(summary, EFFECT_SUMMARY, "s").set_index(["outcome", "feature"])
    published = {
        ("mitosis", "intensity_mean-p53"): 0.824,
        ("mitosis", "area"): 0.404,
        ("mitosis", "eccentricity"): -0.396,
        ("apoptosis", "intensity_mean-p53"): 0.549,
        ("apoptosis", "area"): 0.221,
        ("apoptosis", "eccentricity"): 0.062,
    }
    for key, median in published.items():
        row = summary.loc[key]
        assert row["median_delta"] == pytest.approx(median, abs=5e-4)
        assert row["ci_low"] < row["median_delta"] < row["ci_high"]
        assert row["ci_high"] - row["ci_low"] < 0.1
