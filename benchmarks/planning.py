"""How long Snakemake plans a large data set: a dry run over simulated sheets of 30 and 300 recordings.

Seconds on the clock, and in brackets those of computing, which other work on the machine does not stretch. Nothing is computed,
and the frames are empty folders; the jobs are those of the default configuration.

Run: PYTHONPATH=src .venv/bin/python benchmarks/planning.py
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
COLUMNS = ["recording", "images", "tracks", "tracks_format", "treatment", "frame_interval_min", "channels"]
COUNTS = [30, 300]


def write_project(folder: Path, n: int) -> None:
    """The project as links, a sheet of ``n`` recordings with empty folders and tracks, Cellpose weights of no bytes."""
    for path in ROOT.iterdir():
        if path.name not in ("results", "resources", "logs", ".snakemake", ".git"):
            (folder / path.name).symlink_to(path)
    (folder / "weights.pt").touch()
    lines = ["\t".join(COLUMNS)]
    for i in range(n):
        images, tracks = folder / f"frames/r{i:03d}", folder / f"tracks/r{i:03d}.csv"
        for part in (images, tracks.parent):
            part.mkdir(parents=True, exist_ok=True)
        tracks.touch()
        lines.append("\t".join([images.name, str(images), str(tracks), "csv", "cisplatin", "30", "circadian,p53,cell_cycle"]))
    (folder / "sheet.tsv").write_text("\n".join(lines) + "\n")
    settings = {"dataset": "planning", "recordings": "sheet.tsv", "source": {"kind": "local"}, "segmentation": {"model": "./weights.pt"}}
    (folder / "planning.yaml").write_text(yaml.safe_dump(settings))


def plan(folder: Path, *arguments: str) -> tuple[str, int]:
    """Seconds of a dry run in words, and how many jobs it plans."""
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "--configfile", "planning.yaml", *arguments]
    start, computed = time.monotonic(), computing()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    words = f"{time.monotonic() - start:.1f} s ({computing() - computed:.1f} s)"
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return words, next(int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("total"))


def computing() -> float:
    """Seconds that all finished child processes computed."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    print(f"{'recordings':>10}  {'jobs':>5}  {'on this machine':>18}  {'--profile slurm':>18}")
    for n in COUNTS:
        with tempfile.TemporaryDirectory() as name:
            write_project(Path(name), n)
            seconds, jobs = plan(Path(name), "--cores", "2")
            grouped, _ = plan(Path(name), "--profile", "slurm")
        print(f"{n:>10}  {jobs:>5}  {seconds:>18}  {grouped:>18}", flush=True)


if __name__ == "__main__":
    main()
