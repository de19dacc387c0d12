"""The tables of the page of explanations, from the scores of runs."""

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))  # its files import each other by their names

from explanations import METHODS, PLACES, table_of


def test_means_over_seeds_and_their_range_stand_beside_what_last_frames_and_chance_give():
    truth, scores = [], []
    for seed, value in ((1, 0.4), (2, 0.6)):
        known = {"condition": "weak", "seed": seed, "balanced_accuracy": 0.8, "class": "all", "n": 10 + seed}
        for method in METHODS:
            places = PLACES if method == "channel_occlusion" else PLACES[:2]
            named = {"method": method, "value": value, "recency": 0.1, "informative": 0.2}
            truth += [known | named | {"level": level, "score": score} for level, score in places]
            verdict = "beats" if seed == 1 else "not shown"
            faithful = {"score": "kept_less_removed", "order": "signed", "value": value, "against_recency": value - 1, "verdict": verdict}
            scores.append(known | faithful | {"method": method})
        scores.append(known | {"score": "kept_less_removed", "order": "signed", "method": "recency", "value": 1.0})
    truth.append(truth[0] | {"class": "apoptosis", "value": 9.0})  # not of all cells
    lines = table_of(pd.DataFrame(truth), pd.DataFrame(scores))
    assert lines[2:4] == ["| weak | 1 | 0.80 | 11 |", "| weak | 2 | 0.80 | 12 |"]
    spread, against = "0.50 (0.40 to 0.60)", "-0.50 (-0.60 to -0.40)"
    assert f"| weak | integrated gradients | {spread} | {spread} |  | {spread} | {against} | 1 of 2 |" in lines
    assert f"| weak | occlusion of channels | {spread} | {spread} | {spread} | {spread} | {against} | 1 of 2 |" in lines
    same = {value: f"{value:.2f} ({value:.2f} to {value:.2f})" for value in (0.1, 0.2, 1.0)}
    assert lines[-2:] == [
        f"| weak | the last frames first | {same[0.1]} | {same[0.1]} | {same[0.1]} | {same[1.0]} |  |  |",
        f"| weak | at random | {same[0.2]} | {same[0.2]} | {same[0.2]} |  |  |  |",
    ]
