"""Training of the transition networks, and what they say of cells.

A network is any module that takes expression (B, m), an embedding (B, d) and how many genes to keep, and returns
:class:`cellfate.transition.network.model.Outputs`. Everything runs on one thread unless told otherwise: two threads under load
were ten times slower.
"""

import copy
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from cellfate.base.errors import InputError
from cellfate.transition.network.model import Outputs, next_phenotype

PCT_START = 0.15  # of the steps, over which the learning rate rises
FULL_WEIGHT = 0.5  # of the prediction branch's cross-entropy
BATCH = 1024  # cells of a pass that needs no gradient
Model = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # expression (N, m), embedding (N, d), phenotype (N,) -> q (N, n)


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    epochs: int
    batch_size: int
    learning_rate: float
    regulation_rate: float  # step of the proximal gradient descent of b and the regulatory weights w
    identity_rate: float  # learning rate of the genes' identities e_g over that of the others
    weight_decay: float
    l1: float  # on the regulatory weights w
    warm_up: float  # of the epochs, over which the kept genes fall from m to k


@dataclass(frozen=True)
class Cells:
    """Arrays of the same N cells: z-scored ``expression`` (N, m), ``embedding`` (N, d), codes of the phenotype (N,), ``targets``.

    ``targets`` (N, n) are distributions over the next phenotype, NaN rows where there is none.
    """

    expression: np.ndarray
    embedding: np.ndarray
    phenotype: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.phenotype)

    def take(self, chosen: np.ndarray) -> "Cells":
        return Cells(self.expression[chosen], self.embedding[chosen], self.phenotype[chosen], self.targets[chosen])


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

    The loss is CE(fused) + 0.5 CE(full) + KL(target || q) + L1 |w|; the curves are a table ``transition_curves``, one row per epoch.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    shuffle = np.random.default_rng(seed)
    regulation = getattr(network, "regulation", None)
    plain = [p for p in (regulation, network.transition_bias) if p is not None]
    identity = [p for name, p in network.named_parameters() if name == "tokens.identity"]
    rest = [p for name, p in network.named_parameters() if name not in ("tokens.identity", "regulation", "transition_bias")]
    groups = [{"params": rest, "lr": settings.learning_rate}]
    groups += [{"params": identity, "lr": settings.identity_rate * settings.learning_rate}] * bool(identity)
    optimiser = torch.optim.AdamW(groups, weight_decay=settings.weight_decay)
    steps = settings.epochs * -(-len(train) // settings.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, [group["lr"] for group in groups], total_steps=steps, pct_start=PCT_START)
    data, held = _tensors(train), _tensors(validation)
    final = network.settings.keep
    best, best_loss, curves = None, np.inf, []
    for epoch in range(settings.epochs):
        keep = kept_genes(epoch, settings.epochs, network.settings.n_genes, final, settings.warm_up)
        network.train()
        total = 0.0
        for chosen in np.array_split(shuffle.permutation(len(train)), -(-len(train) // settings.batch_size)):
            expression, embedding, phenotype, targets = (part[chosen] for part in data)
            parts = losses(network(expression, embedding, keep), phenotype, targets)
            loss = parts["fused"] + FULL_WEIGHT * parts["full"] + parts["transition"]
            total += float(loss.detach()) * len(chosen)
            optimiser.zero_grad()
            for weights in plain:
                weights.grad = None
            loss.backward()
            nn.utils.clip_grad_norm_([*rest, *identity], 1.0)
            step = settings.regulation_rate * schedule.get_last_lr()[0] / settings.learning_rate
            optimiser.step()
            for weights in plain:
                proximal_step(weights, step, settings.l1 if weights is regulation else 0.0)
            schedule.step()
        parts = _validation_losses(network, held, keep)
        value = parts["fused"] + FULL_WEIGHT * parts["full"] + parts["transition"]
        curves.append(
            {"epoch": epoch, "kept": keep, "train_loss": total / len(train), "val_loss": value}
            | {f"val_{name}": part for name, part in parts.items()}
        )
        if (epoch + 1) % 10 == 0 or epoch + 1 == settings.epochs:
            print(
                f"{label}: epoch {epoch + 1} of {settings.epochs}, {keep} genes kept, validation loss {value:.3f}",
                file=sys.stderr,
                flush=True,
            )
        if keep == final and value < best_loss:
            best, best_loss = copy.deepcopy(network.state_dict()), value
    if not np.isfinite(best_loss):
        raise InputError(f"{label}: the loss is not finite; a smaller learning rate than {settings.learning_rate} is needed")
    network.load_state_dict(best)
    return network.eval(), pd.DataFrame(curves)


@torch.no_grad()
def proximal_step(weights: nn.Parameter, step: float, l1: float) -> None:
    """A gradient step and then the soft threshold of L1, so that weights become exactly 0 (Beck and Teboulle, 2009).

    Adam with the same penalty left noise on every gene: its steps do not shrink with the gradient.
    """
    moved = weights - step * weights.grad
    weights.copy_(moved.sign() * (moved.abs() - step * l1).clamp_min(0))


def kept_genes(epoch: int, epochs: int, n_genes: int, keep: int, warm_up: float) -> int:
    """How many genes an epoch keeps: linearly from all to ``keep`` over the first ``warm_up`` of the epochs, the last always ``keep``."""
    length = min(warm_up * epochs, epochs - 1)
    share = 1.0 if length == 0 else min(1.0, epoch / length)
    return round(n_genes + share * (keep - n_genes))


@torch.no_grad()
def _validation_losses(network: nn.Module, held: tuple[Tensor, ...], keep: int) -> dict[str, float]:
    network.eval()
    return {name: float(value) for name, value in losses(network(*held[:2], keep), *held[2:]).items()}


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
    which a knockout changes too (the paper's text can be read so).
    """
    network.eval()

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
        return torch.cat(found).numpy()

    return function
