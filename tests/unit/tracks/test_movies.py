"""Tracks and outcomes of ready-made crops: each movie is a track from its first frame on."""

from dataclasses import replace

import numpy as np
import pytest

from cellfate.base.errors import InputError
from cellfate.tracks.movies import CellMovie, tables_of_movies

CELL = CellMovie("a", 0, "cells.tsv: line 2: cell a", "mitosis", 10, None, 12, (16, 20), np.arange(12))


def tables(*cells, words=None, event_gap=2):
    return tables_of_movies("dish1", cells, "cells.tsv", event_gap=event_gap, words=words or {})


def test_a_movie_is_a_track_at_the_centre_of_its_images():
    found = tables(CELL)
    assert list(found.tracks["frame"]) == list(range(12))
    assert set(found.tracks["y"]) == {8.0}
    assert set(found.tracks["x"]) == {10.0}
    row = found.outcomes.iloc[0]
    assert (row["first_frame"], row["last_frame"], row["n_frames"], row["outcome"], row["event_frame"]) == (0, 11, 12, "mitosis", 10)
    assert len(found.left_out) == 0
    assert found.in_table == ()


def test_frames_that_are_not_used_are_a_gap_and_are_listed():
    found = tables(replace(CELL, frames=np.array([2, 3, 5, 6, 7, 8, 9])))
    assert list(found.tracks["frame"]) == [2, 3, 5, 6, 7, 8, 9]
    assert list(found.left_out["frame"]) == [0, 1, 4, 10, 11]
    assert set(found.left_out["track"]) == {"a"}
    assert (found.outcomes["first_frame"].iloc[0], found.outcomes["n_frames"].iloc[0]) == (2, 7)


@pytest.mark.parametrize(
    ("outcome", "event", "expected"),
    [("Division", 10, "mitosis"), (None, None, "censored"), ("no_event_by_end", None, "no_event_by_end"), ("other", None, "other")],
)
def test_outcomes_in_our_words(outcome, event, expected):
    found = tables(replace(CELL, outcome=outcome, event_frame=event), words={"Division": "mitosis"})
    assert list(found.outcomes["outcome"]) == [expected]


def test_an_outcome_without_an_event_is_kept_whole_and_said():
    found = tables(replace(CELL, event_frame=None), replace(CELL, track_id=1))
    assert found.outcomes["warning"].iloc[0] == "mitosis without event_frame: the whole track is kept"
    assert found.outcomes["warning"].isna().iloc[1]
    assert "1 of 2 cells of recording dish1 with an outcome have no event_frame" in found.in_table[0]


@pytest.mark.parametrize(("event", "gap", "fits"), [(0, 2, True), (13, 2, True), (14, 2, False), (12, 0, False), (11, 0, True)])
def test_events_lie_in_the_movie_or_shortly_after(event, gap, fits):
    cell = replace(CELL, event_frame=event)
    if fits:
        assert tables(cell, event_gap=gap).outcomes["event_frame"].iloc[0] == event
    else:
        with pytest.raises(InputError, match=rf"cells.tsv: line 2: cell a: event_frame is {event}, the movie has the frames 0 to 11"):
            tables(cell, event_gap=gap)


def test_an_event_before_the_frames_that_are_used():
    with pytest.raises(InputError, match="event_frame is 1, the movie has the frames 3 to 11"):
        tables(replace(CELL, event_frame=1, frames=np.arange(3, 12)))


def test_an_event_of_a_cell_that_a_word_makes_censored():
    with pytest.raises(InputError, match="event_frame is 10, but the outcome is censored"):
        tables(replace(CELL, outcome="lost"), words={"lost": "censored"})


def test_relatives_share_the_lineage_of_the_first_and_others_have_their_own():
    cells = [replace(CELL, track_id=number, lineage=family) for number, family in [(7, "1"), (1, None), (4, "1"), (5, "2")]]
    found = tables(*cells).outcomes.set_index("track_id")["lineage"]
    assert dict(found) == {1: "dish1/1", 4: "dish1/4", 5: "dish1/5", 7: "dish1/4"}
