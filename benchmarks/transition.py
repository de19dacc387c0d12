"""What the transition network finds of what was planted, over unseen seeds, beside its ablations and baselines.

Each seed is a simulated data set of its own, written and read as h5ad, with its own split and training. What is in the table of
results already is not made again: remove it to start anew. The tables of docs/transition.md between the markers are written from them.

Run: OMP_NUM_THREADS=1 PYTHONPATH=src .venv/bin/python benchmarks/transition.py [--seeds 11 12 13] [--further 21 22] [--page-only]
"""

import argparse
import os
import platform
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from learning_page import processor
from transition_scores import counted_matrix, effect_correlation, regulator_auroc

from cellfate.base.files import replacing
from cellfate.figures.transition.ablation import variant_name
from cellfate.transition.cells import Cells, Prepared
from cellfate.transition.files import without_scaling
from cellfate.transition.fit import CellTable, Fit, fit, logistic, prepare_cells, read_cells
from cellfate.transition.genes.knockouts import genes_against_null, knockout_effects, some_of_each
from cellfate.transition.genes.rankings import explainer_scores, expression_scores, network_scores
from cellfate.transition.genes.refits import refit_p_values
from cellfate.transition.genes.sets import matched_sets, sets_against_null
from cellfate.transition.metrics import mean_by_phenotype, precision_at_k
from cellfate.transition.network.baselines import NETWORKS
from cellfate.transition.network.variants import VARIANTS
from cellfate.transition.simulation import simulate_cells, write_cells, write_truth
from cellfate.transition.truth import Truth, discovery, matrix_error, read_truth

ROOT = Path(__file__).resolve().parent.parent
RESULTS, PAGE = ROOT / "results/benchmarks/transition.csv", ROOT / "docs/transition.md"
BEGIN, END = "<!-- results of benchmarks/transition.py -->", "<!-- end of results -->"
SETTINGS = yaml.safe_load((ROOT / "config.yaml").read_text())["transition"]  # the defaults; only the targets are others
KNOCKOUTS, FITTING = SETTINGS["knockouts"], {key: SETTINGS[key] for key in ("model", "training")}
OBSERVED = {"kind": "observed", "column": "next_phenotype"}
OTHER_TARGETS = {
    "optimal transport between time points": {"kind": "optimal_transport", "time": "time"},
    "neighbours biased by pseudotime": {"kind": "pseudotime", "column": "pseudotime"},
}
NULL_CELLS, SET_CELLS = 50, 10  # of each phenotype, for the nulls of genes and of sets
EXPLAINED = "test of genes"  # the step in which the full network is explained, named after its first row
REFITTED = "test of genes by refitting"
STEPS = ("logistic", "full", "no_regulation", "literal", "no_cell_learner", "no_fusion", "neither", "token_learner", *NETWORKS)
STEPS += (EXPLAINED, REFITTED)


def read(path: str, targets: dict[str, object]) -> CellTable:
    """The cells of a file with their ``targets``, read as the defaults say."""
    given = {key: SETTINGS[key] for key in ("label", "min_cells", "components")}
    given |= {key: SETTINGS["expression"][key] for key in ("layer", "kind")}
    return read_cells(path, targets=SETTINGS["targets"] | targets, **given)


class Seed:
    """The simulated cells of one seed, prepared, with the truth of the held-out ones whose genes are knocked out."""

    def __init__(self, seed: int):
        self.seed = seed
        with tempfile.TemporaryDirectory() as folder:
            cells = simulate_cells(**SETTINGS["simulation"], seed=seed)
            write_cells(cells, f"{folder}/cells.h5ad")
            write_truth(cells, f"{folder}/truth.h5")
            self.whole = read_truth(f"{folder}/truth.h5")
            self.table = read(f"{folder}/cells.h5ad", OBSERVED)
            self.others = {name: read(f"{folder}/cells.h5ad", targets) for name, targets in OTHER_TARGETS.items()}
        self.n = len(self.table.phenotypes)
        self.prepared, self.cells = prepare_cells(
            self.table, **{key: SETTINGS[key] for key in ("fractions", "genes", "components")}, seed=seed
        )
        names, genes = self.table.expression.cells[self.prepared.held_out], list(self.prepared.genes)
        self.truth = self.whole.of(list(names), genes)
        self.some = some_of_each(self.truth.phenotype, NULL_CELLS)
        self.some_truth = self.whole.of(list(names[self.some]), genes)
        self.rows: list[tuple] = []

    def add(self, method: str, values: dict[str, float]) -> None:
        self.rows.extend((self.seed, method, metric, value) for metric, value in values.items())
        print(self.seed, method, {key: round(value, 3) for key, value in values.items()}, flush=True)

    def knockouts(self, model, held: Cells, zero: np.ndarray) -> np.ndarray:
        return knockout_effects(model, held.take(self.some), zero, [[place] for place in range(len(zero))], self.n)

    def transition_scores(self, matrix: np.ndarray, effects: np.ndarray) -> dict[str, float]:
        return {"matrix_error": matrix_error(matrix, self.truth), "knockout_correlation": effect_correlation(effects, self.some_truth)}


def run_baselines(data: Seed) -> None:
    """Counting, the other kinds of targets, logistic regression."""
    n, truth = data.n, data.truth
    started = time.process_time()
    regression, matrix, scores, held = logistic(data.prepared, data.cells, n, confidence_k=SETTINGS["confidence_k"])
    used = time.process_time() - started
    effects = data.knockouts(regression, held, data.prepared.zero)
    data.add("logistic", scores | data.transition_scores(matrix, effects) | {"cpu_s": used})
    train = data.cells.take(data.prepared.parts == "train")
    data.add("counting", {"matrix_error": matrix_error(counted_matrix(train, n), truth)})
    data.add("uniform", {"matrix_error": matrix_error(np.full((n, n), 1 / n), truth)})
    data.add("rank: logistic regression", ranking_scores(regression.gene_scores(), truth))
    data.add("rank: knockout of the regression", ranking_scores(np.abs(effects).max(axis=(1, 2)), truth))
    for name, other in data.others.items():
        found = mean_by_phenotype(other.targets, other.phenotype, n)
        data.add(f"targets: {name}", {"matrix_error": matrix_error(found, data.whole)})


def train(data: Seed, variant: str) -> tuple[Fit, Prepared]:
    prepared = data.prepared if VARIANTS[variant].get("standardise", True) else without_scaling(data.prepared)
    cells = Cells(prepared.values, prepared.embedding, data.cells.phenotype, data.cells.targets)
    return fit(prepared, cells, data.n, variant, **FITTING, seed=data.seed), prepared


def run_variant(data: Seed, variant: str) -> None:
    """Train one variant and score what it says."""
    started = time.process_time()
    run, prepared = train(data, variant)
    used = time.process_time() - started
    effects = data.knockouts(run.model(), run.cells, prepared.zero)
    data.add(variant, run.scores(confidence_k=SETTINGS["confidence_k"]) | data.transition_scores(run.matrix, effects) | {"cpu_s": used})
    suffix = f", {variant_name(variant)}" if variant != "full" else ""
    found = {"knockout": np.abs(effects).max(axis=(1, 2))} | network_scores(run)
    found = {name: found[name] for name in ("attention x weight", "weight", "cls attention", "knockout") if name in found}
    if "network" not in VARIANTS[variant]:
        for method, values in found.items():
            data.add(f"rank: {method}{suffix}", ranking_scores(values, data.truth))


def run_explained(data: Seed) -> None:
    """The full network once more: tests of genes and pathways, permutation importance and LIME, beside differential expression."""
    run, prepared = train(data, "full")
    explain_knockouts(data, run, prepared)
    cells = data.cells.take(prepared.parts == "train")  # differential expression has as many cells as the regression
    for method, values in (explainer_scores(run, cells_each=NULL_CELLS, seed=data.seed) | expression_scores(cells)).items():
        data.add(f"rank: {method}", ranking_scores(values, data.truth))


def run_refitted(data: Seed) -> None:
    """The test of genes on cells that the network was trained without."""
    started = time.process_time()
    settings = {key: KNOCKOUTS[key] for key in ("refits", "permutations", "level")} | {"cells_each": KNOCKOUTS["cells"]}
    genes = refit_p_values(data.prepared, data.cells, data.table.phenotypes, "full", **settings, seed=data.seed, **FITTING)
    used = time.process_time() - started
    data.add(REFITTED, called_genes(genes["refit_q_value"], data.truth) | {"test_cpu_s": used})


def called_genes(q: pd.Series, truth: Truth) -> dict[str, float]:
    """What a test calls at a false-discovery rate of 0.05, and how many of these go with a regulator and do nothing."""
    significant = (q <= 0.05).to_numpy()
    return discovery(significant, truth) | {"called_followers": float((significant & (truth.roles == "follower")).sum())}


def ranking_scores(values: np.ndarray, truth: Truth) -> dict[str, float]:
    return {"precision": precision_at_k(values, truth.regulators), "regulator_auroc": regulator_auroc(values, truth)}


def explain_knockouts(data: Seed, run: Fit, prepared: Prepared) -> None:
    """Tests of genes and of pathways."""
    truth, phenotypes = data.some_truth, data.table.phenotypes
    null = {key: KNOCKOUTS[key] for key in ("permutations", "level")}
    genes = genes_against_null(
        [run.model()], run.cells.take(data.some), prepared.zero, list(truth.genes), phenotypes, **null, seed=data.seed
    ).table
    data.add("test of genes", called_genes(genes["use_q_value"], truth))
    data.add("test of genes by held-out likelihood", called_genes(genes["held_out_q_value"], truth))
    sets = {name: list(np.array(truth.genes)[members_of(truth, index)]) for index, name in enumerate(truth.pathways)}
    cells = run.cells.take(some_of_each(run.cells.phenotype, SET_CELLS))
    means = prepared.log_expression.mean(axis=0)
    draws = KNOCKOUTS["set_draws"]
    table, _ = sets_against_null(
        [run.model()], cells, prepared.zero, list(truth.genes), sets, means, phenotypes, set_draws=draws, seed=data.seed
    )
    true = truth.pathway_effects()
    rng = np.random.default_rng(data.seed)
    for index, row in enumerate(table.itertuples()):
        i, j = truth.pathway_edges[index]
        own = list(np.flatnonzero(members_of(truth, index)))
        sets = [own, *matched_sets(own, means, draws, rng)]
        effects = knockout_effects(run.model(), cells, prepared.zero, sets, len(phenotypes), f"own edge of {row.gene_set}")[:, i, j]
        random = np.abs(effects[1:]).mean()
        values = {"change": effects[0], "true_change": true[index, i, j], "random": random, "ratio": -effects[0] / random}
        data.add(f"pathway: {row.gene_set}", {name: float(value) for name, value in values.items()} | {"p_value": row.p_value})


def members_of(truth: Truth, pathway: int) -> np.ndarray:
    """Which genes belong to a pathway: those whose knockout changes the pathway's edge in truth, (m,) bool."""
    i, j = truth.pathway_edges[pathway]
    return np.abs(truth.effects()[:, i, j]) > 1e-6


# ---- the page ----

CLASSIFIED = ["logistic", "full", "no_fusion", "no_cell_learner", "neither", "no_regulation", "literal", "token_learner"]
CLASSIFIED += ["mlp", "transformer", "resnet", "convnext"]
SCORES = {
    "accuracy": "accuracy",
    "f1_macro": "macro F1",
    "kappa": "kappa",
    "confidence": "confidence",
    "ece": "ECE",
    "uncertainty": "u",
    "auroc_uncertainty": "AUROC of u",
    "auroc_max_probability": "AUROC of 1 - max p",
}
TRANSITIONS = {"matrix_error": "error of P", "knockout_correlation": "knockout correlation", "cpu_s": "CPU seconds"}
SMALLER = {"ece", "matrix_error", "uncertainty", "cpu_s"}
DIGITS = {"p_value": 4, "matrix_error": 4, "ratio": 1, "cpu_s": 1, "test_cpu_s": 1, "called": 1, "called_followers": 1}


def page(rows: pd.DataFrame, further: pd.DataFrame) -> str:
    """The tables between the markers of the page; ``further`` are the rows of the test by refitting of other seeds."""
    wide = rows.pivot_table(index=["method", "seed"], columns="metric", values="value")
    seeds = sorted(rows["seed"].unique())
    parts = [
        f"Means over the unseen seeds {', '.join(map(str, seeds))}, in brackets the smallest and the largest; bold: the best "
        "of a column among those with all seeds.",
        "**Present phenotype** (the paper's tables 1 and 2):",
        _section(wide, CLASSIFIED, SCORES),
        "**Transitions and knockouts** (P: mean absolute error over all entries; knockouts: correlation of the changes of P with the true "
        "ones, over all genes and edges):",
        _section(wide, [*CLASSIFIED, "counting", "uniform"], TRANSITIONS),
        "**Error of P of the targets themselves**, without any model, when descendants are not observed:",
        _section(wide, [name for name in _methods(rows) if name.startswith("targets:")], {"matrix_error": "error of P"}),
        "**Ranking of genes** (precision among the first 15 of 80, of which 15 are regulators: chance 0.19; the paper's table 3):",
        _section(
            wide, [name for name in _methods(rows) if name.startswith("rank:")], {"precision": "precision", "regulator_auroc": "AUROC"}
        ),
        "**Which genes the tests call** at a false-discovery rate of 0.05:",
        _section(
            wide,
            ["test of genes", "test of genes by held-out likelihood", REFITTED],
            {
                "called": "called",
                "called_followers": "of these followers",
                "false_discovery_proportion": "share that is no regulator",
                "regulators_found": "regulators found",
                "test_cpu_s": "CPU seconds",
            },
            best=False,
        ),
        _further_refits(further),
        "**Knockout of whole pathways** (change of P at the edge that the pathway has; random sets: mean size of the change that 2,000 "
        "matched sets make there; fall: how many times as far the pathway lowers its edge; p: of its largest change over all edges):",
        _section(
            wide,
            [name for name in _methods(rows) if name.startswith("pathway:")],
            {"change": "change", "true_change": "true change", "random": "random sets", "ratio": "fall", "p_value": "p"},
            best=False,
        ),
        provenance(rows),
    ]
    return "\n\n".join(parts)


def _further_refits(rows: pd.DataFrame) -> str:
    """What the test by refitting called where nothing else was run: its rate of false calls needs more data sets than the rest."""
    table = rows[rows["method"] == REFITTED].pivot_table(index="seed", columns="metric", values="value")
    if table.empty:
        return "The test by refitting alone on further seeds: not run yet."
    proportion = table["false_discovery_proportion"]
    wrong, error = (table["called"] * proportion).sum(), proportion.std() / len(table) ** 0.5
    return (
        f"The test by refitting alone on {len(table)} further seeds ({table.index.min()} to {table.index.max()}): "
        f"{table['called'].sum():.0f} genes called, {wrong:.0f} of them no regulators ({table['called_followers'].sum():.0f} followers); "
        f"share that is no regulator {proportion.mean():.3f} (standard error {error:.3f}), "
        f"regulators found {table['regulators_found'].mean():.3f}."
    )


def _methods(rows: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(rows["method"]))


def _section(wide: pd.DataFrame, methods: list[str], metrics: dict[str, str], best: bool = True) -> str:
    """A table in Markdown, one row per method that was run; bold is the best mean of those with all seeds."""
    seeds = wide.index.get_level_values("seed").nunique()
    run = [method for method in methods if method in wide.index.get_level_values("method")]
    tables = {method: wide.loc[method].reindex(columns=list(metrics)).dropna(how="all") for method in run}
    whole = pd.DataFrame({method: table.mean() for method, table in tables.items() if len(table) == seeds})
    if not run:
        return "Not run yet."
    lines = ["| | seeds | " + " | ".join(metrics.values()) + " |", "|---|---:" + "|---:" * len(metrics) + "|"]
    for method, table in tables.items():
        cells = []
        for metric in metrics:
            values = table[metric].dropna()
            digits = DIGITS.get(metric, 3)
            if values.empty:
                cells.append("-")
                continue
            text = f"{values.mean():.{digits}f}"
            if best and method in whole:
                winner = whole.loc[metric].min() if metric in SMALLER else whole.loc[metric].max()
                text = f"**{text}**" if whole.loc[metric, method] == winner else text
            cells.append(text + f" ({values.min():.{digits}f} to {values.max():.{digits}f})" * (len(values) > 1))
        name = method.removeprefix("rank: ").removeprefix("targets: ").removeprefix("pathway: ")
        lines.append(f"| {variant_name(name)} | {len(table)} | " + " | ".join(cells) + " |")
    absent = [variant_name(method) for method in methods if method not in run]
    return "\n".join(lines) + f"\n\nNot run yet: {', '.join(absent)}." * bool(absent)


def provenance(rows: pd.DataFrame) -> str:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    used = rows.loc[rows["metric"] == "cpu_s", "value"].sum() / 60
    date, machine = datetime.now(UTC).date().isoformat(), f"{processor()}, {os.cpu_count()} cores, no GPU"
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    return (
        f"{date}, commit {commit}, {machine}, {versions}. One thread was used, shared with other work, so only CPU time is given: "
        f"{used:.0f} minutes of training."
    )


def write_page(rows: pd.DataFrame, further: pd.DataFrame) -> None:
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    with replacing(PAGE) as temporary:
        temporary.write_text(f"{before}{BEGIN}\n\n{page(rows, further)}\n\n{END}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--further", type=int, nargs="*", default=list(range(21, 29)), help="seeds of the test by refitting alone")
    parser.add_argument("--page-only", action="store_true")
    arguments = parser.parse_args()
    rows = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame(columns=["seed", "method", "metric", "value"])
    data: dict[int, Seed] = {}
    for step in [] if arguments.page_only else STEPS:
        for seed in arguments.seeds + (arguments.further if step == REFITTED else []):
            if ((rows["seed"] == seed) & (rows["method"] == step)).any():
                continue
            data.setdefault(seed, Seed(seed)).rows.clear()
            if step == "logistic":
                run_baselines(data[seed])
            elif step == EXPLAINED:
                run_explained(data[seed])
            elif step == REFITTED:
                run_refitted(data[seed])
            else:
                run_variant(data[seed], step)
            rows = pd.concat([rows, pd.DataFrame(data[seed].rows, columns=list(rows.columns))], ignore_index=True)
            with replacing(RESULTS) as temporary:
                rows.to_csv(temporary, index=False)
    write_page(rows[rows["seed"].isin(arguments.seeds)], rows[rows["seed"].isin(arguments.further)])


if __name__ == "__main__":
    main()
