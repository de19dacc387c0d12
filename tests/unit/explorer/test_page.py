"""What is in the page: pictures, numbers, and nothing that a name of the user's could bring along."""

import base64
import gzip
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from toy_explorer import Toy, toy_packed, toy_page, toy_said

import cellfate.explorer.page
from cellfate.explorer.data import packed_json, plain
from cellfate.explorer.page import EXPLORER_PAGE, LABEL_PAGE, page
from cellfate.explorer.strips import ImageSettings, channel_limits, make_strip

PARTS = Path(cellfate.explorer.page.__file__).with_suffix("")
EVIL = "<script>document.body.dataset.bad=1</script>\u2028\"'&"


def unpacked(text: str) -> dict:
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_a_strip_holds_each_frame_at_its_place_between_black_and_white():
    pictures = np.zeros((20, 1, 32, 32), np.float32)
    pictures += np.linspace(100, 300, 20, dtype=np.float32)[:, None, None, None]
    strip = make_strip(pictures, np.array([[100.0, 300.0]]), ImageSettings(16, 90))
    assert (strip.n, strip.columns, strip.height, strip.width) == (20, 16, 16, 16)
    sheet = np.asarray(Image.open(io.BytesIO(strip.channels[0])).convert("L")).astype(float)
    assert sheet.shape == (32, 256)
    found = [sheet[(n // 16) * 16 + 8, (n % 16) * 16 + 8] for n in range(20)]
    assert found == pytest.approx(np.linspace(0, 255, 20), abs=6)


def test_small_crops_are_not_enlarged_and_a_flat_channel_has_limits():
    assert make_strip(np.zeros((3, 1, 9, 9), np.float32), np.array([[0, 1]]), ImageSettings(64, 60)).height == 9
    assert channel_limits([np.full((2, 1, 4, 4), 7.0)]).tolist() == [[7.0, 8.0]]


def test_numbers_of_the_page_have_few_digits_and_missing_ones_are_null():
    values = {
        "a": pd.Series([0.123456, None]),
        "b": np.array([3, 4]),
        "c": pd.array([1, None], dtype="Int64").tolist(),
        "d": 2.0,
    }
    assert plain(values) == {"a": [0.1235, None], "b": [3, 4], "c": [1, None], "d": 2}
    assert packed_json(values) == packed_json(values)


def test_the_blocks_hold_what_is_said_of_each_cell(tmp_path):
    packed = toy_packed(tmp_path, Toy())
    table = unpacked(packed.table)
    assert table["cells"]["trajectory"] == [f"{name}/{track}" for name in ("r1", "r2") for track in range(4)]
    assert table["cells"]["right"] == [1, 0, 1, None] * 2
    assert table["recordings"][0]["channels"] == ["channel0", "channel1", "channel2"]
    assert table["relatives"][1]["track_id"] == [0, 1, 2, 3]
    content, *pictures = packed.cells[0].split("\n")
    assert len(pictures) == 3
    cell = unpacked(content)
    assert cell["frames"] == list(range(2, 22))
    assert cell["risks"]["hours"] == [2, 5, 10]
    assert len(cell["risks"]["positive"][1]) == 20
    assert cell["baselines"]["length"]["probability"] == [0.3] * 20
    assert len(packed.fields) == 2
    assert unpacked(packed.fields[0].split("\n")[0])["tracks"][0]["track_id"] == [0, 1, 2, 3]


@pytest.mark.parametrize("missing", [("network", "rests_on", "baselines"), ("risks",), ("features",), ("lineage",)])
def test_what_is_not_there_is_left_out(tmp_path, missing):
    cell = unpacked(toy_packed(tmp_path, Toy(without=missing)).cells[0].split("\n")[0])
    assert not set(missing) & set(cell)


def test_names_with_signs_of_html_are_in_the_page_as_letters_only(tmp_path):
    toy = Toy(recordings=(EVIL,), outcomes=(EVIL, EVIL + "2"), treatment=EVIL)
    text = toy_page(tmp_path, toy, title=EVIL, notes=[EVIL]).read_text()
    assert "dataset.bad" not in text
    assert "\u2028" not in text
    assert len(re.findall("</script", text)) == len(re.findall("<script", text)) == 1 + 1 + 4 + 1


def test_the_title_is_escaped(tmp_path):
    packed = toy_packed(tmp_path, Toy(tracks=2))
    assert "<title>&lt;script&gt;" in page("<script>", packed, EXPLORER_PAGE)


def test_the_sources_write_text_only_and_ask_no_address():
    source = "\n".join(file.read_text() for file in sorted(PARTS.rglob("*.js")))
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|fetch\(|XMLHttpRequest|WebSocket|sendBeacon|import\("
    )
    assert re.findall(forbidden, source) == []
    beside = "".join(file.read_text() for ending in ("css", "html") for file in sorted(PARTS.rglob(f"*.{ending}")))
    addresses = set(re.findall(r"https?://[^\s\"'`]+", source + beside))
    assert addresses == {"http://www.w3.org/2000/svg"}  # the name of SVG, which is asked for by nobody


def test_every_source_is_in_the_page_once(tmp_path):
    text = toy_page(tmp_path, replace(Toy(), tracks=2)).read_text()
    assert all(text.count((PARTS / f"{name}.js").read_text()) == 1 for name in EXPLORER_PAGE.scripts)
    files = {str(file.relative_to(PARTS).with_suffix("")) for file in PARTS.rglob("*.js")}
    assert files == {*EXPLORER_PAGE.scripts, *LABEL_PAGE.scripts}


def test_the_same_cells_give_the_same_page(tmp_path):
    assert toy_packed(tmp_path, Toy()) == toy_packed(tmp_path, Toy())


def test_cells_of_a_toy_have_every_column():
    assert {"call", "right", "lineage"} <= set(toy_said(Toy()).cells.columns)
