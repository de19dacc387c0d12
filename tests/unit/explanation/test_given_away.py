"""What gave a cell away: its hours, channel, feature and words, also where a method, a feature or the explanation is missing."""

import numpy as np
import pandas as pd
import pytest

from cellfate.base.tables import check_table
from cellfate.evaluation.tables import METRICS
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


def metrics(value=0.9, low=0.7):
    """The network's balanced accuracy and the lower limit of its interval; None: no such row."""
    row = {
        "scope": "all",
        "condition": "full",
        "n": 0,
        "cohort": "all",
        "metric": "balanced_accuracy",
        "class": "all",
        "value": value,
        "ci_low": low,
    }
    known = {"n_trajectories": 20, "units_negative": 4, "units_positive": 4}
    return pd.DataFrame([row | known] * (value is not None)).reindex(columns=list(METRICS.columns))


def tables(
    methods=("integrated_gradients", "occlusion", "channel_occlusion"), cells=("r/0", "r/1"), features=True, scores=True, learned=(0.9, 0.7)
):
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
    return Explained(examples(), attributions, prefixes, area if features else area.iloc[:0], known, metrics(*learned), NAMES, shown, 3)


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
        "By integrated gradients 3 of 20 frames, 7.0 to 6.0 h before the end, hold 100 % of what spoke for apoptosis, "
        "mostly in channel p53 (by occlusion of channels). In them area is lower than in the cell's other frames. "
        "2 of 2 other methods name the same hours. Over all cells the method beats looking at the last frames."
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
    assert "of what spoke for apoptosis. There is no other method to compare with. Over all cells the method is not shown to beat" in words
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
    assert most_telling(np.array([0, 2, 2, 0, 1.0, 0]), 2) == (slice(1, 3), 0.8)
    assert most_telling(np.array([1.0, 0, 0, 1.0]), 1) == (slice(3, 4), 0.5)
    assert most_telling(-np.ones(4), 9) == (slice(3, 4), 0.0)
    assert most_telling(np.array([1.0, 0, 0, 2.0, 1.0]), 11) == (slice(3, 4), 0.5)  # not all five frames, which would say nothing


def told(**changes):
    row = {"method": "integrated_gradients", "outcome": "cell_death", "n_told": 3, "n_frames": 20, "hours_from": 2.0, "hours_to": 1.0}
    row |= {"share": 0.9, "channel": None, "channel_share": np.nan, "channel_method": None, "feature": None, "change": np.nan}
    row |= {"agree": 1, "others": 2, "verdict": None, "balanced_accuracy": 0.9, "above_chance": "True"}
    return in_words(row | changes)


def test_a_cell_of_five_frames_has_one_that_counts():
    words = told(n_told=1, n_frames=5, hours_from=1.0, hours_to=1.0, share=0.6)
    assert words.startswith("By integrated gradients 1 of 5 frames, 1.0 h before the end, holds 60 % of what spoke for cell death. ")


def test_values_that_are_alike_everywhere_are_said_to_be():
    assert "what spoke for cell death is spread over the track: 3 of 20 frames, 2.0 to 1.0 h before the end, hold 18 % of it." in told(
        share=0.18
    )
    assert "more than elsewhere in channel p53 (by occlusion of channels)" in told(
        channel="p53", channel_share=0.4, channel_method="channel_occlusion"
    )


def test_a_network_that_learned_nothing_is_said_to_have():
    _, said = found(learned=(0.55, 0.4))
    doubt = (
        "The network is not shown to be better than chance on held-out cells (balanced accuracy 0.55): what it rests on may mean nothing."
    )
    assert said["words"].str.endswith(doubt).all()
    assert said["above_chance"].tolist() == ["False", "False"]


def test_without_an_interval_nobody_knows_whether_the_network_learned_something():
    """With three recordings one is held out."""
    doubt = "Whether the network is better than chance cannot be told from the recordings that are held out"
    for learned, score in (((0.9, np.nan), " (balanced accuracy 0.90)."), ((None, None), ".")):
        _, said = found(learned=learned)
        assert said["words"].str.endswith(doubt + score).all()
        assert said["above_chance"].isna().all()


def test_a_network_that_learned_is_not_doubted():
    _, said = found()
    assert not said["words"].str.contains("chance").any()
    assert told(share=0.0) == "By integrated gradients no frame spoke for cell death."
    assert told(share=0.0, above_chance="False").endswith("may mean nothing.")
    assert "network" not in told(method="risks_occlusion", above_chance="False")  # that is the other network
