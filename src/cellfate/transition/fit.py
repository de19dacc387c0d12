"""Phenotype transitions from single-cell RNA: cells with what they become, a trained network, and what it says of held-out cells.

These are the steps of ``snakemake transition`` as functions; docs/transition.md shows them in a notebook. No function has a default
for what the configuration gives: ``config.yaml`` has them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from cellfate.base.errors import InputError
from cellfate.base.files import replacing
from cellfate.base.software import SOFTWARE
from cellfate.statistics.markov import row_entropy
from cellfate.transition.expression import Prepared, column_of, labels_of, log_normalised, prepare, principal_components, read_embedding
from cellfate.transition.files import PreparedFile
from cellfate.transition.h5ad import Expression, read_h5ad
from cellfate.transition.metrics import bootstrap_matrix, classification_scores, mean_by_phenotype, uncertainty
from cellfate.transition.network.baselines import NETWORKS, BaselineNetwork, LogisticTransitions
from cellfate.transition.network.model import TransitionModel, TransitionSettings
from cellfate.transition.network.training import Cells, Model, Predictions, TrainingSettings, predict, train_network, transition_function
from cellfate.transition.targets.observed import observed_targets, static_targets
from cellfate.transition.targets.pseudotime import pseudotime_targets
from cellfate.transition.targets.transport import transport_targets

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
    """A fitted variant with what it says of the held-out cells: P (n, n) in ``matrix``, and q (N, n), u (N,) and ``predictions`` of each.

    ``test`` (N,) are their places in the table, ``cells`` their arrays; ``curves`` are there after a training.
    """

    variant: str
    network: nn.Module
    prepared: Prepared
    test: np.ndarray
    predictions: Predictions
    q: np.ndarray
    u: np.ndarray
    matrix: np.ndarray
    cells: Cells
    curves: pd.DataFrame | None = None

    @property
    def entropy(self) -> np.ndarray:
        """H_i of each phenotype, nats."""
        return row_entropy(self.matrix)

    def interval(self, *, bootstrap: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """95 % limits of the matrix, (n, n) each: :func:`cellfate.transition.metrics.bootstrap_matrix`."""
        return bootstrap_matrix(self.q, self.cells.phenotype, len(self.matrix), bootstrap=bootstrap, seed=seed)

    def scores(self, *, confidence_k: int | None) -> dict[str, float]:
        """Scores of the present phenotype; a confidence is a share of the ``confidence_k`` largest probabilities, None: of all."""
        u = self.u if isinstance(self.network, TransitionModel) else None  # another network has one branch
        return classification_scores(self.cells.phenotype, self.predictions.fused, u, confidence_k=confidence_k)

    def model(self) -> Model:
        """q as a function of expression, for knockouts and explainers."""
        return model_of(self.variant, self.network)


def read_cells(
    path: str | Path,
    *,
    label: str,
    targets: Mapping[str, object],
    layer: str,
    kind: str,
    min_cells: int,
    components: int,
    embedding: str | Path | None = None,
    group: str | None = None,
) -> CellTable:
    """Read and check an h5ad file, and find what its cells become.

    ``targets`` is ``{"kind": "observed", "column": ...}``, ``{"kind": "optimal_transport", "time": ..., "epsilon": ...}``,
    ``{"kind": "pseudotime", "column": ..., "neighbours": ..., "bias": ...}`` or ``{"kind": "static"}``: see
    :mod:`cellfate.transition.targets.observed`. ``components`` are of the PCA in which transport and neighbours are found. Cells without a
    target (no descendant was seen, the last time point) help to find the others' targets and are then left out.
    """
    expression = read_h5ad(path, layer=layer, kind=kind)
    labels, names = labels_of(expression, label, min_cells)
    found = _targets(expression, labels, names, targets, components, label)
    given = read_embedding(embedding, expression.cells) if embedding else None
    groups = column_of(expression, group, "transition.group") if group else None
    keep = np.ones(len(labels), bool) if targets["kind"] == "static" else ~np.isnan(found).any(axis=1)
    kept = replace(expression, values=expression.values[keep], cells=expression.cells[keep], columns=expression.columns.of(keep))
    labels_of(kept, label, min_cells)  # enough cells of each phenotype must be left
    parts = (None if part is None else part[keep] for part in (given, groups))
    return CellTable(kept, labels[keep], names, found[keep], str(targets["kind"]), *parts)


def _targets(
    expression: Expression, labels: np.ndarray, names: list[str], settings: Mapping[str, object], components: int, label: str
) -> np.ndarray:
    kind, n = settings["kind"], len(names)
    if kind == "static":
        return static_targets(len(labels), n)
    key = "time" if kind == "optimal_transport" else "column"
    column = _needed(settings, key)
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
        return transport_targets(space, labels, values, n, epsilon=_needed(settings, "epsilon"), where=where)
    graph = {name: _needed(settings, name) for name in ("neighbours", "bias")}
    return pseudotime_targets(space, labels, values, n, **graph, where=where)


def _needed(settings: Mapping[str, object], key: str) -> object:
    """The value of ``key`` in the settings of the targets; an InputError where it is missing or null."""
    if settings.get(key) is None:
        raise InputError(f"transition.targets.{key} is missing: kind {settings['kind']} needs it")
    return settings[key]


def prepare_cells(
    table: CellTable, *, fractions: Sequence[float], genes: int, components: int, seed: int, standardise: bool = True
) -> tuple[Prepared, Cells]:
    """Normalise, split, choose genes and embed: see :func:`cellfate.transition.expression.prepare`."""
    prepared = prepare(
        table.expression,
        table.phenotype,
        fractions=fractions,
        genes=genes,
        components=components,
        seed=seed,
        embedding=table.embedding,
        groups=table.groups,
        standardise=standardise,
    )
    return prepared, Cells(prepared.values, prepared.embedding, table.phenotype, table.targets)


def cells_of(file: PreparedFile, variant: str) -> tuple[Prepared, Cells]:
    """The prepared cells as ``variant`` takes them: z-scores, or logarithms in the literal reading of the paper."""
    return file.cells(VARIANTS[variant].get("standardise", True))


def fit(prepared: Prepared, cells: Cells, n_phenotypes: int, variant: str, **settings: object) -> Fit:
    """Train ``variant`` on the training cells and look at the held-out ones; ``settings`` go to :func:`train`."""
    network, curves = train(prepared, cells, n_phenotypes, variant, **settings)
    return replace(look(variant, network, prepared, cells, n_phenotypes), curves=curves)


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
    network = build_network(variant, TransitionSettings(**sizes, **{**model, **change.get("model", {})}))
    listed = np.isin(prepared.genes.astype(str), list(prior))
    if "network" not in change and listed.any():
        network.prior[:] = torch.from_numpy(listed / listed.sum())
    parts = [cells.take(prepared.parts == name) for name in ("train", "validation")]
    schedule = TrainingSettings(**{**training, **change.get("training", {})})
    return train_network(network, *parts, schedule, seed=seed, threads=threads, label=variant)


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
        described = {"software": SOFTWARE, "variant": variant, "settings": asdict(network.settings)}
        torch.save({**described, "weights": network.state_dict()}, temporary)


def load_network(path: str | Path) -> nn.Module:
    """The network that :func:`save_network` wrote, ready to predict."""
    return next(iter(load_networks([path]).values()))


def load_networks(paths: Sequence[str | Path]) -> dict[str, nn.Module]:
    """The networks that :func:`save_network` wrote, by variant, ready to predict."""
    found = {}
    for path in paths:
        content = torch.load(path, weights_only=True)
        network = build_network(content["variant"], TransitionSettings(**content["settings"]))
        network.load_state_dict(content["weights"])
        found[content["variant"]] = network.eval()
    return found


def model_of(variant: str, network: nn.Module) -> Model:
    """q as a function of expression; the present phenotype is held at the observed one but in the literal reading of the paper."""
    return transition_function(network, VARIANTS[variant].get("phenotype_held", True))


def look(variant: str, network: nn.Module, prepared: Prepared, cells: Cells, n_phenotypes: int) -> Fit:
    """What a trained ``network`` says of the held-out cells."""
    held = cells.take(prepared.held_out)
    predictions = predict(network, held)
    q = model_of(variant, network)(held.expression, held.embedding, held.phenotype)
    u = uncertainty(predictions.full, predictions.fused)
    matrix = mean_by_phenotype(q, held.phenotype, n_phenotypes)
    return Fit(variant, network, prepared, prepared.held_out, predictions, q, u, matrix, held)


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
