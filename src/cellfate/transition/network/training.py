"""Training of the transition networks, and what they say of cells.

A network is any module that takes expression (B, m), an embedding (B, d) and how many genes to keep, and returns
:class:`cellfate.transition.network.model.Outputs`. Everything runs on one thread unless told otherwise: two threads under load
were ten times slower.
"""

import copy
import itertools
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from cellfate.base.errors import InputError
from cellfate.transition.cells import Cells, Model
from cellfate.transition.network.model import Outputs, next_phenotype
from cellfate.transition.targets.absorbing import held

LOOKS = 20  # at the validation cells
REPORTED = 5  # looks, of which one is told
PCT_START = 0.15  # of the steps, over which the learning rate rises
FULL_WEIGHT = 0.5  # of the prediction branch's cross-entropy
BATCH = 1024  # cells of a pass that needs no gradient


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    steps: int  # of the optimiser, each on a batch of cells
    batch_size: int
    learning_rate: float
    regulation_rate: float  # step of the proximal gradient descent of b and the regulatory weights w
    identity_rate: float  # learning rate of the genes' identities e_g over that of the others
    weight_decay: float
    l1: float  # on the regulatory weights w
    warm_up: float  # of the steps, over which the kept genes fall from m to k


def losses(outputs: Outputs, phenotype: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """CE(fused), CE(full) and KL(target || q), each the mean over the cells that have what it needs."""
    present = functional.one_hot(phenotype, outputs.fused.shape[1]).float()
    known = ~targets.isnan().any(dim=1)
    found = {"fused": functional.cross_entropy(outputs.fused, phenotype), "full": functional.cross_entropy(outputs.full, phenotype)}
    q = next_phenotype(outputs.transitions[known], present[known])
    target = targets[known]
    found["transition"] = (torch.xlogy(target, target) - target * q.clamp_min(1e-9).log()).sum() / max(int(known.sum()), 1)
    return found


def train_network(
    network: nn.Module, train: Cells, validation: Cells, settings: TrainingSettings, *, seed: int, threads: int = 1, label: str = "train"
) -> tuple[nn.Module, pd.DataFrame]:
    """Train ``network`` in place; returns it with the weights of the best validation loss at the final number of kept genes, and curves.

    The loss is CE(fused) + 0.5 CE(full) + KL(target || q) + L1 |w|. The validation cells are looked at :data:`LOOKS` times, evenly over
    the steps; the curves are a table ``transition_curves``, one row per look.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    looks = min(LOOKS, settings.steps)
    every = -(-settings.steps // looks)
    descent, batches = Descent(network, settings, looks * every), _batches(len(train), settings.batch_size, np.random.default_rng(seed))
    data, looked_at, final = _tensors(train), _tensors(validation), network.settings.keep
    best, best_loss, curves = None, np.inf, []
    for look in range(looks):
        keep = kept_genes(look, looks, network.settings.n_genes, final, settings.warm_up)
        train_loss = descent.descend(data, itertools.islice(batches, every), keep)
        parts = _validation_losses(network, looked_at, keep)
        value = parts["fused"] + FULL_WEIGHT * parts["full"] + parts["transition"]
        row = {"step": (look + 1) * every, "kept": keep, "train_loss": train_loss, "val_loss": value}
        curves.append(row | {f"val_{name}": part for name, part in parts.items()})
        if (look + 1) % REPORTED == 0 or look + 1 == looks:
            text = f"{label}: step {row['step']} of {looks * every}, {keep} genes kept, validation loss {value:.3f}"
            print(text, file=sys.stderr, flush=True)
        if keep == final and value < best_loss:
            best, best_loss = copy.deepcopy(network.state_dict()), value
    if not np.isfinite(best_loss):
        raise InputError(f"{label}: the loss is not finite; a smaller learning rate than {settings.learning_rate} is needed")
    network.load_state_dict(best)
    return network.eval(), pd.DataFrame(curves)


class Descent:
    """The steps of a training: AdamW under a learning rate that rises and falls, and proximal gradient steps for b and w."""

    def __init__(self, network: nn.Module, settings: TrainingSettings, steps: int):
        self.network, self.settings = network, settings
        self.regulation = getattr(network, "regulation", None)
        self.plain = [p for p in (self.regulation, network.transition_bias) if p is not None]
        identity = [p for name, p in network.named_parameters() if name == "tokens.identity"]
        rest = [p for name, p in network.named_parameters() if name not in ("tokens.identity", "regulation", "transition_bias")]
        self.others = [*rest, *identity]
        groups = [{"params": rest, "lr": settings.learning_rate}]
        groups += [{"params": identity, "lr": settings.identity_rate * settings.learning_rate}] * bool(identity)
        self.optimiser = torch.optim.AdamW(groups, weight_decay=settings.weight_decay)
        rates = [group["lr"] for group in groups]
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimiser, rates, total_steps=steps, pct_start=PCT_START)

    def descend(self, data: tuple[Tensor, ...], batches: Iterable[np.ndarray], keep: int) -> float:
        """A step on each of the ``batches``, places in ``data``; the mean loss of their cells, without L1."""
        self.network.train()
        total, cells = 0.0, 0
        for chosen in batches:
            total += self._step(tuple(part[chosen] for part in data), keep) * len(chosen)
            cells += len(chosen)
        return total / cells

    def _step(self, batch: tuple[Tensor, ...], keep: int) -> float:
        expression, embedding, phenotype, targets = batch
        parts = losses(self.network(expression, embedding, keep), phenotype, targets)
        loss = parts["fused"] + FULL_WEIGHT * parts["full"] + parts["transition"]
        self.optimiser.zero_grad()
        for weights in self.plain:
            weights.grad = None
        loss.backward()
        nn.utils.clip_grad_norm_(self.others, 1.0)
        step = self.settings.regulation_rate * self.schedule.get_last_lr()[0] / self.settings.learning_rate
        self.optimiser.step()
        for weights in self.plain:
            proximal_step(weights, step, self.settings.l1 if weights is self.regulation else 0.0)
        self.schedule.step()
        return float(loss.detach())


def _batches(n_cells: int, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Places of the cells of one batch after another, without end: all cells in a new order, then again."""
    while True:
        yield from np.array_split(rng.permutation(n_cells), -(-n_cells // batch_size))


@torch.no_grad()
def proximal_step(weights: nn.Parameter, step: float, l1: float) -> None:
    """A gradient step and then the soft threshold of L1, so that weights become exactly 0 (Beck and Teboulle, 2009).

    Adam with the same penalty left noise on every gene: its steps do not shrink with the gradient.
    """
    moved = weights - step * weights.grad
    weights.copy_(moved.sign() * (moved.abs() - step * l1).clamp_min(0))


def kept_genes(look: int, looks: int, n_genes: int, keep: int, warm_up: float) -> int:
    """How many genes are kept up to a look: from all linearly to ``keep`` over the first ``warm_up`` of them, the last always ``keep``."""
    length = min(warm_up * looks, looks - 1)
    share = 1.0 if length == 0 else min(1.0, look / length)
    return round(n_genes + share * (keep - n_genes))


@torch.no_grad()
def _validation_losses(network: nn.Module, cells: tuple[Tensor, ...], keep: int) -> dict[str, float]:
    """The :func:`losses` of all ``cells``, which are looked at in batches: in one pass memory would grow with them."""
    network.eval()
    expression, embedding, phenotype, targets = cells
    known = ~targets.isnan().any(dim=1)
    sums: dict[str, float] = {}
    for first in range(0, len(expression), BATCH):
        part = slice(first, first + BATCH)
        found = losses(network(expression[part], embedding[part], keep), phenotype[part], targets[part])
        for name, value in found.items():
            sums[name] = sums.get(name, 0.0) + float(value) * int(known[part].sum() if name == "transition" else len(phenotype[part]))
    return {name: value / max(int(known.sum()) if name == "transition" else len(expression), 1) for name, value in sums.items()}


def _tensors(cells: Cells) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    expression, embedding, targets = (
        torch.from_numpy(np.asarray(a, np.float32)) for a in (cells.expression, cells.embedding, cells.targets)
    )
    return expression, embedding, torch.from_numpy(np.asarray(cells.phenotype, np.int64)), targets


@dataclass(frozen=True)
class Predictions:
    """What a network says of N cells: p_full and p_fused (N, n), transitions from each phenotype (N, n, n), s and w s (N, m)."""

    full: np.ndarray
    fused: np.ndarray
    transitions: np.ndarray
    scores: np.ndarray
    kept: np.ndarray


@torch.no_grad()
def predict(network: nn.Module, cells: Cells) -> Predictions:
    """All outputs for ``cells``, in batches."""
    network.eval()
    expression, embedding, _, _ = _tensors(cells)
    found: list[tuple] = []
    for first in range(0, len(cells), BATCH):
        out = network(expression[first : first + BATCH], embedding[first : first + BATCH])
        found.append((out.full.softmax(1), out.fused.softmax(1), out.transitions.softmax(2), out.scores, out.kept))
    return Predictions(*(torch.cat(parts).numpy() for parts in zip(*found, strict=True)))


def transition_function(network: nn.Module, phenotype_held: bool = True) -> Model:
    """q (N, n) as a function of expression (N, m), embedding (N, d) and the observed phenotype (N,).

    With ``phenotype_held`` the present phenotype is the observed one whatever the expression; else it is the fused prediction,
    which a knockout changes too (the paper's text can be read so). Cells of an absorbing phenotype stay what they are.
    """
    network.eval()
    absorbing = network.settings.absorbing

    @torch.no_grad()
    def function(expression: np.ndarray, embedding: np.ndarray, phenotype: np.ndarray) -> np.ndarray:
        found = []
        for first in range(0, len(expression), BATCH):
            part = slice(first, first + BATCH)
            out = network(
                torch.from_numpy(np.asarray(expression[part], np.float32)), torch.from_numpy(np.asarray(embedding[part], np.float32))
            )
            n = out.fused.shape[1]
            observed = functional.one_hot(torch.from_numpy(np.asarray(phenotype[part], np.int64)), n).float()
            found.append(next_phenotype(out.transitions, observed if phenotype_held else out.fused.softmax(1)))
        return held(torch.cat(found).numpy(), phenotype, absorbing)

    return function
