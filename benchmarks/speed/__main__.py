"""python -m benchmarks.speed [steps]: run the steps, print their ratios, write docs/benchmarks.md."""

import argparse
import importlib
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from benchmarks.speed import STEPS, page
from benchmarks.speed.measure import Point, Row, Settings, Share

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results/benchmarks/speed"
GPU_RESULTS = Path(__file__).parent / "gpu"
KINDS = {"rows": Row, "growth": Point, "full_run": Share}


def machine() -> str:
    """Processor, cores and GPU of this machine."""
    names = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores, {gpu() or 'no GPU'}"


def gpu() -> str:
    """The name of the GPU, empty where there is none."""
    try:
        done = subprocess.run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.splitlines()[0] if done.stdout else ""


def commit() -> str:
    """The commit that is measured; ``+`` after it where files differ from it."""
    described = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(described, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def run_step(step: str, settings: Settings, results: Path) -> None:
    """Measure one step in this process and write its tables into the folder ``results``."""
    module = importlib.import_module(f"benchmarks.speed.{step}")
    where = {"machine": machine(), "commit": commit(), "date": datetime.now(UTC).strftime("%Y-%m-%d")}
    results.mkdir(parents=True, exist_ok=True)
    for kind, made in KINDS.items():
        if not hasattr(module, kind):
            continue
        records = []
        for record in getattr(module, kind)(settings):
            records.append(asdict(record) | where)
            print(page.in_words(record), flush=True)
        columns = [field.name for field in fields(made)] + list(where)
        pd.DataFrame(records, columns=columns).to_csv(results / f"{step}.{kind}.tsv", sep="\t", index=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("steps", nargs="*", help=f"of {', '.join(STEPS)}; all when left out")
    parser.add_argument("--repeats", type=int, default=Settings.repeats)
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="folder of the tables; with another than the default no page is written"
    )
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page from what was measured here and on a GPU")
    parser.add_argument("--here", action="store_true", help="measure one step in this process and write no page")
    arguments = parser.parse_args()
    if unknown := set(arguments.steps) - set(STEPS):
        parser.error(f"{', '.join(sorted(unknown))}: no such step, there are {', '.join(STEPS)}")
    if arguments.here:
        run_step(arguments.steps[0], Settings("cuda" if gpu() else "cpu", arguments.repeats), arguments.results)
        return
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    failed = []
    for step in () if arguments.page else arguments.steps or STEPS:
        start = time.monotonic()
        print(f"== {step}", flush=True)
        options = ["--repeats", str(arguments.repeats), "--results", str(arguments.results.resolve())]
        command = [sys.executable, "-m", "benchmarks.speed", "--here", *options, step]
        if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
            failed.append(step)
        print(f"   {time.monotonic() - start:.0f} s", flush=True)
    if arguments.results == RESULTS:
        page.write([RESULTS, GPU_RESULTS], ROOT / "docs/benchmarks.md", ROOT / "docs/images/benchmarks_growth.png")
    if failed:
        sys.exit(f"failed, so the page keeps what they had before: {', '.join(failed)}")


if __name__ == "__main__":
    main()
