"""Attention.

Published: the last layer computes and keeps the attention of every token to every other, of which the row of the class token is used.
Ours: only that row is computed and kept.
"""

from collections.abc import Callable, Iterator

from benchmarks.speed.measure import Point, Row, Settings

STEP = "attention"
FRAMES, TRAJECTORIES = 186, 8


def ways_of(device: str, n_trajectories: int, n_frames: int) -> tuple[Callable, Callable, Callable]:
    """The published way and ours, each on what the last layer gets, and the row that the model itself gives."""
    import torch

    from benchmarks.speed.networks import network
    from cellfate.model.network import sinusoidal_positions

    model = network(device)
    embeddings = torch.randn(n_trajectories, n_frames, model.settings.features, device=device)

    with torch.inference_mode():
        positions = sinusoidal_positions(n_frames + 1, embeddings.shape[2], embeddings.device)
        tokens = torch.cat([model.class_token.expand(n_trajectories, 1, -1), embeddings], dim=1)
        tokens = model.norm_before(model.encoder(tokens + torch.cat([positions[:1], positions[1:].flip(0)])))

    @torch.inference_mode()
    def published() -> tuple[torch.Tensor, torch.Tensor]:
        return model.pooling(tokens, tokens, tokens)

    @torch.inference_mode()
    def ours() -> tuple[torch.Tensor, torch.Tensor]:
        return model.pooling(tokens[:, :1], tokens, tokens)  # as FateModel.classify does

    @torch.inference_mode()
    def row() -> torch.Tensor:
        return model.classify(embeddings, torch.full((n_trajectories,), n_frames))[1]

    return published, ours, row


def rows(settings: Settings) -> Iterator[Row]:
    import torch

    from benchmarks.speed.networks import NETWORK, peak, timed, unmeasured

    device = settings.device
    published, ours, row_of_model = ways_of(device, TRAJECTORIES, FRAMES)
    full, row, _ = published()[1], row_of_model(), ours()
    torch.testing.assert_close(row, full[:, 0, 1:], rtol=1e-3, atol=1e-5)
    worst = float((row - full[:, 0, 1:]).abs().max())
    text = f"{TRAJECTORIES} trajectories of {FRAMES} frames; {NETWORK[device]}"
    shared = {"equal": f"the row within {worst:.0e}", "device": device}
    times, memory = timed([published, ours], settings), [peak(way, device) for way in (published, ours)]
    yield Row(STEP, "the last layer", text, *times, published_mb=memory[0], ours_mb=memory[1], **shared)
    yield Row(STEP, "attention that is kept", text, full.nbytes / 1e6, row.nbytes / 1e6, row.nbytes / 1e6, "MB", bound_goal=1, **shared)
    if device == "cpu":
        yield unmeasured(STEP, "the last layer", f"{TRAJECTORIES} trajectories of {FRAMES} frames; the paper's network")


def growth(settings: Settings) -> Iterator[Point]:
    from benchmarks.speed.networks import growth_of

    device = settings.device
    yield from growth_of(STEP, device, lambda lengths: ways_of(device, len(lengths), max(lengths))[:2], most=FRAMES)
