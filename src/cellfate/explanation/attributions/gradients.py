"""Attributions by gradients of the log-odds, through embeddings, images, or the numbers of the network of risks.

The point of comparison is a cell without anything special: the mean embedding of frames that are not held out, the training mean of
each channel, the training mean of each number. Integrated gradients (Sundararajan et al. 2017) add up to the difference of the log-odds.
"""

from collections.abc import Callable

import numpy as np
import torch
from captum.attr import IntegratedGradients
from torch import Tensor

from cellfate.explanation.attributions.cells import Attribution, NetworkCell, RisksCell
from cellfate.explanation.attributions.names import ALL

TOLERANCE, LEAST = 0.05, 0.05  # of the difference of log-odds, and log-odds, that the sum of integrated gradients may be off
BATCH_CELLS = 8  # interpolated cells in one call of the network


def gradient_input(cell: NetworkCell) -> Attribution:
    """Gradient by the embedding of each frame, times how far that is from the typical one."""
    given = _tensor(cell, cell.embeddings)
    typical = _tensor(cell, np.broadcast_to(cell.typical, cell.embeddings.shape))
    return Attribution((ALL,), _gradient_input(_from_embeddings(cell), given, typical).sum(-1)[:, None])


def integrated_gradients(cell: NetworkCell, steps: int) -> Attribution:
    """Integrated gradients by the embedding of each frame, on the way from the typical one; positions stay."""
    given = _tensor(cell, cell.embeddings)
    typical = _tensor(cell, np.broadcast_to(cell.typical, cell.embeddings.shape))
    values, expected = _integrated(_from_embeddings(cell), given, typical, steps, BATCH_CELLS)
    return Attribution((ALL,), values.sum(-1)[:, None], expected)


def channel_gradients(cell: NetworkCell, steps: int) -> Attribution:
    """Integrated gradients by the pixels of each frame and channel, on the way from the channel's training mean; one call a step."""
    image = cell.image
    given = image.frames.to(next(cell.model.parameters()).device)[None]
    fill = torch.as_tensor(image.fill, dtype=given.dtype, device=given.device)[:, None, None].expand_as(given)

    def log_odds(frames: Tensor) -> Tensor:
        n_cells, n_frames = frames.shape[:2]
        embedded = cell.model.embed(frames.flatten(0, 1)).unflatten(0, (n_cells, n_frames))
        return cell.model.classify(embedded, torch.full((n_cells,), n_frames, device=frames.device))[0]

    values, expected = _integrated(log_odds, given, fill, steps, 1)
    return Attribution(image.channels, values.sum((-1, -2)), expected)


def risks_gradient_input(cell: RisksCell) -> Attribution:
    """Gradient by each number of each frame, times how far it is from its training mean."""
    given = torch.as_tensor(cell.values[None], dtype=torch.float32)
    return by_ring(cell.columns, _gradient_input(cell.log_odds, given, torch.zeros_like(given)))


def risks_integrated_gradients(cell: RisksCell, steps: int) -> Attribution:
    """Integrated gradients by each number of each frame, on the way from its training mean."""
    given = torch.as_tensor(cell.values[None], dtype=torch.float32)
    values, expected = _integrated(cell.log_odds, given, torch.zeros_like(given), steps, BATCH_CELLS)
    return by_ring(cell.columns, values, expected)


def rings_of(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The part that each column belongs to: a ring of a channel, whichever its statistic, or the column itself."""
    return tuple(name.rpartition("-")[0] if "-ring" in name else name for name in columns)


def by_ring(columns: tuple[str, ...], values: np.ndarray, expected: float = np.nan) -> Attribution:
    """Values (T, F) of columns, added up within each ring."""
    of_column = rings_of(columns)
    parts = tuple(dict.fromkeys(of_column))
    summed = np.stack([values[:, [own == part for own in of_column]].sum(axis=1) for part in parts], axis=1)
    return Attribution(parts, summed, expected)


def converged(attribution: Attribution) -> bool | None:
    """Whether complete attributions add up to what they must, but for TOLERANCE; None where nothing is promised."""
    if np.isnan(attribution.expected):
        return None
    return abs(attribution.delta) <= max(LEAST, TOLERANCE * abs(attribution.expected))


def _tensor(cell: NetworkCell, values: np.ndarray) -> Tensor:
    return torch.as_tensor(np.array(values), device=next(cell.model.parameters()).device)[None]


def _from_embeddings(cell: NetworkCell) -> Callable[[Tensor], Tensor]:
    def log_odds(embeddings: Tensor) -> Tensor:
        lengths = torch.full((len(embeddings),), embeddings.shape[1], device=embeddings.device)
        return cell.model.classify(embeddings, lengths)[0]

    return log_odds


def _gradient_input(log_odds: Callable[[Tensor], Tensor], given: Tensor, baseline: Tensor) -> np.ndarray:
    """Gradient at ``given`` (1, ...) times its distance from the ``baseline``, without the first axis."""
    given = given.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(log_odds(given).sum(), given)
    return (gradient * (given - baseline)).detach().double().cpu().numpy()[0]


def _integrated(log_odds: Callable[[Tensor], Tensor], given: Tensor, baseline: Tensor, steps: int, batch: int) -> tuple[np.ndarray, float]:
    """Integrated gradients of ``given`` (1, ...) without the first axis, and the difference of log-odds that they must add up to."""
    values = IntegratedGradients(log_odds, multiply_by_inputs=True).attribute(
        given.contiguous(), baselines=baseline.contiguous(), n_steps=steps, method="gausslegendre", internal_batch_size=batch
    )
    with torch.no_grad():
        expected = float(log_odds(given)[0]) - float(log_odds(baseline.contiguous())[0])
    return values.detach().double().cpu().numpy()[0], expected
