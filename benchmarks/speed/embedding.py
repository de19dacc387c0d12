"""Embedding of frames.

Published: one trajectory at a time, in full precision. Ours: blocks of frames from as many trajectories as it takes, in channels-last
memory order; on a GPU also with `fast.yaml`: bf16, a compiled ResNet. Crops lie in memory as they were read; reading them is measured
apart (Reading trajectories). Per 1,000 frames of 112 x 112.
"""

from collections.abc import Callable, Iterator, Sequence
from math import nan

from benchmarks.speed.measure import Point, Row, Settings, Share

STEP = "embedding"
FAST = {"batch_size": 1024, "precision": "bf16-mixed", "channels_last": True, "compile": True}
LADDER = {
    "cpu": {"blocks of 64": {"batch_size": 64}, "+ channels-last (the default)": {"batch_size": 64, "channels_last": True}},
    "cuda": {
        "blocks of 1,024": {"batch_size": 1024},
        "+ bf16": {"batch_size": 1024, "precision": "bf16-mixed"},
        "+ channels-last": {"batch_size": 1024, "precision": "bf16-mixed", "channels_last": True},
        "+ compiled (fast.yaml)": FAST,
    },
}
FRAMES = 258  # thousands in the validation and test trajectories of the published data, at 60 each
MEASURED: dict[str, float] = {}  # s for 1,000 frames, by rows, for full_run
GOAL = {"ours_goal": 0.05, "ratio_goal": 1.0}  # 20,000 frames/s


def way_of(
    counts: list, device: str, batch_size: int, precision: str = "32-true", channels_last: bool = False, compile: bool = False
) -> Callable:
    import numpy as np
    import torch

    from benchmarks.speed.networks import SCALING, network
    from cellfate.model.embedding import embed_trajectories, fast_model

    model = fast_model(network(device), channels_last, compile)
    numbers = [torch.arange(len(crops)) for crops in counts]

    def way() -> np.ndarray:
        pairs = zip(numbers, counts, strict=True)
        found = embed_trajectories(model, pairs, SCALING, batch_size=batch_size, precision=precision, channels_last=channels_last)
        return np.concatenate([embeddings for _, embeddings in found])

    return way


def published_way(counts: list, device: str) -> Callable:
    """Each trajectory by itself, as it is, float32."""
    import numpy as np
    import torch

    from benchmarks.speed.networks import SCALING, network
    from cellfate.model.inputs import prepare

    model = network(device)

    def way() -> np.ndarray:
        with torch.inference_mode():
            return np.concatenate([model.embed(prepare(crops.to(device), SCALING)).cpu().numpy() for crops in counts])

    return way


def rows(settings: Settings) -> Iterator[Row]:
    import numpy as np

    from benchmarks.speed.networks import NETWORK, peak, timed, trajectories, unmeasured

    device = settings.device
    counts = trajectories(device) * (16 if device == "cuda" else 2)
    thousands = sum(map(len, counts)) / 1000
    text = f"1,000 frames of 112 x 112; {NETWORK[device]}"
    published = published_way(counts, device)
    expected = published()
    for name, options in LADDER[device].items():
        ours = way_of(counts, device, **options)
        error = float(np.sqrt(np.mean((ours() - expected) ** 2)) / expected.std())
        assert error < (0.05 if "precision" in options or device == "cuda" else 1e-4), error  # a GPU's fp32 convolutions are TF32
        times = [seconds / thousands for seconds in timed([published, ours], settings)]
        note = f"{1 / times[0] * 1000:,.0f} and {1 / times[1] * 1000:,.0f} frames/s"
        fits = GOAL if options is FAST else {}
        equal = f"differs by {error:.0e} of the spread (rms)"
        memory = [peak(way, device) for way in (published, ours)]
        shown = {"equal": equal, "device": device, "note": note, "published_mb": memory[0], "ours_mb": memory[1]}
        yield Row(STEP, f"embed, {name}", text, *times, **shown, **fits)
        if fits:
            MEASURED.update(published=times[0], ours=times[1])
    if device == "cpu":
        yield unmeasured(STEP, "embed, fast.yaml", "1,000 frames of 112 x 112; the paper's network", **GOAL)


def growth(settings: Settings) -> Iterator[Point]:
    from benchmarks.speed.networks import growth_of, trajectories

    device = settings.device
    options = list(LADDER[device].values())[-1] | {"compile": False}  # which takes a minute for each size

    def ways(lengths: Sequence[int]) -> list[Callable]:
        counts = trajectories(device, lengths)
        return [published_way(counts, device), way_of(counts, device, **options)]

    yield from growth_of(STEP, device, ways)


def full_run(settings: Settings) -> Iterator[Share]:
    yield Share(STEP, "1,000 frames", FRAMES, MEASURED.get("ours", nan), MEASURED.get("published", nan), on="gpu")
