"""Reading trajectories.

Published: a pickle of float32 crops for each cell, augmented by the process that reads. Ours: compressed counts of the crop file; for a GPU
they stay counts, which it scales and augments itself, on a CPU the reading process does. On a GPU's machine all cores but one read, and the
figure is wall time; it is to stay below that of training (8,000 frames/s). With `training.cache` the counts were read once and lie in
memory, and one process hands them on: wall time in both columns, with a copy into pinned memory or, without a GPU, into any.
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
CACHED_GOAL = {"ours_goal": 1 / 30}  # 30,000 frames/s
TIMES = {"cpu": 6, "cuda": 24}  # how often the trajectories are there


def ways_of(folder: Path, device: str, lengths: Sequence[int] = ()) -> tuple[Callable[[], int], Callable[[], int], Callable[[], int]]:
    """Read one epoch's draws the published way, ours, and ours from memory for a GPU; each gives the number of frames that came."""
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
    dataset, cached = (
        TrajectoryDataset(table, CropSet([folder / "r.h5"]), SCALING, 112, augmentation, seed=1, cache=cache) for cache in (False, True)
    )

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
    kept_ready = loader(cached, 4, 0, sampler, on_gpu=True)
    for draw in list(sampler)[:4]:
        assert (pickles[draw].frames - dataset[draw].frames).abs().max() < 1e-4
    published = lambda: sum(int(batch.lengths.sum()) for batch in slow)  # noqa: E731
    copied = _frames if device == "cuda" else _copied_frames  # a loader for a GPU has copied them already
    return published, lambda: sum(map(_frames, fast)), lambda: sum(map(copied, kept_ready))


def _frames(batch: object) -> int:
    return sum(map(len, batch.crops)) if hasattr(batch, "crops") else int(batch.lengths.sum())


def _copied_frames(batch: object) -> int:
    return sum(len(crops.clone()) for crops in batch.crops)


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
        published, ours, from_memory = ways_of(Path(name), device)
        n_frames = published()
        assert ours() == from_memory() == n_frames
        clock = time.perf_counter if device == "cuda" else time.process_time
        times = [1000 * seconds / n_frames for seconds in interleaved([published, ours], settings.repeats, clock)]
        in_memory = [1000 * seconds / n_frames for seconds in interleaved([published, from_memory], settings.repeats, time.perf_counter)]
        memory = [nan, nan] if device == "cuda" else [peak_mb(way) for way in (published, ours)]
    if device == "cuda":
        text = f"1,000 frames of 112 x 112, {os.cpu_count() - 1} processes"
    shown = {"equal": "within 1e-4", "device": device, "published_mb": memory[0], "ours_mb": memory[1]}
    yield Row(STEP, "read", text, *times, **shown, note=_rates(times), **GOAL if device == "cuda" else {})
    text = "1,000 frames of 112 x 112, one process hands on what is kept"
    shown = {"equal": "the same counts", "device": device, "note": _rates(in_memory)}
    yield Row(STEP, "read (training.cache)", text, *in_memory, **shown, **CACHED_GOAL if device == "cuda" else {})
    if device == "cpu":
        yield unmeasured(STEP, "read", "1,000 frames of 112 x 112, all cores but one", **GOAL)


def _rates(times: Sequence[float]) -> str:
    return f"{1000 / times[0]:,.0f} and {1000 / times[1]:,.0f} frames/s"


def growth(settings: Settings) -> Iterator[Point]:
    from benchmarks.speed.networks import growth_of

    if settings.device == "cpu":  # many processes need more than a few trajectories
        with TemporaryDirectory() as name:
            yield from growth_of(STEP, "cpu", lambda lengths: ways_of(Path(mkdtemp(dir=name)), "cpu", lengths)[:2])
