"""What a method of attribution is given: one cell, the network that is explained, and what the network says without some frames."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from cellfate.explanation.attributions.names import CELL, SURROUNDINGS
from cellfate.model.embedding import embed_prepared
from cellfate.model.network import FateModel
from cellfate.model.occlusion import hidden_logits, hide, keep_channels
from cellfate.model.risks.ensemble import Ensemble
from cellfate.model.risks.hazards import cumulative_incidence


class ExplainedCell(Protocol):
    """One cell with T frames and the network that is explained."""

    frames: np.ndarray  # (T,)

    def logits(self, hidden: np.ndarray) -> np.ndarray:
        """Log-odds (K,) of the positive outcome without the frames that are True in each row of ``hidden`` (K, T)."""
        ...

    def randomised(self, seed: int) -> "ExplainedCell":
        """The same cell, and a network of the same form that has learned nothing."""
        ...


@dataclass(frozen=True)
class Attribution:
    """Values (T, P) of each frame and part, signed toward the positive outcome's log-odds unless the method says otherwise.

    ``expected`` is what values must add up to where the method is complete, else NaN.
    """

    parts: tuple[str, ...]
    values: np.ndarray
    expected: float = np.nan

    @property
    def of_frames(self) -> np.ndarray:
        """The values of all parts together, (T,)."""
        return self.values.sum(axis=1)

    @property
    def delta(self) -> float:
        """How far the sum of all values is from what it must be; NaN where nothing is promised."""
        return float(self.values.sum() - self.expected)


@dataclass(frozen=True)
class CellImage:
    """The network's input (T, C, s, s) of a cell, where in it the cell is (T, S, S), and what replaces what is hidden (C,)."""

    frames: Tensor
    cell: np.ndarray
    fill: np.ndarray
    channels: tuple[str, ...]
    batch_size: int
    precision: str
    channels_last: bool

    def without_channel(self, model: FateModel, channel: str) -> np.ndarray:
        """Embeddings (T, D) where a channel has its training mean everywhere."""
        kept = set(range(len(self.channels))) - {self.channels.index(channel)}
        return self._embedded(model, keep_channels(self.frames, kept, self.fill))

    def without_region(self, model: FateModel, region: str) -> np.ndarray:
        """Embeddings (T, D) where the cell, or all else, has the training mean of its channel."""
        hidden = {CELL: self.cell, SURROUNDINGS: ~self.cell}[region]
        return self._embedded(model, hide(self.frames, hidden, self.fill))

    def _embedded(self, model: FateModel, frames: Tensor) -> np.ndarray:
        how = {"batch_size": self.batch_size, "precision": self.precision, "channels_last": self.channels_last}
        return embed_prepared(model, frames, **how)


@dataclass(frozen=True)
class NetworkCell:
    """A cell as the published network sees it: embeddings (T, D), a ``typical`` one (D,), and the image where a method needs it."""

    model: FateModel
    frames: np.ndarray
    embeddings: np.ndarray
    typical: np.ndarray
    image: CellImage | None

    def logits(self, hidden: np.ndarray) -> np.ndarray:
        return hidden_logits(self.model, self.embeddings, hidden)

    def randomised(self, seed: int) -> "NetworkCell":
        return replace(self, model=randomised_network(self.model, seed))


@dataclass(frozen=True)
class RisksCell:
    """A cell as the network of risks sees it at its last frame: numbers (T, F) in standard deviations from the training mean.

    The log-odds are those of the positive outcome against the negative one within ``horizon`` hours, of the members' mean.
    """

    ensemble: Ensemble
    frames: np.ndarray
    values: np.ndarray
    horizon: float

    @property
    def columns(self) -> tuple[str, ...]:
        return self.ensemble.standard.columns

    @cached_property
    def edges(self) -> Tensor:
        return torch.tensor(self.ensemble.edges, dtype=torch.float64)

    def log_odds(self, values: Tensor) -> Tensor:
        """Log-odds (B,) at the last frame of ``values`` (B, T, F)."""
        found = [cumulative_incidence(member(values)[:, -1].double(), [self.horizon], self.edges)[:, 0] for member in self.ensemble.members]
        mean = torch.stack(found).mean(0)
        return mean[:, 1].log() - mean[:, 0].log()

    def logits(self, hidden: np.ndarray) -> np.ndarray:
        """As of :class:`ExplainedCell`; a hidden frame has the training mean in every number."""
        return self.logits_of(np.where(hidden[:, :, None], 0.0, self.values[None]))

    def logits_of(self, values: np.ndarray) -> np.ndarray:
        """Log-odds (B,) of ``values`` (B, T, F)."""
        with torch.inference_mode():
            parts = torch.as_tensor(np.ascontiguousarray(values, np.float32)).split(64)
            return torch.cat([self.log_odds(part) for part in parts]).numpy()

    def randomised(self, seed: int) -> "RisksCell":
        members = tuple(_as_new(member, seed + number) for number, member in enumerate(self.ensemble.members))
        return replace(self, ensemble=replace(self.ensemble, members=members))


def typical_embedding(embeddings: Sequence[np.ndarray]) -> np.ndarray:
    """The mean (D,) over the frames of all of ``embeddings`` ((T, D) each)."""
    return np.concatenate(list(embeddings)).mean(axis=0)


def randomised_network(model: FateModel, seed: int) -> FateModel:
    """A copy whose part after the ResNet has random weights (Adebayo et al. 2018); the embeddings stay what they are."""
    return _as_new(model, seed, but="backbone")


def _as_new(network: torch.nn.Module, seed: int, but: str | None = None):
    """A copy with weights as drawn before training, but those of one part."""
    found = copy.deepcopy(network)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for name, values in found.named_parameters():
            if but is not None and name.startswith(but):
                continue
            if values.dim() > 1:
                values.normal_(0, 1 / np.sqrt(values.shape[-1]))
            elif name.endswith("bias"):
                values.zero_()
            else:
                values.fill_(1.0)
    return found.eval()
