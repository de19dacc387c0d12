"""The summary page of phenotype transitions."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cellfate.base.errors import InputError
from cellfate.report.transition_page import cells_table, growth_notes, transition_page

CELLS = pd.DataFrame({"part": ["train", "train", "test", "no label"], "phenotype": ["A", "B", "A", None]})


def content(folder, kind: str = "transition") -> dict:
    scores = [("mlp", "baseline", "accuracy", 0.9), ("full", "network", "accuracy", 0.8), ("full", "network", "f1_macro", 0.7)]
    scores = pd.DataFrame([*scores, ("mlp", "baseline", "f1_macro", 0.9)], columns=["variant", "role", "metric", "value"])
    P = pd.DataFrame({"source": ["A", "A", "B", "B"], "target": ["A", "B"] * 2, "probability": [0.75, 0.25, 0.0, 1.0]})
    P = P.assign(
        ci_low=[0.7, 0.2, np.nan, np.nan], ci_high=[0.8, 0.3, np.nan, np.nan], interval="refits", absorbing=[False, False, True, True]
    )
    P = P.assign(kind=kind, entropy=0.5, n_cells=2)
    figure = Figure(figsize=(1, 1))
    figure.savefig(folder / "cells.png")
    (folder / "cells.rst").write_text("What is <seen>.")
    return {
        "dataset": "mine",
        "cells": CELLS,
        "scores": scores.assign(value_min=scores["value"], value_max=scores["value"], n_cells=100),
        "matrices": pd.concat([P.assign(variant="full"), P.assign(variant="counted")]),
        "facts": pd.DataFrame({"fact": ["growth"], "value": [np.nan], "words": ["fitted"]}),
        "pairs": pd.DataFrame(columns=["explained", "source", "target", "probability"]),
        "genes": None,
        "sets": None,
        "fates": None,
        "compared": None,
        "figures": [folder / "cells.png"],
        "captions": [folder / "cells.rst"],
        "software": "cellfate",
        "config_digest": "abc",
    }


def test_the_page_has_the_matrices_with_intervals_who_is_ahead_and_the_figures(tmp_path):
    page = transition_page(**content(tmp_path))
    for words in ("MLP is ahead of the network", "0.750<small>0.700–0.800", "P counted", "What is &lt;seen&gt;.", "no label"):
        assert words in page
    assert "Absorbing phenotypes, which nothing follows: B." in page
    assert page.count("data:image/png;base64,") == 1


def test_static_labels_are_called_no_transitions(tmp_path):
    page = transition_page(**content(tmp_path, "confusion"))
    assert "Phenotypes, and the genes that tell them" in page
    assert "a confusion of phenotypes, no transitions" in page


def test_a_matrix_of_another_place_has_its_lines(tmp_path):
    entry = {"variant": "counted", "source": "A", "target": "A", "where": "both", "probability": 0.5, "probability_there": 0.9}
    entry |= {"difference": -0.4, "intervals": "apart", "step_days": 1.0, "step_days_there": 1.0, "per_there": "cell"}
    page = transition_page(**content(tmp_path) | {"compared": pd.DataFrame([entry])})
    for words in ("1 of these leave each other out: A to A 0.500 here, 0.900 there", "A step is 24 h in both", "Both P are per cell"):
        assert words in page


def test_a_figure_without_a_caption_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"no caption file cells\.rst"):
        transition_page(**content(tmp_path) | {"captions": []})


def test_cells_are_counted_by_part_and_reason():
    found = cells_table(CELLS)
    assert found["parts"] == ["train", "validation", "test", "no label"]
    assert found["rows"] == [("-", [0, 0, 0, 1], 1), ("A", [1, 0, 1, 0], 2), ("B", [1, 0, 0, 0], 1)]
    assert found["total"] == [2, 0, 1, 1]


def test_what_growth_could_explain_is_warned_of():
    pairs = pd.DataFrame({"source": ["A", "A", "B"], "target": ["A", "B", "A"], "probability": [0.6, 0.4, 0.01], "explained": True})
    assert growth_notes(pairs)[0].startswith("Warning: growth and the blur of the transport alone could explain A to B:")
    assert growth_notes(pairs.assign(explained=False)) == []
