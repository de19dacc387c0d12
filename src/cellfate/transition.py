"""Phenotype transitions from single-cell RNA, for notebooks: the steps of ``snakemake transition`` as functions.

table = read_cells("cells.h5ad", label="phenotype", targets={"kind": "observed", "column": "next_phenotype"})
prepared, cells = prepare_cells(table)
run = fit(prepared, cells, len(table.phenotypes), seed=1)
run.matrix, run.entropy, run.scores
rank_genes(run)
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from cellfate.errors import InputError
from cellfate.files import replacing
from cellfate.markov import overall_entropy, row_entropy
from cellfate.transition_baselines import NETWORKS, BaselineNetwork, LogisticTransitions, differential_expression
from cellfate.transition_expression import (
    Expression,
    Prepared,
    column_of,
    labels_of,
    log_normalised,
    prepare,
    principal_components,
    read_embedding,
    read_h5ad,
)
from cellfate.transition_knockouts import Model, some_of_each
from cellfate.transition_metrics import bootstrap_matrix, classification_scores, mean_by_phenotype, uncertainty
from cellfate.transition_model import TransitionModel, TransitionSettings
from cellfate.transition_rankings import attention_score, lime, permutation_importance, regulation_score
from cellfate.transition_targets import observed_targets, pseudotime_targets, static_targets, transport_targets
from cellfate.transition_training import Cells, Predictions, TrainingSettings, predict, train_network, transition_function

# what each variant changes in the network, the training or the data; None of it is tuned apart
VARIANTS: dict[str, dict] = {
    "full": {},
    "no_fusion": {"model": {"fusion": False}},
    "no_cell_learner": {"model": {"selector": "none"}},
    "neither": {"model": {"fusion": False, "selector": "none"}},
    "no_regulation": {"model": {"regulation": False}},
    "literal": {"model": {"regulation": False}, "training": {"warm_up": 0.0}, "standardise": False, "phenotype_held": False},
    "token_learner": {"model": {"selector": "token_learner"}},
    **{name: {"network": name} for name in NETWORKS},
}
ABLATIONS = ("neither", "no_cell_learner", "no_fusion", "full")  # of the paper's table 1


@dataclass(frozen=True)
class CellTable:
    """Checked cells with what they become: everything that a fit needs. ``targets`` are NaN rows for cells without one."""

    expression: Expression
    phenotype: np.ndarray
    phenotypes: list[str]
    targets: np.ndarray
    targets_kind: str
    embedding: np.ndarray | None = None
    groups: np.ndarray | None = None


@dataclass(frozen=True)
class Fit:
    """A fitted variant with what it says of the held-out cells ``test`` (places in the table that were held out)."""

    variant: str
    network: nn.Module
    prepared: Prepared
    test: np.ndarray
    predictions: Predictions
    q: np.ndarray
    u: np.ndarray
    matrix: np.ndarray
    low: np.ndarray
    high: np.ndarray
    scores: dict[str, float]
    curves: list[dict]
    cells: Cells
    confidence_k: int | None = None  # largest probabilities that a confidence is a share of; None: all

    @property
    def entropy(self) -> np.ndarray:
        """H_i of each phenotype, nats."""
        return row_entropy(self.matrix)

    def model(self) -> Model:
        """q as a function of expression, for knockouts and explainers."""
        return transition_function(self.network, VARIANTS[self.variant].get("phenotype_held", True))


def read_cells(
    path: str | Path,
    label: str = "phenotype",
    targets: Mapping[str, object] | None = None,
    layer: str = "X",
    kind: str = "counts",
    min_cells: int = 20,
    embedding: str | Path | None = None,
    group: str | None = None,
    components: int = 20,
) -> CellTable:
    """Read and check an h5ad file, and find what its cells become.

    ``targets`` is ``{"kind": "observed", "column": ...}``, ``{"kind": "optimal_transport", "time": ..., "epsilon": ...}``,
    ``{"kind": "pseudotime", "column": ..., "neighbours": ..., "bias": ...}`` or ``{"kind": "static"}``: see
    :mod:`cellfate.transition_targets`. ``components`` are of the PCA in which transport and neighbours are found. Cells without a
    target (no descendant was seen, the last time point) help to find the others' targets and are then left out.
    """
    expression = read_h5ad(path, layer, kind)
    labels, names = labels_of(expression, label, min_cells)
    found = _targets(expression, labels, names, dict(targets or {"kind": "static"}), components, label)
    given = read_embedding(embedding, expression.cells) if embedding else None
    groups = column_of(expression, group, "transition.group") if group else None
    kind_of_targets = str((targets or {"kind": "static"})["kind"])
    keep = np.ones(len(labels), bool) if kind_of_targets == "static" else ~np.isnan(found).any(axis=1)
    kept = replace(
        expression, values=expression.values[keep], cells=expression.cells[keep], columns=expression.columns[keep].reset_index(drop=True)
    )
    labels_of(kept, label, min_cells)  # enough cells of each phenotype must be left
    parts = (None if part is None else part[keep] for part in (given, groups))
    return CellTable(kept, labels[keep], names, found[keep], kind_of_targets, *parts)


def _targets(expression: Expression, labels: np.ndarray, names: list[str], settings: dict, components: int, label: str) -> np.ndarray:
    kind, n = settings["kind"], len(names)
    if kind == "static":
        return static_targets(len(labels), n)
    key = "time" if kind == "optimal_transport" else "column"
    column = settings.get(key)
    if column is None:
        raise InputError(f"transition.targets.{key} is missing: kind {kind} needs the column to use")
    values = column_of(expression, column, f"transition.targets.{key}")
    where = f"{expression.source}: column {column!r}"
    if kind == "observed":
        if column == label:
            raise InputError(
                f"{where} is the label itself: static labels are refused as transitions; say kind: static for a classification"
            )
        return observed_targets(values, labels, names, where)
    space = principal_components(log_normalised(expression), np.ones(len(labels), bool), components)
    if kind == "optimal_transport":
        return transport_targets(space, labels, values, n, settings.get("epsilon", 0.05), where)
    return pseudotime_targets(space, labels, values, n, settings.get("neighbours", 30), settings.get("bias", 10.0), where)


def prepare_cells(
    table: CellTable,
    fractions: Sequence[float] = (0.6, 0.15, 0.25),
    genes: int = 200,
    components: int = 20,
    seed: int = 0,
    standardise: bool = True,
) -> tuple[Prepared, Cells]:
    """Normalise, split, choose genes and embed: see :func:`cellfate.transition_expression.prepare`."""
    prepared = prepare(table.expression, table.phenotype, fractions, genes, components, seed, table.embedding, table.groups, standardise)
    return prepared, Cells(prepared.values, prepared.embedding, table.phenotype, table.targets)


def fit(
    prepared: Prepared,
    cells: Cells,
    n_phenotypes: int,
    variant: str = "full",
    model: Mapping[str, object] | None = None,
    training: Mapping[str, object] | None = None,
    prior: Sequence[str] = (),
    bootstrap: int = 1000,
    seed: int = 0,
    threads: int = 1,
    confidence_k: int | None = None,
) -> Fit:
    """Train ``variant`` (a key of :data:`VARIANTS`) on the training cells and look at the held-out ones.

    ``model`` and ``training`` are settings of :class:`TransitionSettings` and :class:`TrainingSettings`; ``prior`` names expected
    regulators, of which those among the genes count. Bit for bit the same for the same seed on the same machine.
    """
    change = VARIANTS[variant]
    torch.manual_seed(seed)
    sizes = {"n_genes": len(prepared.genes), "n_phenotypes": n_phenotypes, "embedding_size": prepared.embedding.shape[1]}
    settings = TransitionSettings(**sizes, **{**(model or {}), **change.get("model", {})})
    network = build_network(variant, settings)
    listed = np.isin(prepared.genes.astype(str), list(prior))
    if "network" not in change and listed.any():
        network.prior[:] = torch.from_numpy(listed / listed.sum())
    parts = {name: cells.take(prepared.parts == name) for name in ("train", "validation", "test")}
    schedule = TrainingSettings(**{**(training or {}), **change.get("training", {})})
    network, curves = train_network(network, parts["train"], parts["validation"], schedule, seed, threads, variant)
    return look(variant, network, prepared, cells, n_phenotypes, bootstrap, seed, curves, confidence_k)


def build_network(variant: str, settings: TransitionSettings) -> nn.Module:
    """The untrained network of ``variant``."""
    kind = VARIANTS[variant].get("network")
    if kind is None:
        return TransitionModel(settings)
    network = BaselineNetwork(kind, settings)
    network(torch.zeros(2, settings.n_genes), torch.zeros(2, settings.embedding_size))  # sets the sizes of lazy layers
    return network


def save_network(network: nn.Module, path: str | Path, variant: str) -> None:
    """Variant, settings and weights in one file."""
    with replacing(path) as temporary:
        torch.save({"variant": variant, "settings": asdict(network.settings), "weights": network.state_dict()}, temporary)


def load_network(path: str | Path) -> nn.Module:
    """The network that :func:`save_network` wrote, ready to predict."""
    content = torch.load(path, weights_only=True)
    network = build_network(content["variant"], TransitionSettings(**content["settings"]))
    network.load_state_dict(content["weights"])
    return network.eval()


def look(
    variant: str,
    network: nn.Module,
    prepared: Prepared,
    cells: Cells,
    n_phenotypes: int,
    bootstrap: int = 1000,
    seed: int = 0,
    curves: Sequence = (),
    confidence_k: int | None = None,
) -> Fit:
    """What a trained ``network`` says of the held-out cells."""
    test = np.flatnonzero(prepared.parts == "test")
    held = cells.take(test)
    predictions = predict(network, held)
    phenotype_held = VARIANTS[variant].get("phenotype_held", True)
    q = transition_function(network, phenotype_held)(held.expression, held.embedding, held.phenotype)
    two_branches = isinstance(network, TransitionModel)
    u = uncertainty(predictions.full, predictions.fused)
    scores = classification_scores(held.phenotype, predictions.fused, u if two_branches else None, confidence_k)
    low, high = bootstrap_matrix(q, held.phenotype, n_phenotypes, bootstrap, seed)
    matrix = mean_by_phenotype(q, held.phenotype, n_phenotypes)
    return Fit(variant, network, prepared, test, predictions, q, u, matrix, low, high, scores, list(curves), held, confidence_k)


def logistic(
    prepared: Prepared, cells: Cells, n_phenotypes: int, confidence_k: int | None = None
) -> tuple[LogisticTransitions, np.ndarray, dict[str, float], Cells]:
    """The logistic regressions, their P, their scores of the present phenotype, and the held-out cells."""
    parts = {name: cells.take(prepared.parts == name) for name in ("train", "validation", "test")}
    found = LogisticTransitions(parts["train"], parts["validation"], n_phenotypes)
    held = parts["test"]
    q = found(held.expression, held.embedding, held.phenotype)
    scores = classification_scores(held.phenotype, found.phenotype(held.expression), k=confidence_k)
    return found, mean_by_phenotype(q, held.phenotype, n_phenotypes), scores, held


def rank_genes(
    run: Fit, regression: LogisticTransitions | None = None, explain: bool = True, cells_each: int = 200, seed: int = 0
) -> dict[str, np.ndarray]:
    """Scores (m,) of each gene by every method that ``run`` allows; held-out cells only.

    ``explain`` adds the slower explainers, which look at ``cells_each`` cells of each phenotype at most.
    """
    found = {"cls attention": attention_score(run.predictions)}
    regulation = getattr(run.network, "regulation", None)
    if regulation is not None and not np.isnan(run.cells.targets).all():  # without targets nothing taught the weights
        weights = regulation.detach().numpy()
        found = {"attention x weight": regulation_score(run.predictions, weights), "weight": np.abs(weights).max(axis=(1, 2))} | found
    if explain:
        some = run.cells.take(some_of_each(run.cells.phenotype, cells_each))
        found["permutation importance"] = permutation_importance(run.model(), some, seed=seed)
        found["LIME"] = lime(run.model(), some, seed=seed)
    values, phenotype = run.cells.expression, run.cells.phenotype
    found["differential expression"] = differential_expression(values, phenotype)
    becomes = run.cells.targets.argmax(axis=1)
    if not np.isnan(run.cells.targets).any():
        found["differential expression of fates"] = differential_expression(values, becomes, phenotype)
    if regression is not None:
        found["logistic regression"] = regression.gene_scores()
    return found


def entropies(run: Fit) -> tuple[np.ndarray, float]:
    """H_i (n,) and their mean over the held-out cells' phenotypes, nats."""
    return row_entropy(run.matrix), overall_entropy(run.matrix, np.bincount(run.cells.phenotype, minlength=len(run.matrix)))
