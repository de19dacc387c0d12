"""The shipped profile on a real SLURM of one node: to the end, through trouble, and after a hard kill."""

import os
import re
import signal
import time

import node
import pytest
from cluster import job_of, jobs_in_queue, wait_for

from cellfate.crops.crop_file import CropFile

RESULTS = "results/tiny/corrected"
CROPS = [f"results/tiny/crops/r{i}.h5" for i in range(2)]


def run_id(output: str) -> str | None:
    found = re.search(r"SLURM run ID: (\S+)", output)
    return found and found[1]


def submitted(output: str) -> list[str]:
    return re.findall(r"has been submitted with SLURM jobid (\d+)", output)


@pytest.mark.whole
def test_everything_runs_to_the_end_in_few_jobs(slurm, fresh):
    output = fresh.run()
    assert (fresh.folder / RESULTS / "summary.html").exists()
    assert len(re.findall(r"submitted with SLURM jobid .*group_recording", output)) == 4, "one job for each recording"
    assert len(re.findall(r"submitted with SLURM jobid .*group_cells", output)) == 1, "one job segments and measures four recordings"
    assert len(submitted(output)) == 20, "50 steps are 20 jobs"
    assert (fresh.folder / "logs/tiny/read_tracks/r0.log").exists(), "the rules' logs are where they are without SLURM"
    assert not list(fresh.folder.glob("logs/slurm/**/*.log")), "SLURM's own logs stay of failed jobs only"
    assert fresh.jobs() == {}


def test_a_job_that_runs_out_of_memory_gets_more_and_one_that_still_has_too_little_is_named(slurm, fresh):
    annotations = [f"resources/tiny/annotations/r{i}.json" for i in range(2)]
    memory = "simulate_recording:mem_mb=120 if attempt == 1 or wildcards.recording == 'r1' else 1000"
    output = fresh.run("--retries", "1", "--set-resources", memory, "--", *annotations, succeeds=False)
    assert [(fresh.folder / path).exists() for path in annotations] == [True, False]
    assert len(submitted(output)) == 4, "each was tried twice"
    end = output[output.index("1 jobs failed:") :]
    assert re.search(r"^r1 +simulate_recording +SLURM job \d+ needed more memory than it had", end, re.MULTILINE)


def test_a_node_that_is_down_is_reported_while_snakemake_waits(slurm, simulated, tmp_path):
    cluster = simulated.copy(tmp_path / "copy")
    host = node.socket.gethostname().split(".")[0]
    node.must("scontrol", "update", f"NodeName={host}", "State=DOWN", "Reason=broken fan")
    try:
        run = cluster.start("--", CROPS[0])
        wait_for(lambda: "a job of this run waits in partition cpu" in cluster.output(), run)
    finally:
        node.must("scontrol", "update", f"NodeName={host}", "State=RESUME")
    assert run.wait(timeout=900) == 0, "it goes on when the node is back"
    said = [line for line in cluster.output().splitlines() if "of this run wait" in line]
    assert len(said) == 1
    assert f"its nodes are down, drained or reserved ({host}: broken fan)" in said[0]


@pytest.mark.whole
def test_a_bad_frame_stops_one_recording_and_a_cancelled_job_is_tried_again(slurm, simulated, tmp_path):
    cluster = simulated.copy(tmp_path / "copy")
    frame = cluster.folder / "resources/tiny/images/r1/t007.tif"
    frame.write_bytes(frame.read_bytes()[:200])
    run = cluster.start("--retries", "1", "--", *CROPS)
    name = wait_for(lambda: run_id(cluster.output()), run)
    cancelled = wait_for(lambda: job_of("r0", jobs_in_queue(name)), run)
    node.answers("scancel", cancelled)
    assert run.wait(timeout=900) == 1
    output = cluster.output()
    (said,) = cluster.folder.glob(f"logs/slurm/**/{cancelled}.log")
    assert "CANCELLED" in said.read_text()
    assert len(submitted(output)) == 4, "each was tried twice"
    assert [(cluster.folder / path).exists() for path in CROPS] == [True, False]
    end = output[output.index("1 jobs failed:") :]
    assert re.search(r"^r1 +read_tracks +Input error: .*t007.tif", end, re.MULTILINE)
    assert "put # before its row" in end


def test_after_a_hard_kill_the_documented_steps_lead_to_the_end(slurm, simulated, tmp_path):
    cluster = simulated.copy(tmp_path / "copy")
    run = cluster.start("--", CROPS[0])
    name = wait_for(lambda: run_id(cluster.output()), run)
    wait_for(lambda: jobs_in_queue(name), run)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert jobs_in_queue(name), "its jobs run on"
    node.answers("scancel", f"--name={name}")
    while node.answers("squeue", "--noheader", f"--name={name}", "--states=PENDING,RUNNING,COMPLETING"):
        time.sleep(0.3)
    assert "locked" in cluster.run("--", CROPS[0], succeeds=False)
    cluster.run("--unlock")
    output = cluster.run("--", CROPS[0], name="again.log")
    assert len(submitted(output)) == 1, "the steps of a recording are one job"
    with CropFile(cluster.folder / CROPS[0]) as crops:
        assert len(crops.index()) > 0
    assert not list(cluster.folder.glob("results/**/.*.part"))


@pytest.mark.whole
@pytest.mark.parametrize("way", ["gpu", "gres"])
def test_a_job_that_asked_for_a_gpu_and_sees_none_says_so(slurm, simulated, tmp_path, way):
    """The pretended GPU of the node is none that torch could see, as on a node whose driver is broken."""
    cluster = simulated.copy(tmp_path / "copy")
    cluster.write_sheet("tiny.tsv", [{**row, "tracks": "", "tracks_format": ""} for row in cluster.rows])
    cluster.write_config("gpu.yaml", {"segmentation": {"device": "cuda", "model": "./weights.pt"}})
    (cluster.folder / "weights.pt").touch()  # never opened
    flavour = {
        "gpu": ["segment_frames:gpu_model=a100"],
        "gres": ["segment_frames:gpu=0", "segment_frames:gres=gpu:a100:1"],
    }[way]
    masks = "results/tiny/frame_masks/r0.h5"
    output = cluster.run("--retries", "0", "--set-resources", *flavour, "--", masks, overlays=["gpu.yaml"], succeeds=False)
    assert "Auto-selected partition 'gpu' for job segment_frames" in output
    end = output[output.index("jobs failed:") :]
    assert re.search(r"r0 +segment_frames +Input error: the rule asks for 1 GPU, but SLURM job \d+ .* sees 0 .*slurm/profile.yaml", end)
