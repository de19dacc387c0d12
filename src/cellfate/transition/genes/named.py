"""The genes that a list of expected regulators and gene sets name: always analysed where the cells have them, and reported where not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cellfate.transition.genes.variable import SHOWN, named_genes

MANY = 2000  # genes; the size of the network, and the time of its knockouts, grows with them


@dataclass(frozen=True)
class NamedGenes:
    """The names of a ``prior`` list and of the gene ``sets``."""

    prior: Sequence[str]
    sets: Mapping[str, Sequence[str]]

    @property
    def all(self) -> list[str]:
        """Every name, once."""
        return list(dict.fromkeys([*self.prior, *(gene for genes in self.sets.values() for gene in genes)]))

    def report(self, known: np.ndarray, analysed: np.ndarray, genes: int) -> list[str]:
        """Lines for the log: which names are no genes of the cells (``known``), or constant, and how many come on top of ``genes``."""
        lines = []
        for what, names in (("transition.prior", self.prior), ("transition.gene_sets", self.all[len(set(self.prior)) :])):
            lines += _absent(what, names, known, analysed)
        if len(analysed) > genes:
            lines.append(f"{len(analysed) - genes} genes that the list or the sets name come on top of transition.genes ({genes})")
        if len(analysed) > MANY:
            lines.append(f"Warning: {len(analysed)} genes make a large network and slow knockouts; fewer gene sets make fewer")
        return lines


def _absent(what: str, names: Sequence[str], known: np.ndarray, analysed: np.ndarray) -> list[str]:
    absent = named_genes(known, names)[1]
    constant = named_genes(analysed, [name for name in names if name not in set(absent)])[1]
    lines = []
    for left, why in ((absent, "are not among the genes of the cells"), (constant, "are the same in all training cells, and left out")):
        if left:
            more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
            lines.append(f"{what}: {len(left)} of {len(names)} genes {why}: {', '.join(left[:SHOWN])}{more}")
    folded = {str(gene).upper() for gene in known}
    if alike := sum(name.upper() in folded for name in absent):
        lines.append(f"{what}: {alike} of these are there in other upper and lower case; names must be the same, letter by letter")
    return lines
