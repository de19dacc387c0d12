"""What the steps of the network share: its size, its input, and clocks that wait for a GPU.

On a GPU the network has the paper's size. On a CPU it has an eighth of the paper's width in every layer, so that the ResNet and the
transformer keep their shares of the work, and a run takes minutes.
"""

import ctypes
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from benchmarks.speed.inputs import CHANNELS, CROP
from benchmarks.speed.measure import Point, Row, Settings, interleaved, peak_mb
from cellfate.model.network import FateModel, ModelSettings
from cellfate.model.scaling import Scaling

NARROWER = {"cpu": 8, "cuda": 1}
NETWORK = {"cpu": "an eighth of the paper's width", "cuda": "the paper's network"}
LENGTHS = (24, 40, 60, 90)  # frames; the published cohorts have half of the mitoses below 45 frames, most apoptoses above 50
SCALING = Scaling("corrected", 1.0, (1000.0,) * 3, (300.0,) * 3, tuple(CHANNELS))
NO_GPU = "unmeasured: needs a GPU, make bench-gpu measures it"
Way = Callable[[], object]
RUNS = {"cpu": 1, "cuda": 4}  # how often LENGTHS comes


def sizes(device: str, **changes: object) -> ModelSettings:
    narrower = NARROWER[device]
    paper = {"channels": 3, "block": "bottleneck", "layers": (3, 4, 6, 3), "width": 64 // narrower, "input_size": CROP, "encoder_layers": 8}
    paper |= {"encoder_heads": 4, "feedforward": 1024 // narrower, "dropout": 0.0, "positions": "end", "pad_through_backbone": False}
    return ModelSettings(**paper | changes)


def network(device: str) -> FateModel:
    """With random weights, and batch statistics of what it sees, in evaluation mode."""
    torch.manual_seed(0)
    with torch.device(device):
        model = FateModel(sizes(device))
    with torch.inference_mode():
        model.train().embed(torch.randn(16, 3, CROP, CROP, device=device))
    return model.eval()


def trajectories(device: str, lengths: Sequence[int] = ()) -> list[torch.Tensor]:
    """Crops (T, 3, 112, 112) in counts: a cell that brightens on camera noise. In page-locked memory where there is a GPU.

    One of each of ``lengths``, or ``LENGTHS`` as often as the device runs them.
    """
    lengths = lengths or LENGTHS * RUNS[device]
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:CROP, :CROP] - CROP / 2
    cell = 2000 * np.clip(1 - (y**2 + x**2) / 20**2, 0, None) ** 0.5
    noise = (1000 + 30 * rng.standard_normal((max(lengths), 3, CROP, CROP))).astype(np.float32)
    found = []
    for n in lengths:
        crops = noise[:n] + np.linspace(0, 1, n, dtype=np.float32)[:, None, None, None] * cell.astype(np.float32)
        counts = torch.from_numpy(crops.astype(np.uint16))
        found.append(counts.pin_memory() if device == "cuda" else counts)
    return found


def clock(device: str) -> Callable[[], float]:
    """Processor time; on a GPU the time of day, once the GPU has done all it was given."""
    if device == "cpu":
        return time.process_time

    def now() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return now


def timed(ways: Sequence[Callable[[], object]], settings: Settings) -> list[float]:
    """The time of each way, s. Both have run before, to compare what they give, and are warm."""
    return interleaved(ways, settings.repeats, clock(settings.device))


def peak(way: Callable[[], object], device: str) -> float:
    """The peak of memory above what is held before, MB: of the GPU, or of this process."""
    if device == "cpu":
        ctypes.CDLL(None).malloc_trim(0)  # gives back what earlier runs left free, which would hide a part of the peak
        return peak_mb(way)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    way()
    return (torch.cuda.max_memory_allocated() - before) / 1e6


def growth_of(step: str, device: str, ways_of: Callable[[Sequence[int]], Sequence[Way]], most: int = 96) -> Iterator[Point]:
    """Points of a published way and ours, which ``ways_of`` makes for trajectories of the lengths that it gets.

    Four trajectories, the longest of up to ``most`` frames, and up to eight (cells) of 12 and 24 frames. Each way runs once before it is
    measured.
    """
    sizes = [("frames", n, (n // 4, n // 2, 3 * n // 4, n)) for n in (24, 48, most)]
    sizes += [("cells", n, (12, 24) * (n // 2)) for n in (2, 4, 8)]
    for axis, size, lengths in sizes:
        ways = ways_of(lengths)
        for way in ways:
            way()
        for way, seconds in zip(("published", "ours"), interleaved(ways, 1, clock(device)), strict=True):
            yield Point(step, axis, size, way, seconds, device=device)


def unmeasured(step: str, what: str, text: str, **goals: float) -> Row:
    """The row of a GPU that is not there."""
    return Row(step, what, text, device="cuda", note=NO_GPU, **goals)


def stock_weights(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of a narrow network filled up with zeros to the stock shape: a network that computes the same.

    Any program that reads Cellpose 3 weights (its own window, for one) can load them when saved with ``torch.save``.
    """
    from cellpose.resnet_torch import CPnet

    from cellfate.segmentation.cellpose import N_OUTPUTS, STOCK_WIDTHS

    stock = CPnet(list(STOCK_WIDTHS), N_OUTPUTS, sz=3).state_dict()
    for name, wide in stock.items():
        if name in state:
            narrow = state[name]
            wide.zero_()
            wide[tuple(slice(length) for length in narrow.shape)] = narrow
    return stock
