"""A Boolean network of myeloid differentiation: its rules, its states, where it ends, and cells on the way there.

The rules are those of Krumsiek, Marr, Schroeder and Theis, PLoS ONE 2011, 6:e22649 (supplementary text), one factor a line:

    Gata2   Gata2 and not (Gata1 and Fog1) and not Pu1
    Gata1   (Gata1 or Gata2 or Fli1) and not Pu1
    Fog1    Gata1
    EKLF    Gata1 and not Fli1
    Fli1    Gata1 and not EKLF
    Scl     Gata1 and not Pu1
    Cebpa   Cebpa and not (Gata1 and Fog1 and Scl)
    Pu1     (Cebpa or Pu1) and not (Gata1 or Gata2)
    cJun    Pu1 and not Gfi1
    EgrNab  Pu1 and cJun and not Gfi1
    Gfi1    Cebpa and not EgrNab

An update takes one factor at random and sets it to what its rule says of the state before (asynchronous). The early state, as there, has
Gata2, Cebpa and Pu1 and nothing else. There are 2,048 states, so that nothing has to be sampled to know where the network ends.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve

FACTORS = ("Gata2", "Gata1", "Fog1", "EKLF", "Fli1", "Scl", "Cebpa", "Pu1", "cJun", "EgrNab", "Gfi1")
EARLY = ("Gata2", "Cebpa", "Pu1")
# who acts on a factor, itself but where a rule names it
REGULATORS = {
    "Gata2": ("Gata2", "Gata1", "Fog1", "Pu1"),
    "Gata1": ("Gata1", "Gata2", "Fli1", "Pu1"),
    "Fog1": ("Gata1",),
    "EKLF": ("Gata1", "Fli1"),
    "Fli1": ("Gata1", "EKLF"),
    "Scl": ("Gata1", "Pu1"),
    "Cebpa": ("Cebpa", "Gata1", "Fog1", "Scl"),
    "Pu1": ("Cebpa", "Pu1", "Gata1", "Gata2"),
    "cJun": ("Pu1", "Gfi1"),
    "EgrNab": ("Pu1", "cJun", "Gfi1"),
    "Gfi1": ("Cebpa", "EgrNab"),
}
FATES = {  # the factors of the four fates of the paper
    "erythrocyte": ("Gata1", "Fog1", "EKLF", "Scl"),
    "megakaryocyte": ("Gata1", "Fog1", "Fli1", "Scl"),
    "monocyte": ("Cebpa", "Pu1", "cJun", "EgrNab"),
    "granulocyte": ("Cebpa", "Pu1", "Gfi1"),
}


def updated(states: np.ndarray) -> np.ndarray:
    """What the rules say of ``states`` (N, 11) bool, all factors at once: (N, 11) bool."""
    gata2, gata1, fog1, eklf, fli1, scl, cebpa, pu1, cjun, egrnab, gfi1 = states.T
    rules = (
        gata2 & ~(gata1 & fog1) & ~pu1,
        (gata1 | gata2 | fli1) & ~pu1,
        gata1,
        gata1 & ~fli1,
        gata1 & ~eklf,
        gata1 & ~pu1,
        cebpa & ~(gata1 & fog1 & scl),
        (cebpa | pu1) & ~(gata1 | gata2),
        pu1 & ~gfi1,
        pu1 & cjun & ~gfi1,
        cebpa & ~egrnab,
    )
    return np.stack(rules, axis=1)


def code_of(names: tuple[str, ...]) -> int:
    """The code of the state with these factors alone."""
    return sum(1 << FACTORS.index(name) for name in names)


ALL_STATES = (np.arange(1 << len(FACTORS))[:, None] >> np.arange(len(FACTORS)) & 1).astype(bool)  # row c is the state of code c


@dataclass(frozen=True)
class Network:
    """The network, with the factor ``lost`` off at all times, None: the wild type. States are codes, bit g is factor g."""

    lost: str | None = None

    @property
    def early(self) -> int:
        return code_of(tuple(name for name in EARLY if name != self.lost))

    @cached_property
    def steps(self) -> np.ndarray:
        """The state after an update of factor g in state c, (2048, 11)."""
        wanted = updated(ALL_STATES)
        if self.lost is not None:
            wanted[:, FACTORS.index(self.lost)] = False
        bits = 1 << np.arange(len(FACTORS))
        codes = np.arange(len(ALL_STATES))[:, None]
        return np.where(wanted, codes | bits, codes & ~bits)

    @cached_property
    def chain(self) -> sparse.csr_matrix:
        """Probabilities of the next state, (2048, 2048)."""
        n, g = self.steps.shape
        return sparse.csr_matrix((np.full(n * g, 1 / g), (np.repeat(np.arange(n), g), self.steps.ravel())), shape=(n, n))

    @cached_property
    def ends(self) -> list[np.ndarray]:
        """The attractors that the early state reaches, each as the codes of its states."""
        reached = _reached(self.chain, self.early)
        _, part = connected_components(self.chain, directed=True, connection="strong")
        parts = [np.flatnonzero(part == one) for one in np.unique(part[reached])]
        return [own for own in parts if np.isin(self.steps[own], own).all()]

    @cached_property
    def absorption(self) -> np.ndarray:
        """The probability to end in each of the attractors ``ends``, from every state, (2048, A); 0 from states that reach none of them."""
        inside = np.zeros(len(ALL_STATES), bool)
        inside[np.concatenate(self.ends)] = True
        into = np.stack([np.asarray(self.chain[:, own].sum(axis=1)).ravel() for own in self.ends], axis=1)
        there = _reached(self.chain, self.early) & ~inside
        found = np.zeros((len(ALL_STATES), len(self.ends)))
        for place, own in enumerate(self.ends):
            found[own, place] = 1
        if there.any():
            Q = self.chain[there][:, there]
            found[there] = spsolve(sparse.eye(Q.shape[0], format="csc") - Q.tocsc(), into[there]).reshape(-1, len(self.ends))
        return found

    def fate(self, end: np.ndarray) -> str | None:
        """The fate that an attractor is: its one state has that fate's factors and no other, but for the lost one."""
        if len(end) > 1:
            return None
        mask = ~code_of((self.lost,)) if self.lost else -1
        return next((name for name, factors in FATES.items() if code_of(factors) & mask == int(end[0]) & mask), None)

    def fates(self) -> dict[str, float]:
        """The probability of each fate from the early state, exactly, and of all other ends together (``other``)."""
        found = dict.fromkeys([*FATES, "other"], 0.0)
        for end, p in zip(self.ends, self.absorption[self.early], strict=True):
            found[self.fate(end) or "other"] += float(p)
        return found


def _reached(chain: sparse.csr_matrix, start: int) -> np.ndarray:
    """Which states can be reached from ``start``, (N,) bool."""
    reached = np.zeros(chain.shape[0], bool)
    reached[start] = True
    while True:
        further = reached | np.asarray(chain[reached].sum(axis=0) > 0).ravel()
        if (further == reached).all():
            return reached
        reached = further
