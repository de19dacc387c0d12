"""Whole frames segmented and cells tracked on simulated recordings, against the truth, with the Cell Tracking Challenge's metrics.

Recordings are of the demo's size, half of them treated. Masks are the true ones, or those of the small Cellpose network that is
trained on simulated fields; some true cells are left out and false ones put in for a third condition. Cells are linked without
divisions, with all divisions that laptrack finds ("raw"), and with those that pass the filter. Printed per condition: mean and
standard deviation over recordings of DET, SEG, TRA, LNK, complete tracks (CT), division F1, CHOTA, and seconds of segmenting and
linking.

Run: PYTHONPATH=src .venv/bin/python benchmarks/tracking.py [recordings] [folder for the table] [weights]
Without weights the network is trained; with - nothing is segmented.
"""

import sys
import time
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import yaml

from cellfate.frames.formats import open_frames
from cellfate.segmentation.detections import FrameMasks, measure_cells, writing_frame_masks
from cellfate.segmentation.frames import segment_frames
from cellfate.simulation.cellpose_training import train_network
from cellfate.simulation.files import read_true_masks, write_simulated_recording
from cellfate.simulation.settings import CHANNELS
from cellfate.tracks.linking import TrackingSettings, track_cells
from cellfate.tracks.quality import assess_tracking
from cellfate.tracks.raw import RecordingFacts
from cellfate.truth.tracking import score_simulated

FIRST_SEED = 501  # no recording, no network and no test has these seeds
TRACKING = yaml.safe_load((Path(__file__).resolve().parent.parent / "config.yaml").read_text())["tracking"]
DEFAULT = TrackingSettings(**{field.name: TRACKING[field.name] for field in fields(TrackingSettings)})
TRACKERS = {
    "no divisions": replace(DEFAULT, divisions=False),
    "raw": replace(DEFAULT, filter_divisions=False),
    "filtered": DEFAULT,
}
MISSED, FALSE = 0.05, 0.02  # of the cells, in the condition with errors
FAST = 6.0  # pixels per frame, in the condition with large steps; the simulator's cells walk 1
SETTINGS = {
    "diameter": 36,
    "flow_threshold": 0.4,
    "cellprob_threshold": 0.0,
    "min_area": 100,
    "batch_size": 2,
    "device": "cpu",
    "threads": 1,
}


def simulate(folder: Path, number: int, speed: float = 1.0) -> tuple[Path, Path]:
    """Frames and truth of one recording, the even ones treated."""
    name = f"r{number}-{speed:g}"
    images, truth = folder / name, folder / f"{name}.h5"
    drug = ("cisplatin", "medium", 10.0) if number % 2 == 0 else (None, None, None)
    write_simulated_recording(images, folder / f"{name}.json", truth, name, {"speed": speed}, FIRST_SEED + number, *drug, 30.0)
    return images, truth


def write_true_masks(truth: Path, path: Path, missed: float = 0.0, false: float = 0.0, seed: int = 0) -> None:
    """The true masks as a file of frame masks; cells left out, and discs of 16 px put in, at random."""
    rng = np.random.default_rng(seed)
    labels = read_true_masks(truth)
    rows, columns = np.mgrid[: labels.shape[1], : labels.shape[2]]
    with writing_frame_masks(path, len(labels), labels.shape[1:], {}) as writer:
        for image in labels:
            names = np.unique(image[image > 0])
            kept = np.where(np.isin(image, names[rng.random(len(names)) < missed]), 0, image)
            for extra in range(rng.binomial(len(names), false)):
                y, x = rng.uniform(0, labels.shape[1:])
                kept[((rows - y) ** 2 + (columns - x) ** 2 < 64) & (kept == 0)] = labels.max() + 1 + extra
            writer.add(kept)


def score(condition: str, truth: Path, masks: Path, seconds: float) -> list[dict]:
    rows = []
    with FrameMasks(masks) as file:
        facts = RecordingFacts("r", file.n_frames, file.shape)
    cells = measure_cells(masks)
    for name, settings in TRACKERS.items():
        start = time.perf_counter()
        tracks, _ = track_cells(cells, masks, facts, settings=settings, edited=None)
        linking = time.perf_counter() - start
        quality = assess_tracking(tracks, facts.n_frames, 30, settings.max_step, 12).iloc[0]
        scores = score_simulated(truth, masks, tracks)
        rows.append(
            {
                "masks": condition,
                "tracker": name,
                **scores,
                "median step": quality["median_step"],
                "segmentation s": seconds,
                "linking s": linking,
            }
        )
    return rows


def main(n: int, out: Path, weights: Path | None) -> None:
    rows = []
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        network = weights != Path("-")
        if weights is None:
            weights = folder / "network"
            train_network(weights, FIRST_SEED - 1, threads=1)
        for number in range(n):
            images, truth = simulate(folder, number)
            masks = folder / "masks.h5"
            write_true_masks(truth, masks)
            rows += score("true masks", truth, masks, np.nan)
            if network:
                start = time.perf_counter()
                segment_frames(open_frames(images, CHANNELS), weights, masks, recording="r", channel="p53", **SETTINGS)
                rows += score("network", truth, masks, time.perf_counter() - start)
            write_true_masks(truth, masks, MISSED, FALSE, number)
            rows += score(f"{MISSED:.0%} missed, {FALSE:.0%} false", truth, masks, np.nan)
            _, truth = simulate(folder, number, FAST)
            write_true_masks(truth, masks, MISSED, FALSE, number)
            rows += score("the same, fast cells", truth, masks, np.nan)
            table = pd.DataFrame(rows)
            table.to_csv(out / "tracking.csv", index=False)  # after each recording: the run is long
            print(f"{number + 1} of {n} recordings", file=sys.stderr, flush=True)
    print(f"{n} recordings; mean (standard deviation) over recordings")
    conditions = table.groupby(["masks", "tracker"], sort=False)
    shown = conditions.agg(lambda values: f"{values.mean():.3f} ({values.std():.3f})" if values.notna().any() else "")
    print(shown.to_string())


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 8,
        Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent / "results",
        Path(sys.argv[3]) if len(sys.argv) > 3 else None,
    )
