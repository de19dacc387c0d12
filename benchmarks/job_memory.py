"""Peak memory of each job of one recording of the published size: 186 frames of 1024 x 1024 pixels, three colours, 16 bit.

The frames are blurred discs on camera noise, compressed (about 0.9 GB in a temporary folder that is removed again). Every
frame of 100 tracks is cut; two held-out tracks are segmented by a network of the size of Cellpose's cyto3 with random weights,
made here: the memory is that of the real one, the masks are nonsense. Each rule runs by itself through the real Snakefile; the
number is the largest resident size of any process below it.

Run: PYTHONPATH=src .venv/bin/python benchmarks/job_memory.py
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile
import torch
import yaml
from cellpose.resnet_torch import CPnet
from planning import COLUMNS, ROOT

FRAMES, SIZE, CHANNELS, TRACKS = 186, 1024, 3, 100
RADIUS = 18  # pixels
WIDTHS = [2, 32, 64, 128, 256]  # of cyto3
TARGETS = {
    "read_tracks": "results/memory/tracks/big.parquet",
    "extract_crops": "results/memory/crops/big.h5",
    "segment_cells": "results/memory/masks/centre/big.h5",
    "measure_features": "results/memory/features/centre/big.parquet",
}
SETTINGS = {
    "dataset": "memory",
    "recordings": "sheet.tsv",
    "source": {"kind": "local"},
    "split": {"unit": "track", "fractions": [0.96, 0.02, 0.02]},
    "segmentation": {"model": "./weights.pt"},
    "evaluation": {"treatment": None},
}


def write_recording(folder: Path, rng: np.random.Generator) -> None:
    """Frames, tracks that walk at random, and an outcome for each track, half of them mitosis."""
    (folder / "frames").mkdir()
    places = rng.uniform(60, SIZE - 60, (TRACKS, 2))
    rows = ["track_id,frame,y,x"]
    square = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    disc = (2000 * np.clip(1 - (square**2).sum(axis=0) / RADIUS**2, 0, None) ** 0.5).astype(np.uint16)
    for frame in range(FRAMES):
        image = (400 + 8 * rng.standard_normal((SIZE, SIZE, CHANNELS), np.float32)).astype(np.uint16)
        places = np.clip(places + rng.normal(0, 1, places.shape), RADIUS + 1, SIZE - RADIUS - 2)
        for track, (y, x) in enumerate(places):
            top, left = int(y) - RADIUS, int(x) - RADIUS
            image[top : top + len(disc), left : left + len(disc)] += disc[..., None]
            rows.append(f"{track},{frame},{y:.1f},{x:.1f}")
        tifffile.imwrite(folder / f"frames/t{frame:03d}.tif", image, compression="zlib", compressionargs={"level": 1})
    (folder / "tracks.csv").write_text("\n".join(rows) + "\n")
    fates = [f"{track},{'mitosis' if track % 2 else 'apoptosis'},{FRAMES}" for track in range(TRACKS)]
    (folder / "tracks_outcomes.csv").write_text("\n".join(["track_id,outcome,event_frame", *fates]) + "\n")


def write_project(folder: Path) -> None:
    for path in ROOT.iterdir():
        if path.name not in ("results", "resources", "logs", ".snakemake", ".git"):
            (folder / path.name).symlink_to(path)
    torch.manual_seed(1)
    torch.save(CPnet(WIDTHS, 3, sz=3).state_dict(), folder / "weights.pt")
    row = ["big", "frames", "tracks.csv", "csv", "none", "30", "circadian,p53,cell_cycle"]
    (folder / "sheet.tsv").write_text("\t".join(COLUMNS) + "\n" + "\t".join(row) + "\n")
    (folder / "memory.yaml").write_text(yaml.safe_dump(SETTINGS))
    write_recording(folder, np.random.default_rng(1))


def measure(folder: Path, target: str) -> tuple[float, float]:
    """Peak GB and seconds of making one file, by a process of its own that reports the largest of its descendants."""
    command = [sys.executable, __file__, "measure", target]
    start = time.monotonic()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return float(done.stdout.splitlines()[-1]), time.monotonic() - start


def run_and_report(target: str) -> None:
    snakemake = [sys.executable, "-m", "snakemake", "--configfile", "memory.yaml", "--cores", "1", "--", target]
    subprocess.run(snakemake, check=True)
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(folder)
        size = sum(path.stat().st_size for path in folder.glob("frames/*")) / 1e9
        print(f"{FRAMES} frames of {SIZE} x {SIZE} x {CHANNELS}, 16 bit, {size:.1f} GB compressed, {TRACKS} tracks")
        print(f"{'rule':<18}{'peak memory':>12}{'time':>9}")
        for rule, target in TARGETS.items():
            if rule == "segment_cells":
                measure(folder, "results/memory/corrected/split.parquet")
            peak, seconds = measure(folder, target)
            print(f"{rule:<18}{peak:>9.2f} GB{seconds:>7.0f} s", flush=True)


if __name__ == "__main__":
    run_and_report(sys.argv[2]) if sys.argv[1:2] == ["measure"] else main()
