"""Links from the summary page to single cells."""

import pandas as pd

from cellfate.base.files import read_json, write_json
from cellfate.report.sections.cells import ShownCells, address, cells_section


def shown(tmp_path, treatment="cisplatin"):
    worst = {"trajectory": "r/1", "treatment": "cisplatin", "outcome": "cell_death", "call": "mitosis", "probability": 0.2, "frames": 40}
    write_json({"wrong": ["r/1", "r/7"], "worst": [worst | {"picture": "AAAA"}]}, tmp_path / "errors.json")
    return ShownCells(tmp_path / "errors.json", {"figure_6": pd.DataFrame({"trajectory": ["r/3", "r/3", "r/4"]})}, treatment)


def test_an_address_holds_any_name():
    assert address(cell='a b/"<1>') == "explorer.html#cell=a+b%2F%22%3C1%3E"


def test_errors_and_cells_of_figures_are_linked(tmp_path):
    section = cells_section(shown(tmp_path))
    assert section["n_wrong"] == 2
    assert section["worst"][0]["words"] == "cell death, called mitosis with a probability of 0.80; cisplatin, 40 frames"
    assert [one["name"] for one in section["links"]["figure_6"]["cells"]] == ["r/3", "r/4"]
    assert [one["name"] for one in section["links"]["figure_2"]["cells"]] == ["r/1", "r/7"]
    assert section["links"]["figure_4"]["cells"][0]["address"] == "explorer.html#treatment=cisplatin&right=1"
    assert cells_section(shown(tmp_path, None))["links"]["figure_3"]["cells"][0]["address"] == "explorer.html#"


def test_cells_without_a_treatment_say_so(tmp_path):
    given = shown(tmp_path, None)
    errors = read_json(tmp_path / "errors.json")
    write_json({**errors, "worst": [{**errors["worst"][0], "treatment": "none"}]}, tmp_path / "errors.json")
    assert cells_section(given)["worst"][0]["words"].endswith("; no treatment, 40 frames")
