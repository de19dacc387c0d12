"""What a prediction by an exported model is worth, in one sentence from its card."""

import json

import pytest

from cellfate.model.saved.card import CARD, held_out_line

SCORE = {"value": 0.5, "ci_low": None, "ci_high": None, "reason": "dead: 1 recording, at least 3 are needed"}
BASELINES = [("network", 0.5, None, None), ("majority", 0.5, 0.0, None), ("rings_last_frame", 1.0, -0.5, None)]


def line_of(folder, score=SCORE, baselines=BASELINES, shuffled=False):
    rows = [dict(zip(("method", "value", "lead", "lead_low"), row, strict=True)) for row in baselines]
    scores = {} if score is None else {"balanced_accuracy": score}
    card = {"held_out": scores, "baselines": rows, "members": {"fold-0": {"shuffle_labels": shuffled}}}
    (folder / CARD).write_text(json.dumps(card))
    return held_out_line(folder)


def test_a_model_that_is_no_better_than_a_baseline_is_told(tmp_path):
    assert line_of(tmp_path) == (
        "Held-out balanced accuracy of the model 0.50 (no interval: dead: 1 recording, at least 3 are needed), "
        "not better than the best simple baseline (rings last frame, 1.00); see its card, MODEL_CARD.md."
    )


@pytest.mark.parametrize(
    ("low", "words"), [(0.02, "), better than the best"), (-0.1, "), not shown to be better"), (None, "), not shown to be")]
)
def test_better_is_what_the_interval_of_the_lead_shows(tmp_path, low, words):
    score = {"value": 0.9, "ci_low": 0.84, "ci_high": 0.95, "reason": None}
    line = line_of(tmp_path, score, [("network", 0.9, None, None), ("clock", 0.8, 0.1, low), ("majority", 0.5, 0.4, 0.3)])
    assert line.startswith("Held-out balanced accuracy of the model 0.90 (0.84 to 0.95")
    assert words in line
    assert "(clock, 0.80)" in line


def test_what_is_not_known_is_said(tmp_path):
    assert "is not known: its folder has no card.json" in held_out_line(tmp_path)
    assert "was not measured" in line_of(tmp_path, score=None)
    assert "was not measured" in line_of(tmp_path, score=SCORE | {"value": None})
    assert "not compared with simple baselines" in line_of(tmp_path, baselines=[])
    assert line_of(tmp_path, shuffled=True).startswith("The model learned from outcomes exchanged at random")
