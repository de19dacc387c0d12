import pandas as pd
import pytest

from cellfate.base.errors import InputError
from cellfate.planning.config_files import DEFAULTS, merged, read_settings
from cellfate.planning.targets import Targets


def targets(sheet=None, **config):
    return Targets({"dataset": "mine", "protocol": "ours", "recordings": "s.tsv", **config}, sheet, [])


def label_targets(order="random", tracks="a.csv", kind="local"):
    rest = {"split": {"folds": 1}, "risks": {"enabled": True}, "explorer": {"label": {"order": order}}, "source": {"kind": kind}}
    return targets(pd.DataFrame({"recording": ["a"], "tracks": [tracks]}), **rest)


def test_crops_of_all_tracks_serve_those_that_ask_for_fated_ones(tmp_path, monkeypatch):
    """Whatever protocol ran first, neither cuts crops again that are there, and each finds its own the next time."""
    monkeypatch.chdir(tmp_path)
    of_all, fated = targets(crops={"tracks": "all"}), targets(crops={"tracks": "fated"})
    assert (of_all.crops("a"), of_all.rings("a")) == ("results/mine/crops/a.h5", "results/mine/rings/a.parquet")
    assert (fated.crops("a"), fated.rings("a")) == ("results/mine/crops-fated/a.h5", "results/mine/rings-fated/a.parquet")
    for name, first, second in (("b", "crops", "crops-fated"), ("c", "crops-fated", "crops")):
        for folder in (first, second):
            (tmp_path / "results/mine" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / f"results/mine/{first}/{name}.h5").touch()
        assert fated.crops(name) == f"results/mine/{first}/{name}.h5"
        assert of_all.crops(name) == f"results/mine/crops/{name}.h5"
    (tmp_path / "results/mine/crops/c.h5").touch()
    assert fated.crops("c") == "results/mine/crops-fated/c.h5"


def test_risks_are_asked_for_in_each_fold_where_they_are_enabled():
    files = [f"results/mine/ours/fold-{fold}/risks/fates.parquet" for fold in (0, 1)]
    assert targets(split={"folds": 2}, risks={"enabled": True}).fates() == files
    assert targets(split={"folds": 2}, risks={"enabled": False}).fates() == []


@pytest.mark.parametrize(
    ("methods", "risks", "kept"),
    [
        (["occlusion", "risks_occlusion"], False, ["occlusion"]),
        (["risks_occlusion"], True, ["risks_occlusion"]),
        (["risks_occlusion"], False, []),
        (None, True, []),
    ],
)
def test_where_no_method_serves_a_model_nothing_is_explained_and_drawn(methods, risks, kept):
    sheet = pd.DataFrame({"recording": ["a"], "tracks": ["a.csv"]})
    config = {"explanation": {"methods": methods}, "risks": {"enabled": risks}, "source": {"kind": "simulate"}}
    found = targets(sheet, **config)
    assert found.methods == kept
    for name in ("figures/explained_cells.png", "figures/attributions.pdf", "truth/attributions.csv"):
        assert (f"results/mine/ours/{name}" in found.figures()) == bool(kept)
    assert "results/mine/ours/figures/ablations.png" in found.figures()


def test_the_label_page_needs_tracks_and_no_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert label_targets().label() == ["results/mine/label.html"]
    for found, words in (
        (label_targets(tracks=None), "made here cannot be labelled"),
        (label_targets(kind="crops"), "outcomes in the sheet"),
    ):
        with pytest.raises(InputError, match=rf"s\.tsv: no recording has given tracks.*{words}"):
            found.label()


def test_an_order_by_predictions_needs_some_and_takes_those_that_are_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"explorer\.label\.order is unsure, but nothing is predicted yet"):
        label_targets("unsure").label()
    files = ["results/mine/ours/fold-0/risks/fates.parquet", "results/mine/predictions/a.fates.parquet"]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).touch()
    assert label_targets("unsure").label() == ["results/mine/label.html"]
    assert label_targets("unsure").predicted() == files
    assert label_targets("random").predicted() == []


@pytest.mark.parametrize(
    ("own", "key"),
    [
        ({"prior": "gone.txt"}, "prior"),
        ({"gene_sets": "gone.txt"}, "gene_sets"),
        ({"embedding": "gone.txt"}, "embedding"),
        ({"targets": {"growth": {"gene_sets": "gone.txt"}}}, r"targets\.growth\.gene_sets"),
    ],
)
def test_a_table_of_transitions_that_is_not_there_is_named_with_its_key(own, key, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    planned = targets(transition=merged(read_settings(DEFAULTS)["transition"], {"source": "simulate"} | own))
    with pytest.raises(InputError, match=rf"transition\.{key} is 'gone\.txt', which does not exist"):
        planned.transition()
    (tmp_path / "gone.txt").touch()
    assert planned.transition()


def test_another_matrix_of_transitions_is_read_before_any_job(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text("source,target,probability\nA,A,0.9\n")
    own = {"source": "simulate", "targets": {"kind": "observed"}, "compare": {"matrix": "p.csv"}}
    planned = targets(transition=merged(read_settings(DEFAULTS)["transition"], own))
    with pytest.raises(InputError, match=r"p\.csv: the probabilities of source 'A' add up to 0\.9, 1 is needed"):
        planned.transition()
    (tmp_path / "p.csv").write_text("source,target,probability\nA,A,1\n")
    assert "results/mine/transition/figures/compared.png" in planned.transition()
    without = targets(transition=merged(read_settings(DEFAULTS)["transition"], own | {"compare": {"matrix": None}}))
    assert "results/mine/transition/figures/compared.png" not in without.transition()


def test_doubts_about_the_sheet_are_said_before_a_run():
    rows = {"recording": ["a", "b", "c"], "group": ["1", "01", "2"], "frame_interval_min": [15, 15, 900], "pixel_size_um": [None] * 3}
    sheet = pd.DataFrame(rows | {"treatment": ["drug", "Drug", "none"], "dose": [None] * 3, "tracks": ["t.csv"] * 3})
    said = targets(sheet, source={"kind": "local"}).note()
    for words in (
        "s.tsv: line 4: frame_interval_min is 900",
        "'drug' (1 recording) and 'Drug'",
        "'1' (1 recording) and '01' (1 recording)",
    ):
        assert said.count(words) == 1
    assert said.count("WARNING: ") == 3
    with_no_tracks = targets(sheet.assign(tracks=None), source={"kind": "local"}).note()
    assert with_no_tracks.startswith(said)
    assert len(with_no_tracks) > len(said)
    sound = sheet.assign(group=None, treatment="none", frame_interval_min=15)
    assert targets(sound, source={"kind": "local"}).note() is None
