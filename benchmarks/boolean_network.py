"""In-silico knockouts against a Boolean network of myeloid differentiation, whose fates without each factor are known exactly.

Rules, early state and fates: ``boolean_model.py``, after Krumsiek et al., PLoS ONE 2011, 6:e22649. Cells are states along asynchronous
walks of the wild type. Their phenotype is the terminal fate where the walk has ended, ``committed`` where one fate alone can still be
reached, else ``progenitor``; the next one is seen STEP updates later. Counts are Poisson around high or low expression of each factor,
with noise of their own, among as many genes that do nothing.

The loss of a factor loses a fate where the network without it never ends there (probability 0; the wild type reaches all four). A model
says so where its own probability to end there, from a progenitor and by the chain of its P, falls below a share of its wild-type value.
Knockouts are those of the package, and the same with propagation: expression of each gene by ridge regression on all others within
phenotypes (an association), through which a knockout moves other genes for PASSES passes, as in CellOracle (Kamimoto et al., Nature 2023);
once with all genes, once with the true regulators alone, which no user knows.

Each seed has its own cells and training. What is in the table of results already is not made again: remove it to start anew.

Run: OMP_NUM_THREADS=1 PYTHONPATH=src .venv/bin/python benchmarks/boolean_network.py [--seeds 1 2 3 4 5]
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from boolean_model import ALL_STATES, FACTORS, FATES, REGULATORS, Network
from page_part import write_part
from sklearn.linear_model import RidgeCV

from cellfate.base.files import replacing
from cellfate.statistics.chains.markov import absorption_probabilities
from cellfate.transition.cells import Cells, Model, Prepared
from cellfate.transition.fit import fit, logistic, prepare_cells, read_cells
from cellfate.transition.genes.knockouts import matrix_of
from cellfate.transition.h5ad import write_h5ad
from cellfate.transition.metrics import auroc
from cellfate.transition.network.names import variant_name

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results/benchmarks/boolean_network.csv"
SETTINGS = yaml.safe_load((ROOT / "config.yaml").read_text())["transition"]  # the defaults
READING = {"label": "phenotype", "layer": "X", "kind": "counts", "leave_out": ["rare"]}
CELLS, LONGEST, STEP = 3000, 60, 10  # updates of the longest walk, and until the next phenotype is seen
OTHERS, HIGH, LOW, NOISE, DEPTH = 39, 12.0, 1.0, 0.4, 0.2  # genes that do nothing; mean counts; spread of logarithms of genes and cells
VARIANTS = ("no_cell_learner", "full")
PASSES = 3
PENALTIES = np.logspace(0, 4, 9)
SHARES = (0.5, 0.1)  # of the wild type's probability, below which a fate counts as lost by a model
WAYS = {"plain": "knockout alone", "all": "with propagation", "true": "with propagation, true regulators"}
CONTROL = "expression of the factor in the fate"


def phenotypes_of(network: Network) -> np.ndarray:
    """The phenotype of every state that the early one reaches, (2048,) of text."""
    ends = [network.fate(end) for end in network.ends]
    can = network.absorption > 0
    committed = np.array([f"committed {name}" for name in ends], object)[can.argmax(axis=1)]
    found = np.where(can.sum(axis=1) == 1, committed, "progenitor").astype(object)
    for name, end in zip(ends, network.ends, strict=True):
        found[end] = name
    return found


def write_cells(path: str, seed: int) -> None:
    """Cells on their way through the wild type, with the phenotype of each and of the same walk STEP updates later."""
    rng, network = np.random.default_rng(seed), Network()
    names = phenotypes_of(network)
    state, at = np.full(CELLS, network.early), rng.integers(0, LONGEST + 1, CELLS)
    now, later = state.copy(), state.copy()
    for update in range(LONGEST + STEP + 1):
        now, later = np.where(at == update, state, now), np.where(at + STEP == update, state, later)
        state = network.steps[state, rng.integers(len(FACTORS), size=CELLS)]
    ended = np.isin(names[now].astype(str), list(FATES))
    following = np.where(ended, "", names[later])
    on = np.concatenate([ALL_STATES[now], rng.random((CELLS, OTHERS)) < rng.random(OTHERS)], axis=1)
    rates = np.where(on, HIGH, LOW) * np.exp(rng.normal(0, NOISE, on.shape) + rng.normal(0, DEPTH, (CELLS, 1)))
    genes = [*FACTORS, *(f"other{place:02d}" for place in range(OTHERS))]
    columns = {"phenotype": names[now], "next_phenotype": following.astype(object)}
    write_h5ad(path, rng.poisson(rates).astype(np.int32), [f"cell{place:05d}" for place in range(CELLS)], genes, columns)


@dataclass(frozen=True)
class Data:
    """The prepared cells of a seed, ``held`` those that are held out, ``train`` those of the training."""

    prepared: Prepared
    cells: Cells
    held: Cells
    train: Cells
    names: list[str]

    @property
    def genes(self) -> list[str]:
        return list(self.prepared.genes.astype(str))


@cache
def data_of(seed: int) -> Data:
    with tempfile.TemporaryDirectory() as folder:
        write_cells(f"{folder}/cells.h5ad", seed)
        targets = SETTINGS["targets"] | {"kind": "observed", "column": "next_phenotype"}
        given = {key: SETTINGS[key] for key in ("min_cells", "components")}
        table = read_cells(f"{folder}/cells.h5ad", targets=targets, **given, **READING)
    print(f"seed {seed}: {table.describe()}", flush=True)
    prepared, cells = prepare_cells(table, **{key: SETTINGS[key] for key in ("fractions", "genes", "components")}, seed=seed)
    parts = (cells.take(prepared.parts == name) for name in ("test", "train"))
    return Data(prepared, cells, *parts, table.phenotypes)


def regulation(data: Data, *, known: bool) -> np.ndarray:
    """By how much gene i goes with gene j, given all others (``known``: given the true regulators), within each phenotype: (n, m, m)."""
    genes = data.genes
    m = len(genes)
    found = np.zeros((len(data.names), m, m))
    for code in range(len(data.names)):
        x = data.train.expression[data.train.phenotype == code]
        for i, name in enumerate(genes):
            allowed = (
                [genes.index(other) for other in REGULATORS.get(name, ()) if other != name] if known else [j for j in range(m) if j != i]
            )
            if allowed and x[:, i].std() > 0:
                found[code, i, allowed] = RidgeCV(PENALTIES).fit(x[:, allowed], x[:, i]).coef_
    return found


def propagated(data: Data, gene: int, B: np.ndarray) -> np.ndarray:
    """Expression of the held-out cells (N, m) after ``gene`` is gone and others have followed, never beyond what training cells have."""
    x, zero = data.held.expression, data.prepared.zero[gene]
    first = np.zeros_like(x)
    first[:, gene] = zero - x[:, gene]
    moved = first
    for _ in range(PASSES):
        moved = np.einsum("cij,cj->ci", B[data.held.phenotype], moved)
        moved[:, gene] = first[:, gene]
    changed = np.clip(x + moved, data.train.expression.min(axis=0), data.train.expression.max(axis=0))
    changed[:, gene] = zero
    return changed


def fates_of(P: np.ndarray, names: list[str]) -> np.ndarray:
    """The probability of each of FATES from a progenitor, by the chain P."""
    P = np.clip(P, 0, None)
    found = absorption_probabilities(P / P.sum(axis=1, keepdims=True), [names.index(fate) for fate in FATES])
    return found[names.index("progenitor")]


def knockout_fates(model: Model, data: Data, way: str, moved: Callable[[int], np.ndarray]) -> pd.DataFrame:
    """The fates of the wild type and without each factor by ``model``: factor (None: wild type), fate, probability."""
    n, rows = len(data.names), []
    for factor in (None, *FACTORS):
        expression = data.held.expression if factor is None else moved(data.genes.index(factor))
        cells = Cells(expression, data.held.embedding, data.held.phenotype, data.held.targets, data.held.absorbing)
        found = fates_of(matrix_of(model, cells, n), data.names)
        rows += [(way, factor or "", fate, p) for fate, p in zip(FATES, found, strict=True)]
    return pd.DataFrame(rows, columns=["way", "factor", "fate", "probability"])


@cache
def regulations(seed: int) -> dict[str, np.ndarray]:
    """How far genes go with each other, in each of WAYS."""
    data = data_of(seed)
    m = len(data.genes)
    ridge = {way: regulation(data, known=way == "true") for way in ("all", "true")}
    return {"plain": np.zeros((len(data.names), m, m))} | ridge


def run(name: str, seed: int) -> pd.DataFrame:
    """What the model ``name`` says, for cells and a training of one seed: model, seed, way, factor, fate, probability."""
    data, n = data_of(seed), len(data_of(seed).names)
    if name == CONTROL:
        ends = [data.train.expression[data.train.phenotype == data.names.index(fate)] for fate in FATES]
        levels = [(f, fate, -own[:, data.genes.index(f)].mean()) for f in FACTORS for fate, own in zip(FATES, ends, strict=True)]
        return pd.DataFrame(levels, columns=["factor", "fate", "probability"]).assign(way="plain", model=name, seed=seed)
    if name == "logistic":
        model: Model = logistic(data.prepared, data.cells, n, confidence_k=None)[0]
    else:
        model = fit(data.prepared, data.cells, n, name, model=SETTINGS["model"], training=SETTINGS["training"], seed=seed).model()
    tables = [knockout_fates(model, data, way, lambda gene, B=B: propagated(data, gene, B)) for way, B in regulations(seed).items()]
    return pd.concat(tables).assign(model=name, seed=seed)


def all_results(models: Sequence[str], seeds: Sequence[int]) -> pd.DataFrame:
    """The results of ``models`` and ``seeds``, those that are not in the table yet added to it one by one; all of the table."""
    found = pd.read_csv(RESULTS, keep_default_na=False) if RESULTS.exists() else pd.DataFrame(columns=["model", "seed"])
    for name in models:
        for seed in seeds:
            if not ((found["model"] == name) & (found["seed"] == seed)).any():
                found = pd.concat([found, run(name, seed)], ignore_index=True)
                RESULTS.parent.mkdir(parents=True, exist_ok=True)
                with replacing(RESULTS) as temporary:
                    found.to_csv(temporary, index=False)
                print(f"{name}, seed {seed} done", flush=True)
    return found


def truth() -> pd.DataFrame:
    """The exact probability of each fate without each factor, ``""``: the wild type: (12, 4)."""
    return pd.DataFrame({factor or "": Network(factor).fates() for factor in (None, *FACTORS)}).T[list(FATES)]


def shares_left(own: pd.DataFrame) -> pd.DataFrame:
    """What is left of each fate's probability without each factor, over that of the wild type: (11, 4)."""
    wide = own.pivot(index="factor", columns="fate", values="probability")[list(FATES)]
    return wide.loc[list(FACTORS)] / (wide.loc[""] if "" in wide.index else 1.0)


def scores(results: pd.DataFrame, lost: np.ndarray) -> pd.DataFrame:
    """For each model, way and seed: AUROC of what is left for telling lost pairs, correlation with the truth, pairs found and false."""
    exact = truth()
    change, rows = (exact.loc[list(FACTORS)] - exact.loc[""]).to_numpy().ravel(), []
    for (model, way, seed), own in results.groupby(["model", "way", "seed"], sort=False):
        left = shares_left(own).to_numpy()
        row = {"model": model, "way": way, "seed": seed, "auroc": auroc(lost.ravel(), -left.ravel())}
        if model != CONTROL:
            wide = own.pivot(index="factor", columns="fate", values="probability")[list(FATES)]
            row["correlation"] = np.corrcoef((wide.loc[list(FACTORS)] - wide.loc[""]).to_numpy().ravel(), change)[0, 1]
            for share in SHARES:
                row |= {f"found {share:g}": int(((left < share) & lost).sum()), f"false {share:g}": int(((left < share) & ~lost).sum())}
        rows.append(row)
    return pd.DataFrame(rows)


def with_spread(values: pd.Series, digits: int) -> str:
    if values.isna().all():
        return "-"
    return f"{values.mean():.{digits}f} ({values.min():.{digits}f} to {values.max():.{digits}f})"


def score_table(found: pd.DataFrame, lost: np.ndarray) -> str:
    """The scores in Markdown: mean over seeds, smallest and largest in brackets."""
    pairs = f"of {lost.sum()}", f"of {(~lost).sum()}"
    heads = [text for share in SHARES for text in (f"below {share:g}: found {pairs[0]}", f"false {pairs[1]}")]
    lines = [f"| | | seeds | AUROC | correlation | {' | '.join(heads)} |", "|---|---|" + "---:|" * (3 + len(heads))]
    for (model, way), own in found.groupby(["model", "way"], sort=False):
        shown = [with_spread(own[name], 2) for name in ("auroc", "correlation")]
        shown = [str(len(own)), *shown]
        shown += [with_spread(own[f"{kind} {share:g}"], 1) for share in SHARES for kind in ("found", "false")]
        words = "no model" if model == CONTROL else WAYS[way]
        lines.append(f"| {CONTROL if model == CONTROL else variant_name(model)} | {words} | {' | '.join(shown)} |")
    return "\n".join(lines)


def factor_table(results: pd.DataFrame, model: str, way: str) -> str:
    """The probabilities of each fate in Markdown: bold the exact one, then the mean over seeds with the smallest and the largest."""
    exact = truth()
    lines = [f"| lost | {' | '.join(FATES)} |", "|---|" + "---:|" * len(FATES)]
    own = results[(results["model"] == model) & (results["way"] == way)]
    for factor in ("", *FACTORS):
        shown = []
        for fate in FATES:
            values = own.loc[(own["factor"] == factor) & (own["fate"] == fate), "probability"]
            shown.append(f"**{exact.loc[factor, fate]:.2f}** {values.mean():.2f} ({values.min():.2f} to {values.max():.2f})")
        lines.append(f"| {factor or 'nothing'} | {' | '.join(shown)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["logistic", *VARIANTS, CONTROL])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    given = parser.parse_args()
    results = all_results(given.models, given.seeds)
    lost = truth().loc[list(FACTORS)].to_numpy() < 1e-9
    text = score_table(scores(results, lost), lost)
    for name in [name for name in ("logistic", VARIANTS[0]) if name in set(results["model"])]:
        text += f"\n\nThe exact fates (bold), and those of {variant_name(name)}, knockout alone:\n\n{factor_table(results, name, 'plain')}"
    print(text)
    write_part("boolean_network", text)


if __name__ == "__main__":
    main()
