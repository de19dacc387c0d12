"""Which recordings have edited tracks, found before any job."""

import pandas as pd
import pytest
import yaml
from toy_recording import toy_row, write_sheet

from cellfate.base.errors import InputError
from cellfate.planning.checking.project import check_project
from cellfate.planning.checks import by_hand, edited_of

SHEET = pd.DataFrame({"recording": ["r0", "r1"], "tracks": ["r0.csv", None]})


def config(edited):
    outcomes_from = {"words": {}, "divisions": None, "table": None, "columns": {}, "events": []}
    tracks = {"edited": edited, "corrections": None, "labels": None, "outcomes_from": outcomes_from}
    return {"tracks": tracks, "outcomes": {"negative": "a", "positive": "b"}, "explorer": {"label": {"outcomes": []}}}


def test_each_recording_has_its_own_file(tmp_path):
    (tmp_path / "r1.json").write_text("{}")
    (tmp_path / "differences.csv").write_text("")
    found = by_hand(config(str(tmp_path)), SHEET)
    assert found.edited == {"r1": f"{tmp_path}/r1.json"}, "tracks that are made here can be edited, too"
    assert (found.corrections, found.labels, found.outcome_rows) == ({}, {}, {})
    assert edited_of(config(None), SHEET) == edited_of(config(str(tmp_path)), None) == {}


def test_a_folder_that_is_none_and_a_recording_that_the_sheet_lacks(tmp_path):
    with pytest.raises(InputError, match=r"tracks.edited is '.*gone', which is no folder; cellfate edits writes it"):
        edited_of(config(str(tmp_path / "gone")), SHEET)
    (tmp_path / "r7.json").write_text("{}")
    with pytest.raises(InputError, match=r"r7.json: the sheet has no recording r7: its recordings are r0, r1"):
        edited_of(config(str(tmp_path)), SHEET)


def test_the_check_of_a_project_opens_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_sheet(tmp_path / "sheet.tsv", [toy_row(tmp_path, "r0", group="g", treatment="none")])
    (tmp_path / "edited").mkdir()
    (tmp_path / "edited/r0.json").write_text('{"recording": "r0"}')
    settings = {"dataset": "mine", "recordings": "sheet.tsv", "source": {"kind": "local"}, "tracks": {"edited": "edited"}}
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(settings))
    problems = check_project(tmp_path / "my.yaml").problems
    assert any("edited/r0.json: not readable as edited tracks" in problem for problem in problems)
