"""What a run's tables say of its held-out cells."""

from dataclasses import replace

import numpy as np
import pandas as pd

from cellfate.explorer.run import RunTables, said_of_run

OUTCOMES = {"negative": "apoptosis", "positive": "mitosis"}


def tables(n_recordings: int = 6, with_risks: bool = True) -> RunTables:
    """Tracks 0 (apoptosis), 1 (mitosis) and 2 (no fate) of each recording; recording r0 is for training."""
    trajectories, prefixes, attention, fates, baselines = [], [], [], [], []
    for r in range(n_recordings):
        part = "train" if r == 0 else "test"
        for track, outcome in enumerate(("apoptosis", "mitosis", "no_event_by_end")):
            name, label = f"r{r}/{track}", track if track < 2 else pd.NA
            trajectories.append(
                {
                    "trajectory": name,
                    "recording": f"r{r}",
                    "track_id": track,
                    "lineage": name,
                    "group": None,
                    "treatment": "none",
                    "dose": None,
                }
                | {"outcome": outcome, "label": label, "first_frame": 0, "last_frame": 11, "n_frames": 12, "event_frame": 12}
                | {"frame_interval_min": 30.0, "usable": track < 2, "reason": None}
            )
            fates.append({"trajectory": name, "frame": 11, "horizon_hours": 5.0, "negative": 0.1, "positive": 0.2, "split": part})
            if track == 2:
                continue
            for n in (10, 11, 12):
                said = 1.5 if track == 1 or (r == 1 and n == 12) else -1.5  # r1/0 is called wrongly with all its frames
                row = {"trajectory": name, "recording": f"r{r}", "fold": 0, "split": part, "label": label, "n_frames": n, "frame": n - 1}
                prefixes.append(row | {"treatment": "none", "logit": said, "probability": 1 / (1 + np.exp(-said))})
            attention.append({"trajectory": name, "split": part, "frame": 3, "scaled": 0.5, "occlusion": None})
            baselines += [{"trajectory": name, "method": method, "n": 5, "probability": 0.7} for method in ("majority", "length")]
    known = pd.DataFrame(trajectories).astype({"label": "Int64", "event_frame": "Int64"})
    return RunTables(
        trajectories=known,
        prefixes=pd.DataFrame(prefixes).astype({"label": "Int64"}),
        baselines=pd.DataFrame(baselines),
        attention=pd.DataFrame(attention),
        outcomes=known,
        fates=pd.DataFrame(fates) if with_risks else None,
        features=pd.DataFrame({"recording": ["r1"], "track_id": [0], "frame": [4], "area": [9.0], "kind": ["x"]}),
        confidence=None,
    )


def test_held_out_cells_are_judged_by_their_last_call():
    said = said_of_run(tables(), OUTCOMES, unit="recording", set_level=0.95)
    cells = said.cells.set_index("trajectory")
    assert set(cells["recording"]) == {f"r{r}" for r in range(1, 6)}
    assert cells.loc["r1/0", ["call", "right"]].tolist() == ["mitosis", 0]
    assert cells.loc["r2/0", ["call", "right", "lead_hours"]].tolist() == ["apoptosis", 1, 1.0]
    assert pd.isna(cells.loc["r1/0", "lead_hours"])
    assert cells.loc["r1/2", ["call", "right", "probability", "set"]].isna().all()
    assert cells["set"].dropna().isin([0, 1, 2, 3]).all()


def test_series_are_of_held_out_cells_and_baselines_stand_at_the_frame_they_saw():
    said = said_of_run(tables(), OUTCOMES, unit="recording", set_level=0.95)
    for table in (said.network, said.risks, said.rests_on):
        assert not table["trajectory"].str.startswith("r0/").any()
    assert set(said.baselines["method"]) == {"length"}
    assert set(said.baselines["frame"]) == {6}
    assert list(said.features.columns) == ["trajectory", "frame", "area"]


def test_without_risks_and_features_only_fated_cells_are_there():
    run = tables(with_risks=False)
    run = RunTables(**{**vars(run), "features": None})
    said = said_of_run(run, OUTCOMES, unit="recording", set_level=0.95)
    assert set(said.cells["track_id"]) == {0, 1}
    assert said.risks.empty
    assert said.features.empty


def test_a_run_that_predicts_nothing_has_no_cells():
    run = tables(with_risks=False)
    run = RunTables(
        **{**vars(run), "prefixes": run.prefixes.iloc[:0], "attention": run.attention.iloc[:0], "baselines": run.baselines.iloc[:0]}
    )
    said = said_of_run(run, OUTCOMES, unit="recording", set_level=0.95)
    assert len(said.cells) == 0


def test_how_likely_a_track_is_one_cell_is_shown_where_it_is_known():
    run = tables()
    said = said_of_run(run, OUTCOMES, unit="recording", set_level=0.95)
    assert said.links.empty
    assert said.cells["confidence"].isna().all()
    links = {"recording": "r1", "track_id": 0, "frame": [3, 4], "kind": ["start", "step"], "wrong": [None, 0.4], "rival": [None, 1]}
    links = pd.DataFrame({**links, "confidence": [1.0, 0.6]}).astype({"rival": "Int64"})
    others = links.assign(recording="r0")
    said = said_of_run(replace(run, confidence=pd.concat([others, links])), OUTCOMES, unit="recording", set_level=0.95)
    assert said.links["trajectory"].tolist() == ["r1/0", "r1/0"]
    assert said.links["confidence"].tolist() == [1.0, 0.6]
    cells = said.cells.set_index("trajectory")["confidence"]
    assert cells["r1/0"] == 0.6
    assert np.isnan(cells["r1/1"])


def test_a_run_without_rows_of_attention_shows_cells_without_them():
    run = tables()
    for attention in (run.attention.iloc[:0], run.attention[run.attention["split"] == "train"]):
        said = said_of_run(replace(run, attention=attention), OUTCOMES, unit="recording", set_level=0.95)
        assert said.rests_on.empty
        assert list(said.rests_on.columns) == ["trajectory", "frame", "attention", "occlusion"]
        assert len(said.cells) == len(said_of_run(run, OUTCOMES, unit="recording", set_level=0.95).cells)
