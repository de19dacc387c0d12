"""Which tracks come to be labelled, in which order, and that the page is refused where there is nothing."""

import base64
import gzip
import json
import re

import pandas as pd
import pytest
from toy_labels import SETTINGS, Toy, toy_label_page

from cellfate.base.errors import InputError
from cellfate.explorer.labelling.order import in_order

CELLS = pd.DataFrame({"recording": ["a"] * 8 + ["b"] * 2, "track_id": [*range(8), *range(2)]})


def table_of(path) -> dict:
    text = re.search('id="table">([^<]*)<', path.read_text()).group(1)
    return json.loads(gzip.decompress(base64.b64decode(text)))


def names(table) -> list[str]:
    return table["cells"]["trajectory"]


def test_tracks_without_an_outcome_are_there_or_all(tmp_path):
    few = table_of(toy_label_page(tmp_path, Toy(without_crops=(4,))))
    assert sorted(names(few)) == ["r1/0", "r1/2", "r2/0", "r2/2"]
    assert few["rule"][0] == "4 tracks without an outcome, of 12."
    assert few["rule"][1] == "2 more are shorter than crops.min_frames and have no crops."
    assert few["words"] == ["apoptosis", "mitosis"]
    daughters = dict(zip(names(few), few["cells"]["daughters"], strict=True))
    assert daughters == {"r1/0": "2 from frame 2", "r2/0": "2 from frame 2", "r1/2": None, "r2/2": None}
    assert len(names(table_of(toy_label_page(tmp_path, Toy(), tracks="all")))) == 12


def test_a_track_stays_on_the_page_when_it_has_its_outcome_from_a_label(tmp_path):
    row = {"by": "anna", "at": "2026", "recording": "r1", "event_frame": 3, "note": None, "data": "t", "file": "/home/x.csv"}
    labels = [row | {"track_id": 1, "outcome": "apoptosis"}, row | {"track_id": 3, "outcome": "cannot_tell"}]
    table = table_of(toy_label_page(tmp_path, Toy(recordings=("r1",)), labels=labels))
    assert sorted(names(table)) == ["r1/0", "r1/1", "r1/2", "r1/4"]
    assert "file" not in table["given"][0]


def test_the_first_in_order_are_taken_where_there_is_not_room_for_all(tmp_path):
    from dataclasses import replace

    table = table_of(toy_label_page(tmp_path, Toy(), settings=replace(SETTINGS, max_cells=3)))
    assert len(names(table)) == 3
    assert len({name[:2] for name in names(table)[:2]}) == 2
    assert table["rule"][-1] == "The first 3 are on this page (explorer.max_cells)."


def test_nothing_to_label_is_an_error(tmp_path):
    with pytest.raises(InputError, match="nothing to label: 3 of 6 tracks are without an outcome, and none has crops"):
        toy_label_page(tmp_path, Toy(recordings=("r1",), without_crops=(0, 2, 4)))


def test_orders_are_drawn_by_the_seed_and_hold_each_cell_once():
    for order in ("random", "recording"):
        one, words = in_order(CELLS, order, [], 3)
        pd.testing.assert_frame_equal(one, in_order(CELLS, order, [], 3)[0])
        assert one.index.tolist() != in_order(CELLS, order, [], 4)[0].index.tolist()
        assert sorted(one.index) == list(CELLS.index)
        assert "seed 3" in words


def test_recordings_take_turns_as_long_as_each_has_cells():
    recordings = in_order(CELLS, "recording", [], 0)[0]["recording"].tolist()
    assert [sorted(recordings[:2]), sorted(recordings[2:4])] == [["a", "b"]] * 2
    assert set(recordings[4:]) == {"a"}


def predicted(path, rows):
    table = pd.DataFrame(rows, columns=["recording", "track_id", "frame", "horizon_hours", "positive_given_event"])
    table.assign(trajectory="x", other=1.0).to_parquet(path)
    return path


def test_what_the_model_is_least_sure_of_comes_first(tmp_path):
    rows = [("a", 0, 9, 10.0, 0.9), ("a", 1, 9, 10.0, 0.45), ("a", 2, 9, 10.0, 0.2), ("a", 3, 9, 10.0, None), ("b", 0, 9, 10.0, 0.6)]
    earlier = [("a", 0, 8, 10.0, 0.5), ("a", 0, 9, 5.0, 0.5)]  # the last frame and the longest horizon count
    again = [("b", 0, 9, 10.0, 0.8)]  # by another fold
    files = predicted(tmp_path / "one.parquet", rows + earlier), predicted(tmp_path / "other.parquet", again)
    cells, words = in_order(CELLS, "unsure", files, 0)
    found = list(zip(cells["recording"], cells["track_id"], strict=True))
    assert found[:4] == [("a", 1), ("b", 0), ("a", 2), ("a", 0)]
    assert len(found) == len(CELLS)
    assert "6 of 10 cells have no prediction" in words


def test_an_order_by_predictions_that_are_not_there_is_refused(tmp_path):
    for files in ([], [predicted(tmp_path / "others.parquet", [("c", 0, 9, 10.0, 0.5)])]):
        with pytest.raises(InputError, match=r"explorer\.label\.order is unsure, but nothing is predicted of any of these 10 cells"):
            in_order(CELLS, "unsure", files, 0)
