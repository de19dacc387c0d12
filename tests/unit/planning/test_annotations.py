"""Which annotation files are cut into one for each recording: large ones of COCO-video, by their size alone."""

import pandas as pd

from cellfate.planning import annotations
from cellfate.planning.annotations import large_annotations


def test_files_above_the_limit_are_cut_once_under_a_name_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(annotations, "LARGE_BYTES", 100)
    (tmp_path / "b").mkdir()
    for name, size in (("whole ä.json", 101), ("b/whole ä.json", 500), ("limit.json", 100), ("tracks.csv", 500)):
        (tmp_path / name).write_bytes(b"x" * size)
    tracks = ["whole ä.json", "whole ä.json", "b/whole ä.json", "limit.json", "not there.json", "tracks.csv"]
    sheet = pd.DataFrame({"tracks": tracks, "tracks_format": ["coco-video"] * 5 + ["csv"]})
    found = large_annotations(sheet)
    assert sorted(found.values()) == ["b/whole ä.json", "whole ä.json"]
    assert all(name.startswith("whole__-") and name.isascii() for name in found)
    assert found == large_annotations(sheet.iloc[::-1])


def test_without_a_sheet_there_is_nothing_to_cut():
    assert large_annotations(None) == {}
