"""Which trajectories an epoch draws, so that both outcomes come equally often."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from torch.utils.data import Sampler

SAMPLER_STREAM, AUGMENTATION_STREAM, LABEL_STREAM = 1, 2, 3  # so that no two share random numbers


class Draw(NamedTuple):
    """Which trajectory is drawn (its row), and the epoch and place in it, which fix the augmentation."""

    row: int
    epoch: int
    place: int


class BalancedSampler(Sampler):
    """As many draws with replacement as there are trajectories, each class equally often on average (weight 1/class count).

    The draws of an epoch follow from ``seed`` and the epoch alone. With several processes each takes every ``world``-th
    draw, and the number of draws is rounded up so that all take the same number.
    """

    def __init__(self, labels: np.ndarray, seed: int, first_epoch: int = 0, rank: int = 0, world: int = 1) -> None:
        labels = np.asarray(labels)
        classes, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
        self.probabilities = 1 / counts[inverse] / len(classes)
        self.seed = seed
        self.first_epoch = first_epoch
        self.rank = rank
        self.world = world
        self.epoch = first_epoch

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this before each epoch, counting from 0 in this process."""
        self.epoch = self.first_epoch + epoch

    def draws(self) -> list[Draw]:
        """All draws of the epoch, over all processes."""
        n = -(-len(self.probabilities) // self.world) * self.world
        rows = np.random.default_rng([SAMPLER_STREAM, self.seed, self.epoch]).choice(len(self.probabilities), size=n, p=self.probabilities)
        return [Draw(int(row), self.epoch, place) for place, row in enumerate(rows)]

    def __iter__(self) -> Iterator[Draw]:
        return iter(self.draws()[self.rank :: self.world])

    def __len__(self) -> int:
        return -(-len(self.probabilities) // self.world)


class SharedSampler(Sampler):
    """Every row once, in order, divided among the processes; each takes the same number, so some rows come in two of them."""

    def __init__(self, n_rows: int, rank: int, world: int) -> None:
        self.rows = [place % n_rows for place in range(rank, -(-n_rows // world) * world, world)]

    def __iter__(self) -> Iterator[int]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)
