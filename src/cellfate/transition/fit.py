"""Phenotype transitions from single-cell RNA: cells with what they become, a trained network, and what it says of held-out cells.

These are the steps of ``snakemake transition`` as functions; docs/transition.md shows them in a notebook. No function has a default
for what the configuration gives: ``config.yaml`` has them all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from cellfate.statistics.chains.markov import row_entropy
from cellfate.transition.cells import Cells, Model, Prepared
from cellfate.transition.expression import (
    FEW_FOLLOWED,
    GIVEN,
    NOT_FOLLOWED,
    RARE,
    column_of,
    labels_of,
    missing_text,
    prepare,
    read_embedding,
    why_left_out,
)
from cellfate.transition.files import PreparedFile
from cellfate.transition.h5ad import Expression, read_h5ad
from cellfate.transition.metrics import classification_scores, mean_by_phenotype, uncertainty
from cellfate.transition.network.baselines import LogisticTransitions
from cellfate.transition.network.model import TransitionModel, TransitionSettings
from cellfate.transition.network.training import Predictions, TrainingSettings, predict, train_network
from cellfate.transition.network.variants import VARIANTS, build_network, model_of
from cellfate.transition.targets.absorbing import seldom_followed, with_absorbing
from cellfate.transition.targets.cells import numbers
from cellfate.transition.targets.found import Found, find_targets

# why all cells of a phenotype are left out, in the words of the log
WHOLE = {RARE: "rare phenotypes", FEW_FOLLOWED: "phenotypes too few cells of which have a next one"}
SEED_STEP = 1000  # from one seed of a network to the next


@dataclass(frozen=True)
class LeftOut:
    """Cells that take no part, and ``why`` (N,): no label, a phenotype that is rare or seldom followed, no next phenotype.

    ``labels`` (N,) are empty without one.
    """

    expression: Expression
    why: np.ndarray
    labels: np.ndarray
    embedding: np.ndarray | None

    def codes(self, phenotypes: Sequence[str]) -> np.ndarray:
        """Places of their labels among ``phenotypes`` (N,), -1 for those without a label or with another one."""
        return pd.Index(list(phenotypes)).get_indexer(pd.Index(self.labels.astype(str)))

    def describe(self) -> str:
        reasons, sizes = np.unique(self.why.astype(str), return_counts=True)
        named = [f"{size} with {reason}" for reason, size in zip(reasons, sizes, strict=True) if reason not in WHOLE]
        return "; ".join([*named, *(self._of_phenotypes(reason, words) for reason, words in WHOLE.items() if reason in reasons)])

    def _of_phenotypes(self, reason: str, words: str) -> str:
        names, counts = np.unique(self.labels[self.why == reason].astype(str), return_counts=True)
        named = ", ".join(f"{name} ({size})" for name, size in zip(names, counts, strict=True))
        return f"{counts.sum()} of {words}: {named}"


@dataclass(frozen=True)
class CellTable:
    """Checked cells with what they become: everything that a fit needs.

    ``targets`` (N, n) are NaN for static labels; the phenotypes of the codes ``absorbing`` are followed by none, so their cells stay
    what they are. ``along`` (N,) is what trends of fates follow, such as pseudotime, ``conditions`` (N,) what P is compared between, and
    ``found`` what the targets rest on, where there are any.
    """

    expression: Expression
    phenotype: np.ndarray
    phenotypes: list[str]
    targets: np.ndarray
    targets_kind: str
    embedding: np.ndarray | None = None
    groups: np.ndarray | None = None
    absorbing: tuple[int, ...] = ()
    conditions: np.ndarray | None = None
    along: np.ndarray | None = None
    found: Found | None = None
    left_out: "LeftOut | None" = None

    def describe(self) -> str:
        """Cells and phenotypes, how many were left out, and which phenotypes are absorbing, in a sentence."""
        text = f"{len(self.phenotype)} cells of the phenotypes {', '.join(self.phenotypes)}"
        if self.left_out is not None:
            text += f"; left out: {self.left_out.describe()}"
        if not self.absorbing:
            return text
        sizes = np.bincount(self.phenotype, minlength=len(self.phenotypes))
        named = ", ".join(f"{self.phenotypes[code]} ({sizes[code]} cells)" for code in self.absorbing)
        return f"{text}; absorbing, as no cell of them has a next phenotype: {named}. Their cells stay what they are"


@dataclass(frozen=True)
class Said:
    """What ``variant`` says of the held-out cells: P (n, n) in ``matrix``, and q (N, n), u (N,) and ``predictions`` of each.

    ``test`` (N,) are their places in the table, ``cells`` their arrays. ``branches``: u compares two, and says nothing of one.
    """

    variant: str
    test: np.ndarray
    predictions: Predictions
    q: np.ndarray
    u: np.ndarray
    matrix: np.ndarray
    cells: Cells
    branches: int

    @property
    def entropy(self) -> np.ndarray:
        """H_i of each phenotype, nats."""
        return row_entropy(self.matrix)

    def scores(self, *, confidence_k: int | None) -> dict[str, float]:
        """Scores of the present phenotype; a confidence is a share of the ``confidence_k`` largest probabilities, None: of all."""
        return classification_scores(
            self.cells.phenotype, self.predictions.fused, self.u if self.branches == 2 else None, confidence_k=confidence_k
        )


@dataclass(frozen=True)
class Fit(Said):
    """What one trained ``network`` says; ``curves`` are there after a training."""

    network: nn.Module
    prepared: Prepared
    curves: pd.DataFrame | None = None

    def model(self) -> Model:
        """q as a function of expression, for knockouts and explainers."""
        return model_of(self.variant, self.network)


def together(fits: Sequence[Said]) -> Said:
    """What the seeds of a variant say together: the mean of their probabilities of each cell."""
    full, fused = (np.mean([getattr(fit.predictions, name) for fit in fits], axis=0) for name in ("full", "fused"))
    first = fits[0]
    predictions = replace(first.predictions, full=full, fused=fused)
    q, matrix = np.mean([fit.q for fit in fits], axis=0), np.mean([fit.matrix for fit in fits], axis=0)
    return Said(first.variant, first.test, predictions, q, uncertainty(full, fused), matrix, first.cells, first.branches)


def read_cells(
    path: str | Path,
    *,
    label: str,
    targets: Mapping[str, object],
    layer: str,
    kind: str,
    min_cells: int,
    components: int,
    leave_out: Collection[str] = (),
    embedding: str | Path | None = None,
    group: str | None = None,
    condition: str | None = None,
    along: str | None = None,
) -> CellTable:
    """Read and check an h5ad file, and find what its cells become.

    ``targets`` is ``{"kind": "observed", "column": ...}``, ``{"kind": "optimal_transport", "time": ..., "time_unit": "day",
    "epsilon": ..., "growth": {"source": "unbalanced", "relaxation": ...}}``, ``{"kind": "pseudotime", "column": ...,
    "neighbours": ..., "bias": ...}`` or ``{"kind": "static"}``: see :mod:`cellfate.transition.targets.found`. ``components`` are of the PCA
    in which transport and neighbours are found, within each value of the column ``condition``. Cells without a target (no descendant
    was seen, the last time point) help to find the others' targets and are then left out, but for those of phenotypes that nothing
    follows: see :func:`cellfate.transition.targets.absorbing.with_absorbing`. ``along`` is a column of numbers that trends of fates follow.
    ``leave_out`` names what does not stop the run but is left out, and counted: see :func:`cellfate.transition.expression.why_left_out`;
    ``rare`` are also phenotypes of which fewer than ``min_cells`` cells have a target, but not none.
    """
    everything = read_h5ad(path, layer=layer, kind=kind)
    why = why_left_out(everything, label, min_cells, leave_out)
    every_embedding = read_embedding(embedding, everything.cells) if embedding else None
    finding = {"components": components, "label": label}
    least = min_cells if "rare" in leave_out and targets["kind"] != "static" else 0
    expression, labels, names, conditions, found = _find_targets(everything, why, targets, condition, least, **finding)
    group = group or (targets["clone"] if targets["kind"] == "clones" else None)  # the cells of a clone share their targets
    groups = column_of(expression, group, "transition.group") if group else None
    followed = numbers(column_of(expression, along, "transition.fates.along"), "transition.fates.along") if along else None
    keep, absorbing, rows = np.ones(len(labels), bool), (), found.targets
    if targets["kind"] != "static":
        rows, absorbing = with_absorbing(found.targets, labels, names, min_cells, expression.source, found.lost)
        keep = ~np.isnan(rows).any(axis=1)
    places = np.flatnonzero(why == "")
    why[places[~keep]] = NOT_FOLLOWED
    given = None if every_embedding is None else every_embedding[why == ""]
    groups, conditions, followed = (None if part is None else part[keep] for part in (groups, conditions, followed))
    described = (labels[keep], names, rows[keep], str(targets["kind"]), given, groups)
    gone = _left_out(everything, why, label, every_embedding) if (why != "").any() else None
    kept = everything if gone is None else everything.take(why == "")
    return CellTable(kept, *described, absorbing=absorbing, conditions=conditions, along=followed, found=found, left_out=gone)


def _find_targets(
    everything: Expression,
    why: np.ndarray,
    targets: Mapping[str, object],
    condition: str | None,
    least: int,
    *,
    label: str,
    components: int,
) -> tuple[Expression, np.ndarray, list[str], np.ndarray | None, Found]:
    """The cells that no reason of ``why`` (N,) leaves out, their phenotypes (codes and names), conditions and targets.

    Phenotypes of which fewer than ``least`` cells have a target, but not none, are added to ``why``; targets are then found again
    without them, until none goes: others may have been followed by these.
    """
    ever: set[str] = set()  # phenotypes of which some cell was followed
    while True:
        expression = everything.take(why == "") if (why != "").any() else everything
        labels, names = labels_of(expression, label)
        conditions = column_of(expression, condition, "transition.condition.column").astype(str) if condition else None
        whole = np.isin(why, list(WHOLE))
        gone = set(column_of(everything, label, "transition.label")[whole].astype(str))
        others = everything.take(why != "") if (why != "").any() else None
        left = {"left_out": gone, "gone": others}
        found = find_targets(expression, labels, names, targets, components=components, label=label, conditions=conditions, **left)
        followed = ~np.isnan(found.targets).any(axis=1) | (False if found.lost is None else found.lost > 0)
        ever |= {names[code] for code in np.unique(labels[followed])}
        few = seldom_followed(found.targets, labels, least, np.isin(names, list(ever)))
        if not few.any():
            return expression, labels, names, conditions, found
        why[np.flatnonzero(why == "")[few[labels]]] = FEW_FOLLOWED


def _left_out(everything: Expression, why: np.ndarray, label: str, embedding: np.ndarray | None) -> LeftOut:
    gone = why != ""
    cells = everything.take(gone)
    labels = column_of(cells, label, "transition.label")
    labels = np.where(missing_text(labels), "", labels.astype(str))
    return LeftOut(cells, why[gone], labels, None if embedding is None else embedding[gone])


def prepare_cells(
    table: CellTable,
    *,
    fractions: Sequence[float],
    genes: int,
    components: int,
    seed: int,
    always: Collection[str] = (),
    standardise: bool = True,
) -> tuple[Prepared, Cells]:
    """Normalise, split, choose genes (those that ``always`` names too) and embed: see :func:`cellfate.transition.expression.prepare`."""
    prepared = prepare(
        table.expression,
        table.phenotype,
        fractions=fractions,
        genes=genes,
        components=components,
        seed=seed,
        embedding=table.embedding,
        groups=table.groups,
        names=table.phenotypes,
        always=always,
        standardise=standardise,
    )
    return prepared, Cells(prepared.values, prepared.embedding, table.phenotype, table.targets, table.absorbing)


def prepare_left_out(table: CellTable, prepared: Prepared) -> Prepared | None:
    """The cells that were left out, prepared like the others; their ``parts`` say why they were. None where there is none."""
    gone = table.left_out
    return None if gone is None else prepared.scaling(gone.expression, gone.why, gone.embedding)


def cells_of(file: PreparedFile, variant: str) -> tuple[Prepared, Cells]:
    """The prepared cells as ``variant`` takes them: z-scores, or logarithms in the literal reading of the paper."""
    return file.cells(VARIANTS[variant].get("standardise", True))


def fit(prepared: Prepared, cells: Cells, n_phenotypes: int, variant: str, **settings: object) -> Fit:
    """Train ``variant`` on the training cells and look at the held-out ones; ``settings`` go to :func:`train`."""
    network, curves = train(prepared, cells, n_phenotypes, variant, **settings)
    return replace(look(variant, network, prepared, cells, n_phenotypes), curves=curves)


def fit_seeds(prepared: Prepared, cells: Cells, n_phenotypes: int, variant: str, *, seed: int, seeds: int, **settings: object) -> list[Fit]:
    """:func:`fit` with each of ``seeds`` seeds, the first of them ``seed``."""
    return [fit(prepared, cells, n_phenotypes, variant, seed=seed + SEED_STEP * turn, **settings) for turn in range(seeds)]


def train(
    prepared: Prepared,
    cells: Cells,
    n_phenotypes: int,
    variant: str,
    *,
    model: Mapping[str, object],
    training: Mapping[str, object],
    seed: int,
    prior: Sequence[str] = (),
    threads: int = 1,
) -> tuple[nn.Module, pd.DataFrame]:
    """Train ``variant`` (a key of :data:`VARIANTS`) on the training cells; returns the network and its curves.

    ``model`` and ``training`` are settings of :class:`TransitionSettings` and :class:`TrainingSettings`; ``prior`` names expected
    regulators, of which those among the genes count. Bit for bit the same for the same seed on the same machine.
    """
    change = VARIANTS[variant]
    torch.manual_seed(seed)
    sizes = {"n_genes": len(prepared.genes), "n_phenotypes": n_phenotypes, "embedding_size": prepared.embedding.shape[1]}
    sizes |= {"absorbing": cells.absorbing, "fuse_embedding": prepared.embedding_name == GIVEN}
    network = build_network(variant, TransitionSettings(**sizes, **{**model, **change.get("model", {})}))
    listed = np.isin(prepared.genes.astype(str), list(prior))
    if "network" not in change and listed.any():
        network.prior[:] = torch.from_numpy(listed / listed.sum())
    parts = [cells.take(prepared.parts == name).without_absorbing() for name in ("train", "validation")]
    schedule = TrainingSettings(**{**training, **change.get("training", {})})
    return train_network(network, *parts, schedule, seed=seed, threads=threads, label=variant)


def look(variant: str, network: nn.Module, prepared: Prepared, cells: Cells, n_phenotypes: int) -> Fit:
    """What a trained ``network`` says of the held-out cells."""
    held = cells.take(prepared.held_out)
    predictions = predict(network, held)
    q = model_of(variant, network)(held.expression, held.embedding, held.phenotype)
    u = uncertainty(predictions.full, predictions.fused)
    matrix = mean_by_phenotype(q, held.phenotype, n_phenotypes)
    branches = 2 if isinstance(network, TransitionModel) else 1
    return Fit(variant, prepared.held_out, predictions, q, u, matrix, held, branches, network, prepared)


def logistic(
    prepared: Prepared, cells: Cells, n_phenotypes: int, *, confidence_k: int | None
) -> tuple[LogisticTransitions, np.ndarray, dict[str, float], Cells]:
    """The logistic regressions, their P, their scores of the present phenotype, and the held-out cells."""
    parts = {name: cells.take(prepared.parts == name) for name in ("train", "validation", "test")}
    found = LogisticTransitions(parts["train"], parts["validation"], n_phenotypes)
    held = parts["test"]
    q = found(held.expression, held.embedding, held.phenotype)
    scores = classification_scores(held.phenotype, found.phenotype(held.expression), confidence_k=confidence_k)
    return found, mean_by_phenotype(q, held.phenotype, n_phenotypes), scores, held
