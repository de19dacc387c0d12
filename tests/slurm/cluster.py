"""A copy of the project whose jobs go to SLURM."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import node

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "workflow"))

from project import Project, copy_project, environment, tiny_rows  # noqa: E402

SNAKEMAKE = [sys.executable, "-m", "snakemake", "--configfile", "demo/config.yaml", "tiny.yaml"]
PROFILES = ["--profile", "slurm", "--profile", "small"]


class Cluster(Project):
    """A copy of the project whose ``snakemake`` hands its jobs to SLURM, as the shipped profile says, laid over by small/."""

    rows = tiny_rows(4)  # of its sheet

    def start(self, *arguments: str, overlays=(), name="run.log") -> subprocess.Popen:
        """Start a run in the background; its output goes to the file ``name``."""
        command = [*SNAKEMAKE, *overlays, *PROFILES, *arguments]
        env = environment() | {"OMP_NUM_THREADS": "1"}
        with open(self.folder / name, "w") as log:
            return subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, env=env, start_new_session=True)

    def run(self, *arguments: str, overlays=(), succeeds=True, name="run.log") -> str:
        """Run to the end; returns the output."""
        code = self.start(*arguments, overlays=overlays, name=name).wait(timeout=2400)
        output = self.output(name)
        assert (code == 0) == succeeds, output[-6000:]
        return output

    def output(self, name="run.log") -> str:
        return (self.folder / name).read_text(errors="replace")

    def copy(self, folder: Path) -> "Cluster":
        super().copy(folder)
        return Cluster(folder)


def new_cluster(folder: Path) -> Cluster:
    project = copy_project(folder)
    shutil.copytree(HERE / "small", folder / "small")
    return Cluster(project.folder)


def wait_for(condition, process: subprocess.Popen, seconds: float = 300):
    """What ``condition`` gives as soon as it is true; fails when the run ends before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        assert process.poll() is None, "the run ended before"
        time.sleep(0.3)
    raise AssertionError("waited in vain")


def jobs_in_queue(run_id: str) -> dict[str, str]:
    """The number of each running job of a run -> its comment, which names rule or group."""
    lines = node.answers("squeue", "--noheader", f"--name={run_id}", "--states=RUNNING", "--format=%i %k").splitlines()
    return dict(line.split(" ", 1) for line in lines)


def job_of(recording: str, jobs: Iterable[str]) -> str | None:
    """The number of the job that works on a recording."""
    scripts = {number: node.answers("scontrol", "write", "batch_script", number, "-") for number in jobs}
    return next((number for number, script in scripts.items() if f"recording={recording}" in script), None)
