"""Truncation and last k, 31 conditions.

Published: a pass of the whole network for each of the 31 conditions, over the frames that the condition keeps. Ours: the ResNet sees each
frame once; the transformer sees each different sequence once, long and short ones apart. Both in full precision, four trajectories at a
time the published way. Reading and scaling are left out of both.
"""

from collections.abc import Callable, Iterator, Sequence
from math import nan

from benchmarks.speed.measure import HELD_OUT, Point, Row, Settings, Share

CONDITIONS = [("truncation", n) for n in range(0, 51, 5)] + [("last_k", n) for n in range(5, 101, 5)]
STEP = "truncation"
MIN_FRAMES = 10
MEASURED: dict[str, float] = {}  # s for a trajectory on a GPU, by rows, for full_run


def ways_of(device: str, lengths: Sequence[int] = ()) -> tuple[Callable[[], dict], Callable[[], dict], int]:
    """The published way and ours, each giving {(trajectory, condition, n): logit}, and the number of frames."""
    import numpy as np
    import torch

    from benchmarks.speed.networks import SCALING, network, trajectories
    from cellfate.model.embedding import embed_trajectories, fast_model
    from cellfate.model.inference import kept_frames, predict
    from cellfate.model.inputs import prepare

    model, counts = network(device), trajectories(device, lengths)
    fast = fast_model(network(device), channels_last=True, compile=False)
    frames = [prepare(crops.to(device), SCALING) for crops in counts]

    def published() -> dict:
        found = {}
        for condition, n in CONDITIONS:
            kept = [(i, kept_frames(len(own), condition, n, MIN_FRAMES)) for i, own in enumerate(frames)]
            kept = [(i, frames[i][span[0] : span[1]]) for i, span in kept if span]
            for start in range(0, len(kept), 4):
                some = kept[start : start + 4]
                with torch.inference_mode():
                    logits, _ = model(torch.cat([own for _, own in some]), torch.tensor([len(own) for _, own in some]))
                found |= {(i, condition, n): logit for (i, _), logit in zip(some, logits.tolist(), strict=True)}
        return found

    def ours() -> dict:
        how = {"batch_size": 64, "precision": "32-true", "channels_last": True}
        embedded = embed_trajectories(fast, ((torch.arange(len(own)), own) for own in counts), SCALING, **how)
        vectors = {i: np.ascontiguousarray(found) for i, (_, found) in enumerate(embedded)}
        table = predict(model, lambda i: (np.arange(len(vectors[i])), vectors[i]), vectors, CONDITIONS, min_frames=MIN_FRAMES)
        return {(row.trajectory, row.condition, row.n): row.logit for row in table.itertuples()}

    return published, ours, sum(map(len, frames))


def rows(settings: Settings) -> Iterator[Row]:
    from benchmarks.speed.networks import LENGTHS, NETWORK, RUNS, peak, timed, unmeasured

    device = settings.device
    published, ours, n_frames = ways_of(device)
    expected, found = published(), ours()
    assert expected.keys() == found.keys()
    worst = max(abs(expected[key] - found[key]) for key in expected)
    spread = max(expected.values()) - min(expected.values())
    assert worst < 1e-3 * max(spread, 1), f"logits differ by {worst}, over {spread}"
    text = f"{len(LENGTHS) * RUNS[device]} trajectories of 24 to 90 frames, {n_frames} in all; {NETWORK[device]}"
    times, memory = timed([published, ours], settings), [peak(way, device) for way in (published, ours)]
    if device == "cuda":
        n_trajectories = len(LENGTHS) * RUNS[device]
        MEASURED.update(published=times[0] / n_trajectories, ours=times[1] / n_trajectories)
    equal = f"logits within {worst:.0e} of a spread of {spread:.2g}"
    yield Row(STEP, "31 conditions", text, *times, ratio_goal=6, equal=equal, published_mb=memory[0], ours_mb=memory[1], device=device)
    if device == "cpu":
        yield unmeasured(STEP, "31 conditions", "16 trajectories of 24 to 90 frames; the paper's network", ratio_goal=6)


def growth(settings: Settings) -> Iterator[Point]:
    from benchmarks.speed.networks import growth_of

    yield from growth_of(STEP, settings.device, lambda lengths: ways_of(settings.device, lengths)[:2])


def full_run(settings: Settings) -> Iterator[Share]:
    seconds = [MEASURED.get(way, nan) for way in ("ours", "published")]
    note = "the held-out trajectories on cisplatin; ours embeds their frames again here"
    yield Share(STEP, "trajectory", HELD_OUT, *seconds, on="gpu", note=note)
