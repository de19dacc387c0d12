from cellfate.planning.targets import Targets


def targets(**config):
    return Targets({"dataset": "mine", "protocol": "ours", **config}, None, [])


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
