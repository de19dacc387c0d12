"""Reading trajectories.

Published: a pickle of float32 crops for each cell, augmented by the process that reads. Ours: compressed counts of the crop file; for a GPU
they stay counts, which it scales and augments itself, on a CPU the reading process does. On a GPU's machine all cores but one read, and the
figure is wall time; it is to stay below that of training (8,000 frames/s).
"""

import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from benchmarks.speed.measure import Point, Row, Settings, interleaved, peak_mb

STEP = "reading"
GOAL = {"ours_goal": 0.125}
TIMES = {"cpu": 6, "cuda": 24}  # how often the trajectories are there


def ways_of(folder: Path, device: str, lengths: Sequence[int] = ()) -> tuple[Callable[[], int], Callable[[], int]]:
    """Read one epoch's draws the published way and ours; each gives the number of frames that came."""
    import numpy as np
    import pandas as pd
    from torch.utils.data import DataLoader

    from benchmarks.speed.inputs import CHANNELS
    from benchmarks.speed.networks import SCALING, trajectories
    from benchmarks.speed.training import AUGMENTATION
    from cellfate.crops.crop_set import CropSet
    from cellfate.training.augmentation import AugmentationSettings
    from cellfate.training.dataset import TrajectoryDataset, collate
    from cellfate.training.samplers import BalancedSampler, Draw
    from cellfate.training.train import loader

    counts = [crops.numpy() for crops in trajectories("cpu", lengths)] * (1 if lengths else TIMES[device])
    write_crops(folder / "r.h5", counts, CHANNELS)
    for i, crops in enumerate(counts):
        (folder / f"{i}.pkl").write_bytes(pickle.dumps(crops.astype(np.float32)))
    columns = {"recording": "r", "track_id": range(len(counts)), "first_frame": 0, "last_frame": [len(crops) - 1 for crops in counts]}
    table = pd.DataFrame(columns).assign(trajectory=lambda t: "r/" + t["track_id"].astype(str), label=lambda t: t["track_id"] % 2)
    augmentation = AugmentationSettings(**AUGMENTATION)
    dataset = TrajectoryDataset(table, CropSet([folder / "r.h5"]), SCALING, 112, augmentation, seed=1, cache=False)

    class Pickles(TrajectoryDataset):
        def counts(self, item: Draw) -> tuple:
            _, seed, row = item.row, (2, self.seed, item.epoch, item.place), self.rows[item.row]
            return pickle.loads((folder / f"{item.row}.pkl").read_bytes()), seed, row

    sampler = BalancedSampler(table["label"].to_numpy(), seed=1)
    workers = os.cpu_count() - 1 if device == "cuda" else 0
    pickles = Pickles(table, CropSet([folder / "r.h5"]), SCALING, 112, augmentation, seed=1, cache=False)
    kept = {"prefetch_factor": 4, "persistent_workers": True} if workers else {}
    slow = DataLoader(pickles, 4, sampler=sampler, num_workers=workers, collate_fn=collate, pin_memory=device == "cuda", **kept)
    fast = loader(dataset, 4, workers, sampler, on_gpu=device == "cuda")
    for draw in list(sampler)[:4]:
        assert (pickles[draw].frames - dataset[draw].frames).abs().max() < 1e-4
    return (lambda: sum(int(batch.lengths.sum()) for batch in slow)), (lambda: sum(_frames(batch) for batch in fast))


def _frames(batch: object) -> int:
    return sum(map(len, batch.crops)) if hasattr(batch, "crops") else int(batch.lengths.sum())


def write_crops(path: Path, counts: list, channels: list[str]) -> None:
    """A crop file of these trajectories, compressed as extract_crops does."""
    import json

    import h5py
    import numpy as np

    from cellfate.crops.extraction import COMPRESSION

    lengths = np.array([len(crops) for crops in counts])
    stops = lengths.cumsum()
    with h5py.File(path, "w") as file:
        file.create_dataset("crops", data=np.concatenate(counts), chunks=(8, *counts[0].shape[1:]), **COMPRESSION)
        file["frame"] = np.concatenate([np.arange(n, dtype=np.int32) for n in lengths])
        file["track_id"], file["start"], file["stop"] = np.arange(len(counts)), stops - lengths, stops
        file["event_frame"], file["background"] = np.full(len(counts), -1), np.zeros((max(lengths), len(channels)), np.float32)
        file["y"] = file["x"] = np.zeros(stops[-1])
        file.attrs.update(recording="r", channels=json.dumps(channels), crop_size=counts[0].shape[-1])


def rows(settings: Settings) -> Iterator[Row]:
    from benchmarks.speed.networks import unmeasured

    device = settings.device
    text = "1,000 frames of 112 x 112, augmented on reading"
    with TemporaryDirectory() as name:
        published, ours = ways_of(Path(name), device)
        n_frames = published()
        assert ours() == n_frames
        clock = time.perf_counter if device == "cuda" else time.process_time
        times = [1000 * seconds / n_frames for seconds in interleaved([published, ours], settings.repeats, clock)]
        memory = [nan, nan] if device == "cuda" else [peak_mb(way) for way in (published, ours)]
    if device == "cuda":
        text = f"1,000 frames of 112 x 112, {os.cpu_count() - 1} processes"
    note = f"{1000 / times[0]:,.0f} and {1000 / times[1]:,.0f} frames/s"
    shown = {"equal": "within 1e-4", "device": device, "note": note, "published_mb": memory[0], "ours_mb": memory[1]}
    yield Row(STEP, "read", text, *times, **shown, **GOAL if device == "cuda" else {})
    if device == "cpu":
        yield unmeasured(STEP, "read", "1,000 frames of 112 x 112, all cores but one", **GOAL)


def growth(settings: Settings) -> Iterator[Point]:
    from benchmarks.speed.networks import growth_of

    if settings.device == "cpu":  # many processes need more than a few trajectories
        with TemporaryDirectory() as name:
            yield from growth_of(STEP, "cpu", lambda lengths: ways_of(Path(mkdtemp(dir=name)), "cpu", lengths))
