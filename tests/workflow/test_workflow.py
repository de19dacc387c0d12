"""The real Snakefile on tiny simulated recordings: what runs, what re-runs, and what a kill leaves behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import h5py
import pandas as pd
import pytest
from project import ROOT, environment, measured_features, tiny_rows

from cellfate.tracks.edits.file import PLACES, EditedRecording, write_edited
from cellfate.tracks.labels.digest import track_digests

RESULTS = "results/tiny/corrected"
FIGURES = [
    "figure_2",
    "figure_3",
    "figure_4",
    "figure_5",
    "figure_6",
    "training_curves",
    "calibration",
    "truth",
    "traces",
    "attributions",
    "explained_cells",
]
PAPER = ("demo/config.yaml", "tiny.yaml", "paper.yaml", "quick.yaml")


def append(path, line):
    path.write_text(path.read_text() + line + "\n")


def test_every_figure_and_the_summary_are_there(finished):
    folder = finished.folder / RESULTS
    for name in FIGURES:
        assert (folder / f"figures/{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (folder / f"figures/{name}.png").read_bytes().startswith(b"\x89PNG")
    page = (folder / "summary.html").read_text()
    assert "Simulated recordings" in page
    assert page.count("data:image/png;base64,") >= 7
    explorer = (folder / "explorer.html").read_text()
    assert explorer.count('id="cell-') > 1
    configuration = json.loads((folder / "configuration.json").read_text())
    assert configuration["training"]["max_epochs"] == 3  # of the overlay
    assert configuration["split"]["unit"] == "recording"  # a default


def test_predictions_are_of_held_out_recordings_only(finished):
    split = pd.read_parquet(finished.folder / RESULTS / "split.parquet")
    split = split[split["split"] != "unlabelled"].copy()
    split["recording"] = split["trajectory"].str.split("/").str[0]
    assert split.groupby("recording")["split"].nunique().max() == 1
    predictions = pd.read_parquet(finished.folder / RESULTS / "fold-0/predictions.parquet")
    assert set(predictions["split"]) == {"validation", "test"}


def test_risks_are_predicted_for_held_out_tracks_with_a_fate_or_without(finished):
    folder = finished.folder / RESULTS
    fates, split = pd.read_parquet(folder / "fold-0/risks/fates.parquet"), pd.read_parquet(folder / "split.parquet")
    in_recording = split.assign(recording=split["trajectory"].str.split("/").str[0])
    held_out = set(in_recording.loc[in_recording["split"].isin(["validation", "test"]), "recording"])
    wanted = in_recording[in_recording["recording"].isin(held_out)]
    assert set(fates["trajectory"]) == set(wanted["trajectory"])
    assert "unlabelled" in set(wanted["split"])
    assert set(fates["split"]) == {"validation", "test"}


def test_a_second_run_has_nothing_to_do(finished):
    assert finished.jobs() == {}


def test_the_report_collects_the_figures(finished, tmp_path):
    finished.snakemake("--report", str(tmp_path / "report.html"))
    text = (tmp_path / "report.html").read_text()
    assert "figure_5.png" in text
    assert "summary.html" in text


def test_one_figure_is_drawn_again_alone(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    figure = f"{RESULTS}/figures/figure_2.pdf"
    before = {path: path.stat().st_mtime_ns for path in project.folder.glob("results/**/*") if path.is_file()}
    project.snakemake("-f", "--allowed-rules", "plot_confusion", "--", figure)
    changed = {path.name for path, stamp in before.items() if path.stat().st_mtime_ns != stamp}
    assert changed == {"figure_2.pdf", "figure_2.png"}


def test_editing_a_plotting_function_draws_figures_only(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    append(project.folder / "src/cellfate/figures/scores/confusion.py", "# edited")
    jobs = project.jobs()
    assert "plot_confusion" in jobs
    assert {name for name in jobs if not name.startswith("plot_")} <= {"write_summary"}


def test_a_correction_runs_its_recording_and_what_follows_alone(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    outcomes = pd.read_parquet(project.folder / "results/tiny/tracks/r0.outcomes.parquet")
    track = outcomes[outcomes["outcome"] == "mitosis"].iloc[0]
    row = f"r0,{track['track_id']},outcome,mitosis,censored,,divides outside"
    (project.folder / "corrections.csv").write_text(f"recording,track_id,what,was,outcome,event_frame,note\n{row}\n")
    project.write_config("corrected.yaml", {"tracks": {"corrections": "corrections.csv"}})
    overlays = ("demo/config.yaml", "tiny.yaml", "corrected.yaml")
    jobs = project.jobs(overlays=overlays)
    assert (jobs["read_tracks"], jobs["extract_crops"]) == (1, 1)
    assert not {"simulate_recording", "train_segmentation"} & set(jobs)
    assert {"select_trajectories", "write_summary", "write_explorer"} <= set(jobs)
    tracks = "results/tiny/tracks/r0.outcomes.parquet"
    project.snakemake("--allowed-rules", "read_tracks", "--", tracks, overlays=overlays)
    after = pd.read_parquet(project.folder / tracks).set_index("track_id")
    assert after.loc[track["track_id"], "outcome"] == "censored"
    assert (after["outcome"] == "mitosis").sum() == (outcomes["outcome"] == "mitosis").sum() - 1
    above = pd.read_parquet(project.folder / "results/tiny/tracks/r1.outcomes.parquet").iloc[0]
    lines = (project.folder / "corrections.csv").read_text().splitlines()
    lines.insert(1, f"r1,{above['track_id']},track,{above['outcome']},,,")
    (project.folder / "corrections.csv").write_text("\n".join(lines) + "\n")
    assert project.jobs("--", tracks, overlays=overlays) == {}, "a row above that is of another recording moves lines, and changes nothing"


@pytest.mark.whole
def test_edited_tracks_run_their_recording_and_what_follows_alone(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    before = pd.read_parquet(project.folder / "results/tiny/tracks/r0.parquet")[list(PLACES)]
    outcomes = pd.read_parquet(project.folder / "results/tiny/tracks/r0.outcomes.parquet")
    gone = outcomes.loc[~outcomes["track_id"].isin(outcomes["parent_id"]), "track_id"].iloc[-1]
    after = before[before["track_id"] != gone].reset_index(drop=True)
    frames = before.loc[before["track_id"] == gone, "frame"]
    row = {"recording": "r0", "track_id": gone, "what": "deleted", "first_frame": frames.min(), "last_frame": frames.max(), "detail": None}
    differences = pd.DataFrame([row | {"positions": len(frames)}])
    ends = {int(track): int(track) for track in after["track_id"].unique()}
    edited = EditedRecording("r0", "r0.geff", before, after, ends, (), differences, {"mitosis": (1, 0)})
    write_edited(edited, project.folder / "edited/r0.json")
    project.write_config("edited.yaml", {"tracks": {"edited": "edited"}})
    overlays = ("demo/config.yaml", "tiny.yaml", "edited.yaml")
    jobs = project.jobs(overlays=overlays)
    assert (jobs["read_tracks"], jobs["extract_crops"]) == (1, 1)
    assert not {"simulate_recording", "train_segmentation"} & set(jobs)
    assert {"select_trajectories", "write_summary"} <= set(jobs)
    tracks = "results/tiny/tracks/r0.outcomes.parquet"
    project.snakemake("--allowed-rules", "read_tracks", "--", tracks, overlays=overlays)
    assert set(pd.read_parquet(project.folder / tracks)["track_id"]) == set(outcomes["track_id"]) - {gone}
    assert project.jobs("--", tracks, "results/tiny/tracks/r1.outcomes.parquet", overlays=overlays) == {}
    (project.folder / "edited/r0.json").unlink()
    assert project.jobs("--", tracks, "results/tiny/tracks/r1.outcomes.parquet", overlays=overlays) == {"read_tracks": 1}


def test_cells_are_labelled_without_a_model_and_only_their_recording_runs_again(fresh):
    project = fresh
    planned = project.jobs("--", "label")
    assert set(planned) == {"simulate_recording", "read_tracks", "extract_crops", "write_label_page", "label"}
    project.snakemake("--", "label")
    assert (project.folder / "results/tiny/label.html").read_text().count('id="cell-') > 1
    tracks = pd.read_parquet(project.folder / "results/tiny/tracks/r0.parquet")
    outcomes = pd.read_parquet(project.folder / "results/tiny/tracks/r0.outcomes.parquet")
    track = outcomes[outcomes["outcome"].isin(["censored", "no_event_by_end"])].iloc[0]
    row = f"anna,2026-11-29T10:00:00Z,r0,{track['track_id']},mitosis,{track['last_frame']},,{track_digests(tracks)[track['track_id']]}"
    (project.folder / "labels-anna.csv").write_text(f"by,at,recording,track_id,outcome,event_frame,note,data\n{row}\n")
    project.write_config("labelled.yaml", {"tracks": {"labels": "labels-anna.csv"}})
    overlays = ("demo/config.yaml", "tiny.yaml", "labelled.yaml")
    jobs = project.jobs("--", "label", overlays=overlays)
    assert (jobs["read_tracks"], jobs["extract_crops"]) == (1, 1)
    project.snakemake("--", "label", overlays=overlays)
    after = pd.read_parquet(project.folder / "results/tiny/tracks/r0.outcomes.parquet").set_index("track_id")
    assert after.loc[track["track_id"], "outcome"] == "mitosis"
    assert project.jobs("--", "label", overlays=overlays) == {}


@pytest.mark.whole
def test_editing_the_model_trains_again_and_what_follows(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    append(project.folder / "src/cellfate/model/network.py", "# edited")
    jobs = project.jobs()
    assert {"train_model", "embed_frames", "predict_trajectories", "compute_attention", "plot_truncation"} <= set(jobs)
    assert not {"simulate_recording", "read_tracks", "extract_crops", "segment_cells", "measure_features", "split_trajectories"} & set(jobs)


@pytest.mark.whole
def test_training_again_gives_identical_predictions(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    predictions = f"{RESULTS}/fold-0/predictions.parquet"
    before = pd.read_parquet(project.folder / predictions)
    project.snakemake("--forcerun", "train_model", "--", predictions)
    pd.testing.assert_frame_equal(pd.read_parquet(project.folder / predictions), before, check_exact=True)


@pytest.mark.whole
def test_switching_between_protocols_runs_nothing_again(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    quick = {"segmentation": {"ladder": "single"}, "training": {"max_epochs": 3}}  # sixteen tries for each crop take minutes
    project.write_config("quick.yaml", quick)
    planned = project.jobs(overlays=PAPER)
    assert "train_model" in planned
    assert not {"simulate_recording", "read_tracks", "extract_crops"} & set(planned)
    project.snakemake(overlays=PAPER)
    assert (project.folder / "results/tiny/paper/summary.html").exists()
    assert project.jobs() == {}
    assert project.jobs(overlays=PAPER) == {}


@pytest.mark.whole
def test_switching_between_data_sets_runs_nothing_again(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    project.write_config("other.yaml", {"dataset": "other", "source": {"kind": "local"}})
    other = ("demo/config.yaml", "tiny.yaml", "other.yaml")
    checked = [f"results/other/tracks/r{i}.parquet" for i in range(4)]
    assert project.jobs("--", *checked, overlays=other) == {"read_tracks": 4}
    project.snakemake("--", *checked, overlays=other)
    assert project.jobs() == {}
    assert project.jobs("--", *checked, overlays=other) == {}


@pytest.mark.whole
def test_a_new_recording_is_processed_and_the_others_are_not(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    project.write_sheet("tiny.tsv", tiny_rows(5))
    jobs = project.jobs()
    assert (jobs["simulate_recording"], jobs["read_tracks"], jobs["extract_crops"]) == (1, 1, 1)
    assert jobs["train_model"] == 1, "the steps that pool all recordings follow"


@pytest.mark.whole
def test_with_masks_of_all_tracks_a_new_recording_alone_is_segmented(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    project.write_config("all.yaml", {"segmentation": {"tracks": "all"}})
    overlays = ("demo/config.yaml", "tiny.yaml", "all.yaml")
    features = [f"results/tiny/features/centre/r{i}.parquet" for i in range(4)]
    project.snakemake("--", *features, overlays=overlays)
    project.write_sheet("tiny.tsv", tiny_rows(5))
    jobs = project.jobs(overlays=overlays)
    assert {jobs[rule] for rule in ("simulate_recording", "read_tracks", "extract_crops", "segment_cells", "measure_features")} == {1}


def test_states_need_features_of_all_tracks_beside_those_of_held_out_cells(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    last = {"assign_states": 1, "tabulate_states": 1, "plot_states": 1, "states": 1}
    assert project.jobs("--", "states") == {"segment_cells": 4, "measure_features": 4} | last
    measured_features(project)
    assert project.jobs("--", "states") == last
    project.snakemake("--", "states")
    assert project.jobs("--", "states") == {}
    assert set(pd.read_parquet(project.folder / RESULTS / "states.parquet")["state"]) == {1, 2, 3, 4}
    absorbed = pd.read_csv(project.folder / RESULTS / "tables/state_absorption.csv")
    assert absorbed.groupby(["group", "source"])["probability"].sum().to_numpy() == pytest.approx(1)
    failed = (pd.read_csv(project.folder / RESULTS / "tables/state_checks.csv")["verdict"] == "fails").any()
    log = (project.folder / "logs/tiny/corrected/tabulate_states.log").read_text()
    assert ("Chapman-Kolmogorov FAILS" in log) == failed
    assert (project.folder / RESULTS / "figures/states.png").read_bytes().startswith(b"\x89PNG")


def test_a_recording_behind_a_hash_is_left_out(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    sheet = project.folder / "tiny.tsv"
    sheet.write_text(sheet.read_text().replace("\nr3", "\n#r3"))
    jobs = project.jobs()
    assert not {"simulate_recording", "read_tracks", "extract_crops"} & set(jobs)
    assert jobs["select_trajectories"] == 1


def test_the_slurm_profile_plans_the_same_jobs_in_few_groups(fresh):
    output = fresh.snakemake("-n", "--profile", "slurm").output
    assert "Using profiles slurm" in output
    groups = re.findall(r"Group job (\w+)", output)
    wanted = ["cells", "design", "figures", *["recording"] * 4]
    assert sorted(groups) == wanted, "one for each recording, one for the cells of all, one for the design, one for figures"
    assert fresh.jobs("--profile", "slurm") == fresh.jobs()


def test_the_design_is_planned_from_tracks_alone(fresh):
    jobs = fresh.jobs("--", "design")
    of_all = ("select_trajectories", "split_trajectories", "check_design", "plot_design", "design")
    assert jobs == dict.fromkeys(("simulate_recording", "read_tracks", "assess_links"), 4) | dict.fromkeys(of_all, 1)


def test_crops_wait_for_no_protocol(finished):
    graph = consumers(finished.snakemake("--rulegraph").stdout)
    for rule in ("select_trajectories", "split_trajectories", "check_design"):
        assert graph[rule], f"{rule} is in the graph"
        assert "extract_crops" not in graph[rule]


@pytest.mark.whole
def test_after_a_hard_kill_the_next_run_completes(fresh):
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--configfile",
        "demo/config.yaml",
        "tiny.yaml",
        "--cores",
        "2",
        "--until",
        "extract_crops",
    ]
    with open(fresh.folder / "killed.log", "w") as log:
        running = subprocess.Popen(command, cwd=fresh.folder, stdout=log, stderr=log, env=environment(), start_new_session=True)
        while running.poll() is None and not list(fresh.folder.glob("results/tiny/tracks/*.outcomes.parquet")):
            time.sleep(0.05)
        assert running.poll() is None, (fresh.folder / "killed.log").read_text()
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    for crops in fresh.folder.glob("results/tiny/crops/*.h5"):
        with h5py.File(crops) as file:
            assert "crops" in file
    fresh.snakemake("--unlock")
    fresh.snakemake("--until", "extract_crops")
    assert len(list(fresh.folder.glob("results/tiny/crops/*.h5"))) == 4
    assert not list(fresh.folder.glob("results/**/.*.part"))


def consumers(graph: str) -> dict[str, set[str]]:
    """rule -> the rules that need it, from a rule graph in DOT."""
    names = dict(re.findall(r'(\d+)\s*\[\s*label = "(\w+)"', graph))
    needed = {name: set() for name in names.values()}
    for source, target in re.findall(r"(\d+) -> (\d+)", graph):
        needed[names[source]].add(names[target])
    return needed


def test_the_truth_is_read_by_one_leaf_rule_only(finished):
    graph = consumers(finished.snakemake("--rulegraph").stdout)
    assert graph["evaluate_against_truth"] == {"plot_truth"}
    assert graph["plot_truth"] == graph["score_explanations"] == {"main"}
    reading = []
    for file in sorted((finished.folder / "workflow/rules").glob("*.smk")):
        for rule in re.split(r"^\s*rule ", file.read_text(), flags=re.MULTILINE)[1:]:
            inputs = rule.split("output:")[0]
            if re.search(r"/truth/|truth=", inputs):
                reading.append(rule.split(":")[0])
    leaves = ["evaluate_against_truth", "evaluate_tracking", "evaluate_transition_truth", "plot_truth", "score_explanations"]
    assert sorted(reading) == leaves


def test_only_leaf_scripts_import_the_truth():
    for room, scripts in {
        "cellfate.truth.": ["evaluate_against_truth.py", "evaluate_tracking.py", "score_explanations.py"],
        "cellfate.transition.truth": ["evaluate_transition_truth.py"],
    }.items():
        importing = [path.name for path in sorted(ROOT.glob("scripts/*/*.py")) if room in path.read_text()]
        assert [name for name in importing if name not in ("plot_truth.py",)] == scripts
