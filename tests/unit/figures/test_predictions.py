import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from toy_crops import OUTCOMES
from toy_figures import assert_inside, drawn_texts
from toy_model import ToyFrames, toy_predictions, toy_tracks

from cellfate.figures.recording.predictions import MOST_NUMBERED, PROBABILITY_COLORS, grey_image, plot_predictions

SCORE = "Held-out balanced accuracy of the model 0.50 (no interval: 1 recording, at least 3 are needed), not better than the best " * 2


@pytest.fixture
def drawn():
    """Track 1 ends low, 2 high, 3 has no value; calls change at 0.8."""
    tracks = toy_tracks({1: (0, 19), 2: (5, 19), 3: (15, 19)})
    rows = tracks.loc[tracks["track_id"] < 3, ["track_id", "frame"]]
    rows = rows.assign(n_frames_seen=rows.groupby("track_id").cumcount() + 1, logit=rows["track_id"].map({1: -3.0, 2: 3.0}))
    predictions = toy_predictions(rows[rows["n_frames_seen"] > 9], tracks, prior=0.8)
    frames = ToyFrames(20)
    images = {t: grey_image(frames.read(t)) for t in (0, 19)}
    return lambda table: plot_predictions(table, tracks, images, OUTCOMES, "r0", 30, score=SCORE), predictions


def test_the_heat_map_is_sorted_and_the_caption_says_what_is_given(drawn):
    draw, predictions = drawn
    figure = draw(predictions)
    heat = figure.axes[2].get_images()[0]
    values = np.ma.filled(heat.get_array().astype(float), np.nan)
    assert values.shape == (2, 20)
    assert values[:, -1].tolist() == predictions[predictions["frame"] == 19].sort_values("logit")["probability_mitosis"].tolist()
    assert np.isnan(values[:, :9]).all()
    assert heat.get_extent() == [-0.25, 9.75, 0, 2]
    assert "given that the track ends in apoptosis or mitosis" in figure.get_supxlabel()


def test_rows_have_the_numbers_of_their_tracks_from_the_bottom_up(drawn):
    draw, predictions = drawn
    axes = draw(predictions).axes[2]
    last = predictions.sort_values("frame").groupby("track_id")["probability_mitosis"].last().sort_values()
    assert [label.get_text() for label in axes.get_yticklabels()] == [str(track) for track in last.index]
    assert list(axes.get_yticks()) == [0.5, 1.5]


@pytest.mark.parametrize("n", [MOST_NUMBERED, MOST_NUMBERED + 1])
def test_numbers_of_tracks_do_not_overlap_and_many_are_said_to_be_in_the_table(drawn, n, monkeypatch):
    draw, predictions = drawn
    own = predictions[predictions["track_id"] == 1]
    figure = draw(pd.concat([own.assign(track_id=track) for track in range(1000, 1000 + n)]))
    drawn_texts(figure, monkeypatch)
    axes = figure.axes[2]
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert len(boxes) == (n if n == MOST_NUMBERED else 0)
    assert all(low.y1 <= high.y0 for low, high in itertools.pairwise(boxes))
    assert ("r0.csv has their numbers" in axes.get_title()) == (n > MOST_NUMBERED)


def test_tracks_have_the_colour_of_their_last_value(drawn):
    draw, predictions = drawn
    last = draw(predictions).axes[1]
    lines = next(found for found in last.collections if isinstance(found, LineCollection))
    low, high = (predictions.loc[predictions["track_id"] == track, "probability_mitosis"].iloc[-1] for track in (1, 2))
    places = [low / 0.8 / 2, 0.5 + (high - 0.8) / 0.2 / 2]  # the middle of the colours is the threshold of the calls
    np.testing.assert_allclose(lines.get_colors()[:2], [PROBABILITY_COLORS(place) for place in places])


def test_tracks_on_which_members_disagree_are_dashed(drawn):
    draw, predictions = drawn
    assert "one member of the model" in draw(predictions).get_supxlabel()
    spread = predictions.assign(members=3, highest_member=predictions["highest_member"].mask(predictions["track_id"] == 1, 0.9))
    figure = draw(spread)
    assert "dashed: 3 members of the model do not agree on the call (tracks: 1)" in figure.get_supxlabel()
    assert "saw this recording in training" in draw(spread.assign(seen_in_training="yes")).get_supxlabel()
    rings = next(found for found in figure.axes[1].collections if not isinstance(found, LineCollection))
    assert [pattern is not None for _, pattern in rings.get_linestyles()] == [True, False, True]


def test_the_picture_says_how_good_the_model_was_within_its_width(drawn, monkeypatch):
    draw, predictions = drawn
    figure = draw(predictions)
    assert_inside(figure, drawn_texts(figure, monkeypatch))
    assert " ".join(figure.get_supxlabel().split()).endswith(SCORE.strip())


def test_without_a_value_the_figure_says_so(drawn):
    draw, predictions = drawn
    texts = [text.get_text() for text in draw(predictions.iloc[:0]).axes[0].texts]
    assert any("no trajectory meets" in text for text in texts)


def test_grey_images_are_stretched_channel_by_channel():
    image = np.stack([np.arange(100).reshape(10, 10), 1000 + 50 * np.arange(100).reshape(10, 10)])
    grey = grey_image(image)
    assert grey.min() == 0
    assert grey.max() == 1
    flat = grey_image(np.full((1, 10, 10), 7))
    assert (flat == 0).all()
