"""Two competing outcomes, told by hazards that are constant within bins of hours ahead: their likelihood, and what they come to.

A network gives three logits for each bin: of neither outcome in it, of the negative and of the positive one, given that none came
before. With p of their softmax and the width w of the bin, the hazards of the two are constant in it and add up to -log(p of neither) / w,
in the proportion of their p: over a whole bin exactly the three p come out.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import softplus

SMALLEST = -30.0  # log-odds of an event in a bin; below it 32 bits have no numbers left


def _parts(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Of logits (..., K, 3): the log-odds (..., K) of an event in each bin, and the log-share (..., K, 2) of the two outcomes in it."""
    either = logits[..., 1:].logsumexp(-1)
    return (either - logits[..., 0]).clamp(min=SMALLEST), logits[..., 1:] - either.unsqueeze(-1)


def _log_softplus(value: Tensor) -> Tensor:
    """The logarithm of softplus, which is the value itself where that is far below zero."""
    return torch.where(value < -15, value, softplus(value.clamp(min=-15)).log())


def exposure(hours: Tensor, edges: Tensor) -> Tensor:
    """The hours (..., K) that are spent in each of the bins between ``edges`` (K + 1,) until ``hours`` (...) have passed."""
    return torch.minimum((hours.unsqueeze(-1) - edges[:-1]).clamp(min=0), edges.diff())


def log_likelihood(logits: Tensor, hours: Tensor, event: Tensor, edges: Tensor) -> Tensor:
    """Log-likelihood (B, T) of what was seen after each frame of each track.

    ``logits`` (B, T, K, 3); ``hours`` (B, T) from the frame to the event or, where ``event`` (B,) is -1 and not 0 (negative) or 1
    (positive), to the end of what was seen. An event on the edge of two bins is in the earlier one; one after the last edge was not seen.
    """
    odds, share = _parts(logits)
    widths = edges.diff()
    survived = -(softplus(odds) * exposure(hours, edges) / widths).sum(-1)
    place = torch.bucketize(hours, edges[1:]).clamp(max=len(widths) - 1)
    kind = event.clamp(min=0)[:, None, None, None].expand(*place.shape, len(widths), 1)
    hazard = _log_softplus(odds) - widths.log() + share.gather(-1, kind).squeeze(-1)
    seen = (event >= 0)[:, None] & (hours <= edges[-1])
    return survived + torch.where(seen, hazard.gather(-1, place.unsqueeze(-1)).squeeze(-1), 0.0)


def cumulative_incidence(logits: Tensor, horizons: Sequence[float], edges: Tensor) -> Tensor:
    """Probability (..., H, 2) of the negative and of the positive outcome within each of H ``horizons`` in hours; logits (..., K, 3)."""
    odds, share = _parts(logits)
    total = softplus(odds)  # cumulative hazard of a whole bin
    spent = exposure(torch.as_tensor(horizons, dtype=logits.dtype), edges) / edges.diff()
    reached = (total - total.cumsum(-1)).exp()
    within = -torch.expm1(-total.unsqueeze(-2) * spent)
    return (reached.unsqueeze(-2) * within) @ share.exp()
