"""A copy of the project in a temporary folder, with recordings so small that the whole workflow takes about a minute."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from cellfate.recordings.tables import RECORDINGS

ROOT = Path(__file__).parents[2]
PARTS = [
    "Snakefile",
    "config.yaml",
    "config",
    "paper.yaml",
    "fast.yaml",
    "workflow",
    "scripts",
    "src",
    "envs",
    "profiles",
    "slurm",
    "demo",
    "examples",
    "pyproject.toml",
]

TINY = {
    "dataset": "tiny",
    "recordings": "tiny.tsv",
    "crops": {"size": 48},
    "simulation": {"n_frames": 30, "frame_shape": [160, 160], "n_cells": 8, "fated_cells": 4, "sister_pairs": 1, "leaving_cells": 0},
    "split": {"fractions": [0.5, 0.25, 0.25]},
    "segmentation": {"training": {"n_fields": 4, "n_sparse": 1, "n_empty": 1, "n_checked": 1, "n_steps": 60}},
    "model": {"input_size": 16, "encoder_layers": 1},
    "training": {"max_epochs": 3, "patience": 3},
    "evaluation": {"truncation": [0, 5], "last_k": [5, 10], "bootstrap": 50},
    "statistics": {"min_frames": 15, "resamples": 200, "bootstrap": 50, "null_draws": 100},
    "figures": {"example_trajectories": 1},
    "states": {"steps": [2], "bootstrap": 50},
}
HEADER = list(RECORDINGS.columns)
AT_ONCE = ("--max-jobs-per-timespan", "100/1s")  # runs that take seconds do not wait for Snakemake's timers at their end


class Project:
    """A copy of the project; ``snakemake`` runs it there."""

    def __init__(self, folder: Path):
        self.folder = folder

    def snakemake(self, *arguments: str, overlays=("demo/config.yaml", "tiny.yaml"), check: bool = True, **options):
        """Run snakemake with two cores; returns the finished process with its output as text. ``options`` are those of subprocess."""
        options = {"cwd": self.folder, "env": environment(), **options}
        command = [sys.executable, "-m", "snakemake", "--configfile", *overlays, "--cores", "2", *AT_ONCE, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
        done.output = done.stdout + done.stderr
        if ran := os.environ.get("CELLFATE_RAN"):  # which rules the tests ran: make test says which they did not
            with open(ran, "a") as file:
                file.writelines(f"{rule}\n" for rule in re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)", done.output, re.MULTILINE))
        assert not check or done.returncode == 0, done.output[-6000:]
        return done

    def copy(self, folder: Path) -> "Project":
        """A copy with all results and Snakemake's records, modification times kept."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)

    def jobs(self, *arguments: str, **options) -> dict[str, int]:
        """How many jobs of each rule a dry run plans."""
        output = self.snakemake("-n", "--quiet", "rules", *arguments, **options).output
        counts = {}
        for line in output.splitlines():
            words = line.split()
            if len(words) == 2 and words[1].isdigit() and words[0] not in ("total", "all", "main"):
                counts[words[0]] = int(words[1])
        return counts

    def slurm_groups(self, *arguments: str, **options) -> list[tuple[str, list[str]]]:
        """The groups that a dry run plans for SLURM: the name of each, and the messages of its jobs, sorted."""
        output = self.snakemake("-n", "--profile", "slurm", *arguments, **options).output
        groups = []
        for line in output.splitlines():
            if found := re.match(r"\[.*\] Group job (\w+)", line):
                groups.append((found[1], []))
            elif found := re.match(r" +Job \d+: (.*)", line):
                groups[-1][1].append(found[1])
        return sorted((name, sorted(messages)) for name, messages in groups)

    def write_sheet(self, name: str, rows: list[dict]) -> None:
        lines = ["\t".join(HEADER)] + ["\t".join(str(row.get(column, "")) for column in HEADER) for row in rows]
        (self.folder / name).write_text("\n".join(lines) + "\n")

    def write_config(self, name: str, config: dict) -> None:
        (self.folder / name).write_text(yaml.safe_dump(config))


def environment() -> dict[str, str]:
    """The environment without what the calling snakemake or pytest put into it."""
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTEST_CURRENT_TEST")}


def tiny_rows(n: int, dataset: str = "tiny") -> list[dict]:
    return [
        {
            "recording": f"r{i}",
            "images": f"resources/{dataset}/images/r{i}",
            "tracks": f"resources/{dataset}/annotations/r{i}.json",
            "tracks_format": "coco-video",
            "treatment": "cisplatin",
            "dose": "high",
            "treatment_start_h": 1,
            "frame_interval_min": 30,
            "channels": "circadian,p53,cell_cycle",
        }
        for i in range(n)
    ]


def measured_features(project: Project) -> None:
    """Features of all tracks as if they were measured: the tiny network finds too few regions for any states."""
    trajectories = pd.read_parquet(project.folder / "results/tiny/corrected/trajectories.parquet")
    rng = np.random.default_rng(0)
    for recording, tracks in trajectories[trajectories["usable"]].groupby("recording"):
        rows = [(recording, t.track_id, frame) for t in tracks.itertuples() for frame in range(t.first_frame, t.last_frame + 1)]
        table = pd.DataFrame(rows, columns=["recording", "track_id", "frame"])
        shape = ["area", "perimeter", "eccentricity", "equivalent_diameter_area", "solidity", "circularity"]
        table[[*shape, *(f"intensity_mean-{name}" for name in ("circadian", "p53", "cell_cycle"))]] = rng.random((len(table), 9))
        path = project.folder / f"results/tiny/features/centre/{recording}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        table.assign(n_neighbors=0).to_parquet(path)


def copy_project(folder: Path) -> Project:
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(source, folder / part)
    project = Project(folder)
    project.write_config("tiny.yaml", TINY)
    project.write_sheet("tiny.tsv", tiny_rows(4))
    return project
