"""Peak memory of each job of one recording of the published size: 186 frames of 1024 x 1024 pixels, three colours, 16 bit.

The frames are blurred discs on camera noise, compressed (about 0.9 GB in a temporary folder that is removed again). Every
frame of 100 tracks is cut; two held-out tracks are segmented by a network of the size of Cellpose's cyto3 with random weights,
made here: the memory is that of the real one, the masks are nonsense. Whole frames are segmented by the same network and
registered, two of them only, as no more are in memory at a time; the cells that are linked are the true discs. The model
that predicts has the size of the paper's and random weights; it sees 8 of the tracks, with a value every 31 frames. Each rule
runs by itself through the real Snakefile; the number is the largest resident size of any process below it. That size counts pages of
files too (libraries, weights that are mapped and not read), which the system takes back when memory is short: with --limit each rule
runs, Snakemake included, in a memory cgroup of so many GB, as SLURM makes one for a job, and has to end in it. Needs Linux and root.

Run: PYTHONPATH=src .venv/bin/python benchmarks/job_memory.py [--limit 1.5] [rules; all when left out, each needs those before it]
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
import torch
import yaml
from cellpose.resnet_torch import CPnet
from planning import COLUMNS, ROOT

from cellfate.model.calibration import Calibration, save_calibration
from cellfate.model.network import FateModel, ModelSettings
from cellfate.model.saved.folder import save_model
from cellfate.segmentation.detections import writing_frame_masks

CGROUPS = Path("/sys/fs/cgroup")
FRAMES, SIZE, CHANNELS, TRACKS = 186, 1024, 3, 100
WHOLE, PREDICTED = 2, 8  # frames, tracks
RADIUS = 18  # pixels
WIDTHS = [2, 32, 64, 128, 256]  # of cyto3
NAMES = ["circadian", "p53", "cell_cycle"]
TARGETS = {  # the rule -> its settings file and what it makes
    "read_tracks": ("memory.yaml", "results/memory/tracks/big.parquet"),
    "extract_crops": ("memory.yaml", "results/memory/crops/big.h5"),
    "segment_cells": ("memory.yaml", "results/memory/masks/centre-corrected/big.h5"),
    "measure_features": ("memory.yaml", "results/memory/features/centre-corrected/big.parquet"),
    "segment_frames": ("new.yaml", "results/new/frame_masks/few.h5"),
    "register_drift": ("drift.yaml", "results/new/drift/few.csv"),
    "track_cells": ("new.yaml", "results/new/tracks/untracked.parquet"),
    "assess_tracking": ("new.yaml", "results/new/tracking/untracked.qc.csv"),
    "plot_tracking": ("new.yaml", "results/new/tracking/untracked.png"),
    "embed_recording": ("new.yaml", "results/new/predictions/tracked.embeddings.h5"),
    "predict_recording": ("new.yaml", "results/new/predictions/tracked.parquet"),
    "write_viewer_images": ("new.yaml", "results/new/predictions/tracked.images.zarr"),
    "export_predictions": ("new.yaml", "results/new/predictions/tracked.geff"),
    "plot_predictions": ("new.yaml", "results/new/predictions/tracked.png"),
}
BEFORE = {  # what a rule needs besides, made unmeasured
    "segment_cells": "results/memory/corrected/split.parquet",
    "embed_recording": "results/new/tracks/tracked.parquet",
}
SETTINGS = {
    "dataset": "memory",
    "recordings": "sheet.tsv",
    "source": {"kind": "local"},
    "split": {"unit": "track", "fractions": [0.96, 0.02, 0.02]},
    "segmentation": {"model": "./weights.pt"},
    "evaluation": {"treatment": None},
}
NEW = {
    "dataset": "new",
    "recordings": "new.tsv",
    "source": {"kind": "local"},
    "segmentation": {"model": "./weights.pt"},
    "prediction": {"model": "model", "every": 31},
}
DRIFT = NEW | {"registration": {"method": "phase_cross_correlation", "channel": "p53"}}


def write_recording(folder: Path, rng: np.random.Generator) -> None:
    """Frames, tracks that walk at random, an outcome for each track, half of them mitosis, and the discs as masks of whole frames."""
    (folder / "frames").mkdir()
    (folder / "results/new/frame_masks").mkdir(parents=True)
    places = rng.uniform(60, SIZE - 60, (TRACKS, 2))
    rows = ["track_id,frame,y,x"]
    square = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    disc = (2000 * np.clip(1 - (square**2).sum(axis=0) / RADIUS**2, 0, None) ** 0.5).astype(np.uint16)
    with writing_frame_masks(folder / "results/new/frame_masks/untracked.h5", FRAMES, (SIZE, SIZE), {}) as masks:
        for frame in range(FRAMES):
            image = (400 + 8 * rng.standard_normal((SIZE, SIZE, CHANNELS), np.float32)).astype(np.uint16)
            labels = np.zeros((SIZE, SIZE), np.int32)
            places = np.clip(places + rng.normal(0, 1, places.shape), RADIUS + 1, SIZE - RADIUS - 2)
            for track, (y, x) in enumerate(places):
                box = np.s_[int(y) - RADIUS : int(y) + RADIUS + 1, int(x) - RADIUS : int(x) + RADIUS + 1]
                image[box] += disc[..., None]
                labels[box][disc > 0] = track + 1
                rows.append(f"{track},{frame},{y:.1f},{x:.1f}")
            tifffile.imwrite(folder / f"frames/t{frame:03d}.tif", image, compression="zlib", compressionargs={"level": 1})
            masks.add(labels)
    few = [rows[0], *(row for row in rows[1:] if int(row.split(",")[0]) < PREDICTED)]
    (folder / "tracks.csv").write_text("\n".join(rows) + "\n")
    (folder / "few_tracks.csv").write_text("\n".join(few) + "\n")
    fates = [f"{track},{'mitosis' if track % 2 else 'apoptosis'},{FRAMES}" for track in range(TRACKS)]
    (folder / "tracks_outcomes.csv").write_text("\n".join(["track_id,outcome,event_frame", *fates]) + "\n")
    (folder / "same_frames").symlink_to(folder / "frames")  # no two recordings may name the same folder
    (folder / "few_frames").mkdir()
    for frame in range(WHOLE):
        (folder / f"few_frames/t{frame:03d}.tif").symlink_to(folder / f"frames/t{frame:03d}.tif")


def write_model(folder: Path) -> None:
    """A model of the size of the paper's, as export_model leaves it."""
    model = FateModel(ModelSettings(channels=CHANNELS, **yaml.safe_load((ROOT / "config.yaml").read_text())["model"]))
    scaling = {"mode": "corrected", "divisor": 1.0, "mean": [400.0] * CHANNELS, "std": [100.0] * CHANNELS, "channels": NAMES}
    outcomes = {"negative": "apoptosis", "positive": "mitosis"}
    settings = {"channels": NAMES, "crop_size": 112, "scaling": scaling, "outcomes": outcomes, "fold": 0}
    save_model(folder, model, {**settings, "frame_intervals_min": [30.0], "pixel_sizes_um": []})
    calibration = Calibration("temperature", "", 1.0, first_frames=10, last_frames=FRAMES, prior=0.5, n_negative=10, n_positive=10)
    save_calibration(calibration, folder / "calibration.json")


def write_project(folder: Path) -> None:
    for path in ROOT.iterdir():
        if path.name not in ("results", "resources", "logs", ".snakemake", ".git"):
            (folder / path.name).symlink_to(path)
    torch.manual_seed(1)
    torch.save(CPnet(WIDTHS, 3, sz=3).state_dict(), folder / "weights.pt")
    write_model(folder / "model")
    rows = {
        "sheet.tsv": [["big", "frames", "tracks.csv", "csv"]],
        "new.tsv": [["untracked", "frames", "", ""], ["few", "few_frames", "", ""], ["tracked", "same_frames", "few_tracks.csv", "csv"]],
    }
    for name, recordings in rows.items():
        lines = [COLUMNS, *([*row, "none", "30", ",".join(NAMES)] for row in recordings)]
        (folder / name).write_text("\n".join("\t".join(line) for line in lines) + "\n")
    (folder / "memory.yaml").write_text(yaml.safe_dump(SETTINGS))
    (folder / "new.yaml").write_text(yaml.safe_dump(NEW))
    (folder / "drift.yaml").write_text(yaml.safe_dump(DRIFT))
    write_recording(folder, np.random.default_rng(1))


@contextlib.contextmanager
def memory_cgroup(limit: float | None) -> Iterator[Path | None]:
    """A new cgroup of at most ``limit`` GB, version 1 or 2, or none; yields the file to which a process writes its number to join."""
    if limit is None:
        yield None
        return
    first = CGROUPS / "memory"
    folder = (first if first.exists() else CGROUPS) / f"cellfate-{os.getpid()}"
    folder.mkdir()
    try:
        (folder / ("memory.limit_in_bytes" if first.exists() else "memory.max")).write_text(str(int(limit * 1e9)))
        yield folder / "cgroup.procs"
    finally:
        folder.rmdir()


def measure(folder: Path, settings: str, target: str, limit: float | None = None) -> tuple[float, float]:
    """Peak GB and seconds of making one file."""
    snakemake = [sys.executable, "-m", "snakemake", "--configfile", settings, "--cores", "1", "--", target]
    start = time.monotonic()
    command = [sys.executable, str(Path(__file__).with_name("peak_memory.py")), *snakemake]
    with memory_cgroup(limit) as members:
        if members:
            command = ["sh", "-c", f'echo $$ > {members} && exec "$@"', "sh", *command]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return float(done.stdout.splitlines()[-1]), time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rules", nargs="*", default=list(TARGETS))
    parser.add_argument("--limit", type=float, help="GB that a job may use")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(folder)
        size = sum(path.stat().st_size for path in folder.glob("frames/*")) / 1e9
        print(f"{FRAMES} frames of {SIZE} x {SIZE} x {CHANNELS}, 16 bit, {size:.1f} GB compressed, {TRACKS} tracks")
        print(f"{'rule':<18}{'peak memory':>12}{'time':>9}", flush=True)
        for rule in options.rules:
            settings, target = TARGETS[rule]
            if rule in BEFORE:
                measure(folder, settings, BEFORE[rule])
            peak, seconds = measure(folder, settings, target, options.limit)
            print(f"{rule:<18}{peak:>9.2f} GB{seconds:>7.0f} s", flush=True)


if __name__ == "__main__":
    main()
