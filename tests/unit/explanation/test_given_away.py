"""What gave a cell away: its hours, channel, feature and words, also where a method, a feature or the explanation is missing."""

import numpy as np
import pandas as pd
import pytest

from cellfate.base.tables import check_table
from cellfate.explanation.given_away import Explained, explained_cells, in_words, most_telling
from cellfate.explanation.tables import ATTRIBUTION_SCORES, EXAMPLES, EXPLAINED_CELLS, GIVEN_AWAY
from cellfate.figures.explained.cells import plot_explained_cells

NAMES = {"negative": "apoptosis", "positive": "mitosis"}
CHANNELS = ("p53", "cell_cycle")
N = 20


def examples():
    rows = []
    for place, outcome in enumerate(NAMES.values()):
        for frame in range(N):
            before = N - 1 - frame
            key = {"trajectory": f"r/{place}", "outcome": outcome, "frame": frame + 3, "frames_before_end": before}
            shown = place * 2 + frame if frame < 2 else None
            rows.append({**key, "hours_before_end": before / 2, "weight": 0.1, "scaled": 0.1, "group": "low", "position": shown})
    return check_table(pd.DataFrame(rows).assign(occlusion=np.nan), EXAMPLES, "test")


def tables(methods=("integrated_gradients", "occlusion", "channel_occlusion"), cells=("r/0", "r/1"), features=True, scores=True):
    """Frames 5 to 7 of each cell speak for its outcome, in p53; there its area is small."""
    values = []
    for cell in cells:
        said = np.zeros(N)
        said[5:8] = -1.0 if cell == "r/0" else 1.0
        for method in methods:
            for part in CHANNELS if method == "channel_occlusion" else ("all",):
                own = said if part != "cell_cycle" else -said / 2
                key = {"trajectory": cell, "fold": 0, "method": method, "part": part}
                values.append(pd.DataFrame({**key, "frame": range(3, 3 + N), "value": own}))
    columns = ["trajectory", "fold", "method", "part", "frame", "value"]
    attributions = pd.concat(values, ignore_index=True) if values else pd.DataFrame(columns=columns)
    prefixes = pd.DataFrame({"trajectory": np.repeat(["r/0", "r/1"], 5), "frame": [*range(18, 23)] * 2, "probability": 0.8})
    rng = np.random.default_rng(0)
    area = pd.DataFrame(
        {"recording": "r", "track_id": np.repeat([0, 1], N), "frame": [*range(3, 3 + N)] * 2, "area": rng.normal(100, 1, 2 * N)}
    )
    area.loc[area["frame"].between(8, 10), "area"] -= 50
    score = {"method": "integrated_gradients", "model": "published", "order": "signed", "class": "all", "score": "kept_less_removed"}
    known = pd.DataFrame([{**score, "verdict": "beats", "n": 2, "units": 1}] * scores).reindex(columns=list(ATTRIBUTION_SCORES.columns))
    shown = ["integrated_gradients", "channel_occlusion"]
    prefixes = prefixes.assign(fold=0, split="test")
    return Explained(examples(), attributions, prefixes, area if features else area.iloc[:0], known, NAMES, shown, 3)


def found(**changes):
    values, said = explained_cells(tables(**changes))
    return check_table(values, EXPLAINED_CELLS, "values"), check_table(said, GIVEN_AWAY, "said")


def draw(values, said):
    crops = np.random.default_rng(0).integers(0, 999, (4, 2, 8, 8))
    return plot_explained_cells(values, said, examples(), crops, NAMES, shown=["integrated_gradients", "channel_occlusion"])


def test_hours_channel_feature_and_agreement_are_told_in_words():
    values, said = found()
    row = said.set_index("trajectory").loc["r/0"]
    assert row[["method", "hours_from", "hours_to", "share", "channel", "feature"]].tolist() == [
        "integrated_gradients",
        7.0,
        6.0,
        1.0,
        "p53",
        "area",
    ]
    assert row[["agree", "others", "verdict"]].tolist() == [2, 2, "beats"]
    assert row["change"] < -10
    assert row["words"] == (
        "By integrated gradients the frames 7.0 to 6.0 h before the end hold 100 % of what spoke for apoptosis, most of it in channel p53, "
        "where area is lower than in the cell's other frames; 2 of 2 other methods name the same hours. "
        "Over all cells the method beats looking at the last frames."
    )
    assert said["words"].str.contains("mitosis").tolist() == [False, True]
    own = values[(values["kind"] == "method") & (values["name"] == "occlusion")]
    assert own.groupby("trajectory")["value"].max().tolist() == [1.0, 1.0]  # both toward the own outcome
    likely = values[values["kind"] == "probability"].groupby("trajectory")["value"].first()
    assert likely.tolist() == pytest.approx([0.2, 0.8])
    figure = draw(values, said)
    assert [len(part.axes) for part in figure.subfigs] == [5, 5]


def test_without_features_channels_scores_or_a_second_method():
    _, said = found(features=False, methods=("integrated_gradients",), scores=False)
    words = said["words"].iloc[0]
    assert words.endswith(
        "spoke for apoptosis; no other method to compare with. Over all cells the method is not shown to beat looking at the last frames."
    )
    values, said = found(features=False, methods=("attention",))
    assert said["method"].unique().tolist() == ["attention"]
    assert [len(part.axes) for part in draw(values, said).subfigs] == [2, 2]  # strip and probability


def test_cells_that_were_not_explained_are_drawn_and_said_to_be():
    values, said = found(cells=("r/1",))
    assert said["trajectory"].tolist() == ["r/1"]
    assert "not explained" in draw(values, said).subfigs[0]._suptitle.get_text()
    values, said = found(cells=())
    assert len(said) == 0
    draw(values, said)


def test_no_example_gives_empty_tables_and_a_figure_that_says_so():
    given = tables()
    values, said = explained_cells(Explained(**{**given.__dict__, "examples": given.examples.iloc[:0]}))
    values, said = check_table(values, EXPLAINED_CELLS, "values"), check_table(said, GIVEN_AWAY, "said")
    assert len(values) == len(said) == 0
    assert any("n = 0" in text.get_text() for text in draw(values, said).axes[0].texts)


def test_the_most_telling_window_is_the_last_of_equal_ones_and_has_a_share():
    assert most_telling(np.array([0, 2, 2, 0, 1.0]), 2) == (slice(1, 3), 0.8)
    assert most_telling(np.array([1.0, 0, 0, 1.0]), 1) == (slice(3, 4), 0.5)
    assert most_telling(-np.ones(4), 9) == (slice(0, 4), 0.0)
    silent = {"method": "occlusion", "share": 0.0, "outcome": "cell_death"}
    assert in_words(silent) == "By occlusion of frames no frame spoke for cell death."
