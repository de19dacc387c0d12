"""Attention.

Published: the last layer computes and keeps the attention of every token to every other, of which the row of the class token is used.
Ours: only that row is computed and kept.
"""

from collections.abc import Iterator

from benchmarks.speed.measure import Row, Settings

STEP = "attention"
FRAMES, TRAJECTORIES = 186, 8


def rows(settings: Settings) -> Iterator[Row]:
    import torch

    from benchmarks.speed.networks import NETWORK, network, peak, timed, unmeasured
    from cellfate.model import sinusoidal_positions

    device = settings.device
    model = network(device)
    embeddings = torch.randn(TRAJECTORIES, FRAMES, model.settings.features, device=device)
    lengths = torch.full((TRAJECTORIES,), FRAMES)

    with torch.inference_mode():
        positions = sinusoidal_positions(FRAMES + 1, embeddings.shape[2], embeddings.device)
        tokens = torch.cat([model.class_token.expand(TRAJECTORIES, 1, -1), embeddings], dim=1)
        tokens = model.norm_before(model.encoder(tokens + torch.cat([positions[:1], positions[1:].flip(0)])))
        _, row = model.classify(embeddings, lengths)

    @torch.inference_mode()
    def published() -> tuple[torch.Tensor, torch.Tensor]:
        return model.pooling(tokens, tokens, tokens)

    @torch.inference_mode()
    def ours() -> tuple[torch.Tensor, torch.Tensor]:
        return model.pooling(tokens[:, :1], tokens, tokens)  # as FateModel.classify does

    full, _ = published()[1], ours()
    torch.testing.assert_close(row, full[:, 0, 1:], rtol=1e-3, atol=1e-5)
    worst = float((row - full[:, 0, 1:]).abs().max())
    text = f"{TRAJECTORIES} trajectories of {FRAMES} frames; {NETWORK[device]}"
    shared = {"equal": f"the row within {worst:.0e}", "device": device}
    times, memory = timed([published, ours], settings), [peak(way, device) for way in (published, ours)]
    yield Row(STEP, "the last layer", text, *times, published_mb=memory[0], ours_mb=memory[1], **shared)
    yield Row(STEP, "attention that is kept", text, full.nbytes / 1e6, row.nbytes / 1e6, row.nbytes / 1e6, "MB", bound_goal=1, **shared)
    if device == "cpu":
        yield unmeasured(STEP, "the last layer", f"{TRAJECTORIES} trajectories of {FRAMES} frames; the paper's network")
