"""A model trained on one data set predicts another one whose tracks have no fates."""

import json
import shutil

import geff
import numpy as np
import pandas as pd
import pytest
from project import Project, tiny_rows

MODEL = "results/tiny/corrected/model"
OVERLAYS = ("new.yaml",)  # on config.yaml alone: a user who only predicts writes nothing else
KINDS = ("parquet", "csv", "fates.parquet", "shift.csv", "geff", "images.zarr", "napari.csv", "png")


def new_rows(project: Project, n: int = 2, **changes) -> list[dict]:
    """Recordings of the tiny data set as a user's own: tracks as CSV without outcomes, no treatment, no group."""
    rows = tiny_rows(n)
    for row in rows:
        tracks = pd.read_parquet(project.folder / f"results/tiny/tracks/{row['recording']}.parquet")
        tracks[["track_id", "parent_id", "frame", "y", "x"]].to_csv(project.folder / f"{row['recording']}.csv", index=False)
        row.update(tracks=f"{row['recording']}.csv", tracks_format="csv", treatment="", dose="", treatment_start_h="", **changes)
    return rows


def write_new(project: Project, rows: list[dict], **changes) -> None:
    project.write_sheet("new.tsv", rows)
    prediction = {"model": "copied", "min_frames": 8} | changes
    training = {"accelerator": "cpu"}
    project.write_config(
        "new.yaml",
        {"dataset": "new", "recordings": "new.tsv", "source": {"kind": "local"}, "training": training, "prediction": prediction},
    )


@pytest.fixture
def project(finished, tmp_path):
    """The finished project; its model folder is moved, and nothing of its training is left."""
    project = finished.copy(tmp_path / "copy")
    shutil.move(project.folder / MODEL, project.folder / "copied")
    shutil.rmtree(project.folder / "results/tiny/corrected")
    write_new(project, new_rows(project))
    return project


def test_a_copied_model_predicts_recordings_without_fates(project):
    assert project.jobs("--", "predict", overlays=OVERLAYS) == {
        "read_tracks": 2,
        "embed_recording": 2,
        "predict_recording": 2,
        "predict_risks": 2,
        "write_viewer_images": 2,
        "export_predictions": 2,
        "plot_predictions": 2,
        "write_predicted_explorer": 1,
        "predict": 1,
    }
    done = project.snakemake("--", "predict", overlays=OVERLAYS)
    assert "The results are in results/new/predictions/" in done.stdout
    folder = project.folder / "results/new/predictions"
    for name in ("r0", "r1"):
        assert all((folder / f"{name}.{kind}").exists() for kind in KINDS)
        table = pd.read_parquet(folder / f"{name}.parquet")
        tracks = pd.read_parquet(project.folder / f"results/new/tracks/{name}.parquet")
        lengths = tracks["track_id"].value_counts()
        assert table["track_id"].value_counts().to_dict() == (lengths[lengths >= 8] - 7).to_dict()
        assert table["probability_mitosis"].between(0, 1).all()
        saw = any(name in part for part in json.loads((project.folder / "copied/settings.json").read_text())["members"]["fold-0"].values())
        assert set(table["seen_in_training"]) == {"yes" if saw else "no"}  # known by what it shows, under another data set's name
        fates = pd.read_parquet(folder / f"{name}.fates.parquet")
        assert fates["track_id"].nunique() == (lengths > 10).sum(), "as many frames as the model's own tracks have"
        assert set(fates["seen_in_training"]) == {"yes" if saw else "no"}
        graph, _ = geff.read(folder / f"{name}.geff")
        assert graph.number_of_nodes() == len(tracks)
        assert sum("mitosis_within_5h" in node for _, node in graph.nodes(data=True)) == (fates["horizon_hours"] == 5).sum()
        assert "no treatment_start_h in the sheet" in (project.folder / f"logs/new/predict_risks/{name}.log").read_text()
    assert (folder / "explorer.html").read_text().count('id="cell-') > 1
    outcomes = pd.read_parquet(project.folder / "results/new/tracks/r0.outcomes.parquet")
    assert set(outcomes["outcome"]) <= {"censored", "no_event_by_end"}
    assert project.jobs("--", "predict", overlays=OVERLAYS) == {}


def test_on_slurm_only_the_short_steps_share_a_job(project):
    checks = [("recording", [f"Checking the frames and tracks of {name}"]) for name in ("r0", "r1")]
    pictures = [f"Picture of the predictions of {name}" for name in ("r0", "r1")]
    files = [f"Tracks of {name} for viewers" for name in ("r0", "r1")]
    images = [f"Frames of {name} for viewers" for name in ("r0", "r1")]
    assert project.slurm_groups("--", "predict", overlays=OVERLAYS) == [("predictions", images + pictures + files), *checks]


@pytest.mark.whole
def test_frames_after_the_recording_was_stopped_change_nothing(project):
    """The same recording without its last ten frames, through the whole workflow: equal values, bit for bit."""
    rows = new_rows(project, n=1)
    short = dict(rows[0], recording="stopped", images="stopped", tracks="stopped.csv")
    tracks = pd.read_csv(project.folder / rows[0]["tracks"], dtype={"y": str, "x": str})
    tracks[tracks["frame"] < 20].to_csv(project.folder / "stopped.csv", index=False)
    shutil.copytree(project.folder / rows[0]["images"], project.folder / "stopped")
    for frame in range(20, 30):
        (project.folder / f"stopped/t{frame:03d}.tif").unlink()
    write_new(project, [rows[0], short])
    targets = [f"results/new/predictions/{name}.parquet" for name in ("r0", "stopped")]
    project.snakemake("--", *targets, overlays=OVERLAYS)
    whole, stopped = (pd.read_parquet(project.folder / target).drop(columns="recording") for target in targets)
    assert whole["frame"].max() == 29
    pd.testing.assert_frame_equal(whole[whole["frame"] < 20].reset_index(drop=True), stopped, check_exact=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": "circadian,p53,phase"}, "new.tsv: line 2: recording r0: channels are circadian, p53, phase, but the model"),
        pytest.param(
            *({"frame_interval_min": 10}, "new.tsv: line 2: recording r0: frame_interval_min is 10, but the model was trained at 30"),
            marks=pytest.mark.whole,
        ),
    ],
)
def test_a_recording_that_does_not_fit_is_refused_while_planning(project, changes, message):
    write_new(project, new_rows(project, **changes))
    done = project.snakemake("-n", "--", "predict", overlays=OVERLAYS, check=False)
    assert done.returncode != 0
    assert message in done.output


@pytest.mark.whole
def test_another_interval_can_be_allowed(project):
    write_new(project, new_rows(project, n=1, frame_interval_min=10), allow_other_interval=True)
    project.snakemake("--", "results/new/predictions/r0.csv", overlays=OVERLAYS)
    assert "cannot be trusted" in (project.folder / "logs/new/embed_recording/r0.log").read_text()


def test_a_model_that_is_not_there_is_refused_while_planning(project):
    write_new(project, new_rows(project), model="nowhere")
    done = project.snakemake("-n", "--", "predict", overlays=OVERLAYS, check=False)
    assert "prediction.model: nowhere: no such folder" in done.output


@pytest.mark.whole
def test_the_analysis_of_such_a_data_set_is_still_checked(project):
    done = project.snakemake("-n", overlays=OVERLAYS, check=False)
    assert done.returncode != 0
    assert "evaluation.treatment is 'cisplatin'" in done.output


def test_the_model_is_exported_with_a_card(finished):
    folder = finished.folder / MODEL
    card = json.loads((folder / "card.json").read_text())
    assert (card["dataset"], card["protocol"], list(card["members"])) == ("tiny", "corrected", ["fold-0"])
    split = pd.read_parquet(finished.folder / "results/tiny/corrected/split.parquet")
    assert sum(card["members"]["fold-0"]["trajectories"]["train"].values()) == (split["split"] == "train").sum()
    assert "given that the track ends in apoptosis or mitosis" in (folder / "MODEL_CARD.md").read_text()


def test_a_data_set_predicts_itself_with_its_own_model(finished):
    jobs = finished.jobs("--", "predict")
    steps = {"embed_recording", "predict_recording", "predict_risks", "write_viewer_images", "export_predictions", "plot_predictions"}
    assert set(jobs) == steps | {"write_predicted_explorer", "predict"}


@pytest.mark.whole
def test_a_held_out_recording_of_the_run_gets_the_risks_of_the_run(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    run = pd.read_parquet(project.folder / "results/tiny/corrected/fold-0/risks/fates.parquet")
    run = run[run["split"] == "test"]
    (name,) = set(run["recording"])
    project.snakemake("--", f"results/tiny/predictions/{name}.fates.parquet")
    found = pd.read_parquet(project.folder / f"results/tiny/predictions/{name}.fates.parquet")
    both = run.merge(found, on=["trajectory", "frame", "horizon_hours"], suffixes=("_run", ""), validate="one_to_one")
    assert len(both) == len(run) > 0
    for column in ("n_frames", "hours_since_start", "negative", "positive", "neither", "positive_given_event", "spread_positive"):
        np.testing.assert_allclose(both[column], both[f"{column}_run"], rtol=1e-5, err_msg=column)


@pytest.mark.whole
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": {"features": True}}, "rest on features of the outline (risks.inputs.features)"),
        ({"embedding": ["a"]}, "rest on 1 numbers of each frame from a table (a), which these recordings lack: risks.embedding"),
    ],
)
def test_risks_that_need_more_than_frames_are_refused_while_planning(project, changes, message):
    path = project.folder / "copied/settings.json"
    settings = json.loads(path.read_text())
    settings["risks"] |= changes
    path.write_text(json.dumps(settings))
    done = project.snakemake("-n", "--", "predict", overlays=OVERLAYS, check=False)
    assert message in done.output
    project.write_config("all.yaml", {"segmentation": {"tracks": "all"}, "risks": {"embedding": "a.parquet"}})
    (project.folder / "a.parquet").touch()
    jobs = project.jobs("--", "predict", overlays=(*OVERLAYS, "all.yaml"))
    assert jobs["predict_risks"] == 2
    assert ("measure_features" in jobs) == ("inputs" in changes)
    settings["risks"]["outlines"] = {"segmentation.diameter": 12}
    path.write_text(json.dumps(settings))
    refused = project.snakemake("-n", "--", "predict", overlays=(*OVERLAYS, "all.yaml"), check=False).output
    assert "made by other settings: segmentation.diameter is 40, in training 12" in refused
