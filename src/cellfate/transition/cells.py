"""Cells as arrays, prepared for the networks, and what a network is to those who ask it.

By itself, as most steps need no more than these arrays: torch and scikit-learn take five seconds to load.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

Model = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # expression (N, m), embedding (N, d), phenotype (N,) -> q (N, n)


@dataclass(frozen=True)
class Prepared:
    """Expression ready for the networks: ``values`` (N, m) are z-scores on the training part, ``zero`` (m,) is what no expression is there.

    ``embedding`` (N, d) is called ``embedding_name``; ``parts`` (N,) says train, validation or test. ``scaling`` prepares
    other cells alike.
    """

    values: np.ndarray
    zero: np.ndarray
    log_expression: np.ndarray
    genes: np.ndarray
    cells: np.ndarray
    parts: np.ndarray
    embedding: np.ndarray
    embedding_name: str
    scaling: Callable | None = None  # a cellfate.transition.expression.Scaling

    @property
    def held_out(self) -> np.ndarray:
        """Places of the cells of the test part."""
        return np.flatnonzero(self.parts == "test")


@dataclass(frozen=True)
class Cells:
    """Arrays of the same N cells: z-scored ``expression`` (N, m), ``embedding`` (N, d), codes of the phenotype (N,), ``targets``.

    ``targets`` (N, n) are distributions over the next phenotype, NaN rows where there is none; cells of an ``absorbing`` phenotype,
    given by its code, stay what they are.
    """

    expression: np.ndarray
    embedding: np.ndarray
    phenotype: np.ndarray
    targets: np.ndarray
    absorbing: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.phenotype)

    def take(self, chosen: np.ndarray) -> "Cells":
        return Cells(self.expression[chosen], self.embedding[chosen], self.phenotype[chosen], self.targets[chosen], self.absorbing)

    def without_absorbing(self) -> "Cells":
        """The same cells, those of absorbing phenotypes with no target: there is nothing to learn from them."""
        absorbed = np.isin(self.phenotype, self.absorbing)[:, None]
        return replace(self, targets=np.where(absorbed, np.nan, self.targets))
