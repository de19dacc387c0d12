"""The shipped profile on a real SLURM of one node: to the end, through trouble, and after a hard kill."""

import os
import re
import signal
import time

import node
import pandas as pd
import pytest
from cluster import jobs_in_queue, wait_for

RESULTS = "results/tiny/corrected"
CROPS = [f"results/tiny/crops/r{i}.h5" for i in range(4)]


def run_id(output: str) -> str | None:
    found = re.search(r"SLURM run ID: (\S+)", output)
    return found and found[1]


def without_crops(cluster):
    """Take away what the jobs of the recordings made; the simulated frames stay."""
    for path in (*CROPS, *(f"results/tiny/tracks/r{i}.parquet" for i in range(4))):
        (cluster.folder / path).unlink()
    return cluster


def test_everything_runs_to_the_end_in_few_jobs(finished):
    assert (finished.folder / RESULTS / "summary.html").exists()
    output = finished.output()
    submitted = re.findall(r"has been submitted with SLURM jobid (\d+)", output)
    assert len(re.findall(r"submitted with SLURM jobid .*group_recording", output)) == 4, "one job for each recording"
    assert len(re.findall(r"submitted with SLURM jobid .*group_cells", output)) == 1, "one job segments and measures four recordings"
    assert len(submitted) < 20
    assert (finished.folder / "logs/tiny/read_tracks/r0.log").exists(), "the rules' logs are where they are without SLURM"
    assert not list(finished.folder.glob("logs/slurm/**/*.log")), "SLURM's own logs stay of failed jobs only"
    assert finished.jobs() == {}


def test_a_job_that_runs_out_of_memory_succeeds_with_more(slurm, fresh):
    weights = "resources/tiny/cellpose/simulated"
    needs = "train_segmentation_network:mem_mb=250 if attempt == 1 else 3000"
    output = fresh.run("--set-resources", needs, "--", weights)
    assert (fresh.folder / weights).exists()
    (said,) = fresh.folder.glob("logs/slurm/**/*.log")
    assert "memory" in said.read_text(), "SLURM ended the first attempt"
    assert output.count("Trying to restart job") == 1
    assert len(re.findall(r"submitted with SLURM jobid", output)) == 2


def test_a_bad_frame_stops_one_recording_and_a_cancelled_job_is_tried_again(finished, tmp_path):
    cluster = without_crops(finished.copy(tmp_path / "copy"))
    frame = cluster.folder / "resources/tiny/images/r1/t007.tif"
    frame.write_bytes(frame.read_bytes()[:200])
    run = cluster.start("--retries", "1", "--", *CROPS)
    name = wait_for(lambda: run_id(cluster.output()), run)
    submitted = wait_for(lambda: len(re.findall("SLURM jobid (\\d+)", cluster.output())) == 4 and jobs_in_queue(name), run)
    wanted = next(number for number in reversed(submitted))
    node.answers("scancel", wanted)
    assert run.wait(timeout=600) == 1
    output = cluster.output()
    (said,) = cluster.folder.glob(f"logs/slurm/**/{wanted}.log")
    assert "CANCELLED" in said.read_text()
    assert [(cluster.folder / path).exists() for path in CROPS] == [True, False, True, True]
    end = output[output.index("1 jobs failed:") :]
    assert re.search(r"^r1 +read_tracks +Input error: .*t007.tif", end, re.MULTILINE)
    assert "put # before its row" in end


def test_after_a_hard_kill_the_documented_steps_lead_to_the_end(finished, tmp_path):
    cluster = without_crops(finished.copy(tmp_path / "copy"))
    run = cluster.start("--", *CROPS)
    name = wait_for(lambda: run_id(cluster.output()), run)
    wait_for(lambda: jobs_in_queue(name), run)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert jobs_in_queue(name), "its jobs run on"
    node.answers("scancel", f"--name={name}")
    while node.answers("squeue", "--noheader", f"--name={name}", "--states=PENDING,RUNNING,COMPLETING"):
        time.sleep(0.3)
    assert "locked" in cluster.run("--", *CROPS, succeeds=False)
    cluster.run("--unlock")
    cluster.run("--", *CROPS, name="again.log")
    for path in CROPS:
        assert (cluster.folder / path).exists()
    assert not list(cluster.folder.glob("results/**/.*.part"))
    before, after = (pd.read_parquet(c.folder / "results/tiny/tracks/r0.parquet") for c in (finished, cluster))
    pd.testing.assert_frame_equal(before, after)


@pytest.mark.parametrize("way", ["gpu", "gres"])
def test_a_job_that_asked_for_a_gpu_and_sees_none_says_so(finished, tmp_path, way):
    """The pretended GPU of the node is none that torch could see, as on a node whose driver is broken."""
    cluster = finished.copy(tmp_path / "copy")
    cluster.write_config("gpu.yaml", {"training": {"accelerator": "auto"}})
    flavour = {
        "gpu": ["train_model:gpu_model=a100"],
        "gres": ["train_model:gpu=0", "train_model:gres=gpu:a100:1"],
    }[way]
    needs = ["--set-resources", "train_model:mem_mb=3000", *flavour]
    output = cluster.run("--retries", "0", *needs, "--", f"{RESULTS}/fold-0/model", overlays=["gpu.yaml"], succeeds=False)
    assert "Auto-selected partition 'gpu' for job train_model" in output
    assert "epoch 1" not in output
    end = output[output.index("jobs failed:") :]
    assert re.search(r"fold 0 +train_model +Input error: the rule asks for 1 GPU, but SLURM job \d+ .* sees 0 .*slurm/profile.yaml", end)
