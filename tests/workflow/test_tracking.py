"""Recordings without tracks: their frames are segmented, their cells tracked, and crops cut, through the real workflow."""

import pandas as pd
import pytest
from project import Project, copy_project, tiny_rows

from cellfate.base.tables import read_table
from cellfate.crops.crop_file import CropFile
from cellfate.segmentation.detections import FrameMasks
from cellfate.tracks.tables import OUTCOMES, TRACKING_QUALITY, TRACKS

OVERLAYS = ("demo/config.yaml", "tiny.yaml", "untracked.yaml")
UNTRACKED = {"crops": {"tracks": "all"}, "tracking": {"min_area": 60}, "segmentation": {"training": {"n_steps": 120}}}


def without_tracks(rows: list[dict], names: list[str]) -> list[dict]:
    return [row | {"tracks": "", "tracks_format": ""} if row["recording"] in names else row for row in rows]


def write(project: Project, names: list[str], n: int = 4) -> None:
    project.write_sheet("tiny.tsv", without_tracks(tiny_rows(n), names))
    project.write_config("untracked.yaml", UNTRACKED)


@pytest.fixture(scope="module")
def tracked_here(tmp_path_factory) -> Project:
    """A project in which one of four recordings has no tracks; everything is made for that one up to its crops and scores."""
    project = copy_project(tmp_path_factory.mktemp("tracked"))
    write(project, ["r1"])
    targets = [f"results/tiny/tracking/r1.{kind}" for kind in ("qc.csv", "png", "truth.csv")]
    project.snakemake("--", "results/tiny/crops/r1.h5", *targets, overlays=OVERLAYS)
    return project


@pytest.mark.xdist_group("tracked here")  # in one process, as both need what is tracked first
def test_frames_become_masks_tracks_and_crops(tracked_here):
    results = tracked_here.folder / "results/tiny"
    with FrameMasks(results / "frame_masks/r1.h5") as masks:
        assert masks.n_frames == 30
        assert masks.settings["channel"] == "p53"
        assert masks.settings["min_area"] == 60
        assert masks.read(0).max() > 2
    tracks = read_table(results / "tracks/r1.parquet", TRACKS)
    outcomes = read_table(results / "tracks/r1.outcomes.parquet", OUTCOMES)
    assert set(outcomes["outcome"]) <= {"no_event_by_end", "censored"}, "no fate is invented"
    assert outcomes["event_frame"].isna().all()
    assert ((outcomes["outcome"] == "no_event_by_end") == (outcomes["last_frame"] == 29)).all()
    with CropFile(results / "crops/r1.h5") as crops:
        long = outcomes.loc[outcomes["n_frames"] > 10, "track_id"]
        assert sorted(crops.index()["track_id"].unique()) == sorted(long)
        assert len(long) > 0
    assert set(tracks["frame"]) == set(range(30))


@pytest.mark.xdist_group("tracked here")
def test_the_tracks_are_checked_and_drawn(tracked_here):
    folder = tracked_here.folder / "results/tiny/tracking"
    quality = read_table(folder / "r1.qc.csv", TRACKING_QUALITY).iloc[0]
    assert quality["recording"] == "r1"
    assert quality["cells_per_frame"] > 2
    assert (folder / "r1.png").read_bytes().startswith(b"\x89PNG")
    scores = pd.read_csv(folder / "r1.truth.csv").iloc[0]
    assert 0.7 < scores["DET"] <= 1
    assert scores["LNK"] > 0.7


def test_what_is_planned_for_recordings_without_any_tracks(fresh):
    write(fresh, ["r0", "r1", "r2"], n=3)
    output = fresh.snakemake("-n", "--quiet", "rules", overlays=OVERLAYS).output
    assert "so no cell has a fate to train with" in output
    jobs = fresh.jobs(overlays=OVERLAYS)
    here = ("segment_frames", "track_cells", "assess_tracking", "plot_tracking", "extract_crops")
    assert {rule: jobs[rule] for rule in here} == dict.fromkeys(here, 3)
    assert not {"train_model", "read_tracks"} & set(jobs)


def test_on_slurm_the_short_steps_of_a_recording_share_one_job(fresh):
    write(fresh, ["r0", "r1", "r2"], n=3)
    fresh.write_config("drift.yaml", {"registration": {"method": "phase_cross_correlation", "channel": "p53"}})
    groups = fresh.slurm_groups(overlays=(*OVERLAYS, "drift.yaml"))
    assert [name for name, _ in groups] == ["drift"] * 3 + ["recording"] * 3
    assert groups[0][1] == ["Figure of the drift of r0", "Registering r0"]
    steps = ["Checking the tracks of r0", "Cutting the crops of r0", "Doubtful links of r0", "Drawing the tracks of r0"]
    assert groups[3][1] == [*steps, "Scoring the tracks of r0 against the simulator's truth", "Tracking the cells of r0"]


def test_a_mixed_sheet_trains_on_the_recordings_with_fates(fresh):
    write(fresh, ["r3"])
    jobs = fresh.jobs(overlays=OVERLAYS)
    assert (jobs["read_tracks"], jobs["track_cells"], jobs["train_model"]) == (3, 1, 1)
    assert (jobs["evaluate_tracking"], jobs["evaluate_against_truth"]) == (1, 1)


def test_a_channel_that_no_recording_has(fresh):
    write(fresh, ["r1"])
    fresh.write_config("untracked.yaml", {"tracking": {"channel": "nuclei"}})
    done = fresh.snakemake("-n", overlays=OVERLAYS, check=False)
    assert done.returncode != 0
    message = "untracked.yaml: tracking.channel is 'nuclei', but the channels in tiny.tsv are circadian, p53, cell_cycle, and line 3"
    assert message in done.output
