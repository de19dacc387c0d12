import pytest

from cellfate.base.errors import InputError
from cellfate.tracks.links import tracks_of_links

FRAMES = {"a": 0, "b": 1, "c": 3, "d": 4, "e": 4, "f": 5, "lone": 2}


def test_tracks_end_where_a_cell_divides_and_gaps_stay_in_them():
    tracks, parents = tracks_of_links(FRAMES, [("a", "b"), ("c", "b"), ("c", "d"), ("c", "e"), ("f", "e")])
    assert tracks == {"a": "a", "b": "a", "c": "a", "d": "d", "e": "e", "f": "e", "lone": "lone"}
    assert parents == {"a": None, "d": "a", "e": "a", "lone": None}


@pytest.mark.parametrize(
    ("links", "message"),
    [
        ([("a", "x")], "a link names x, there is no such detection"),
        ([("d", "e")], "d and e are linked, but both are in frame 4"),
        ([("a", "c"), ("b", "c")], "c follows both a and b: tracks that merge"),
    ],
)
def test_links_that_are_none(links, message):
    with pytest.raises(InputError, match=message):
        tracks_of_links(FRAMES, links)
