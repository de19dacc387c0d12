"""What the transition network finds of what was planted, over unseen seeds, beside its ablations and baselines.

Each seed is a simulated data set of its own, written and read as h5ad, with its own split and training. Rows of a seed that are
there already are not made again. The tables of docs/transition.md between the markers are written from them.

Run: OMP_NUM_THREADS=1 PYTHONPATH=src .venv/bin/python benchmarks/transition.py [--seeds 11 12 13] [--page-only]
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
from learning_page import processor

from cellfate.files import replacing
from cellfate.transition import VARIANTS, fit, logistic, prepare_cells, rank_genes, read_cells
from cellfate.transition_baselines import counted_matrix
from cellfate.transition_files import without_scaling
from cellfate.transition_knockouts import genes_against_null, knockout_effects, sets_against_null, some_of_each
from cellfate.transition_metrics import mean_by_phenotype, precision_at_k
from cellfate.transition_plots import variant_name
from cellfate.transition_simulation import simulate_cells, write_cells, write_truth
from cellfate.transition_training import Cells
from cellfate.transition_truth import discovery, effect_correlation, matrix_error, read_truth, regulator_auroc

ROOT = Path(__file__).resolve().parent.parent
RESULTS, PAGE = ROOT / "benchmarks/results/transition.csv", ROOT / "docs/transition.md"
BEGIN, END = "<!-- results of benchmarks/transition.py -->", "<!-- end of results -->"
OBSERVED = {"kind": "observed", "column": "next_phenotype"}
OTHER_TARGETS = {
    "optimal transport between time points": {"kind": "optimal_transport", "time": "time"},
    "neighbours biased by pseudotime": {"kind": "pseudotime", "column": "pseudotime"},
}
PERMUTATIONS = 2000
NULL_CELLS, SET_CELLS = 50, 20  # of each phenotype, for the nulls of genes and of sets
EXPLAINED = ("full",)  # variants whose knockouts are tested and which permutation importance and LIME explain


def run_seed(seed: int) -> pd.DataFrame:
    """All scores of one seed: seed, method, metric, value."""
    rows: list[tuple] = []
    with tempfile.TemporaryDirectory() as folder:
        cells = simulate_cells(seed=seed)
        write_cells(cells, f"{folder}/cells.h5ad")
        write_truth(cells, f"{folder}/truth.h5")
        whole = read_truth(f"{folder}/truth.h5")
        table = read_cells(f"{folder}/cells.h5ad", targets=OBSERVED)
        others = {name: read_cells(f"{folder}/cells.h5ad", targets=settings) for name, settings in OTHER_TARGETS.items()}
    n = len(table.phenotypes)
    scaled, arrays = prepare_cells(table, seed=seed)
    truth = whole.of(list(table.expression.cells[scaled.parts == "test"]), list(scaled.genes))

    def add(method: str, values: dict[str, float]) -> None:
        rows.extend((seed, method, metric, value) for metric, value in values.items())
        print(seed, method, {key: round(value, 3) for key, value in values.items()}, flush=True)

    started = time.process_time()
    regression, matrix, scores, held = logistic(scaled, arrays, n)
    effects = knockout_effects(regression, held, scaled.zero, one_each(truth), n)
    used = time.process_time() - started
    add("logistic", scores | model_scores(matrix, effects, truth) | {"cpu_s": used})
    add("counting", {"matrix_error": matrix_error(counted_matrix(arrays.take(scaled.parts == "train"), n), truth)})
    add("uniform", {"matrix_error": matrix_error(np.full((n, n), 1 / n), truth)})
    add("rank: knockout of the regression", ranking_scores(np.abs(effects).max(axis=(1, 2)), truth))
    for name, other in others.items():
        add(f"targets: {name}", {"matrix_error": matrix_error(mean_by_phenotype(other.targets, other.phenotype, n), whole)})
    for variant in VARIANTS:
        prepared = scaled if VARIANTS[variant].get("standardise", True) else without_scaling(scaled)
        started = time.process_time()
        run = fit(
            prepared, Cells(prepared.values, prepared.embedding, arrays.phenotype, arrays.targets), n, variant, bootstrap=10, seed=seed
        )
        used = time.process_time() - started
        effects = knockout_effects(run.model(), run.cells, prepared.zero, one_each(truth), n)
        add(variant, run.scores | model_scores(run.matrix, effects, truth) | {"cpu_s": used})
        strongest = np.abs(effects).max(axis=(1, 2))
        if variant in EXPLAINED:
            found = rank_genes(run, regression, seed=seed) | {"knockout": strongest}
            for method, values in found.items():
                add(f"rank: {method}", ranking_scores(values, truth))
            explain_knockouts(run, prepared, table.phenotypes, truth, whole, seed, add)
        else:
            found = rank_genes(run, explain=False) | {"knockout": strongest}
            for method in ("attention x weight", "cls attention", "knockout"):
                if method in found and variant in ("no_regulation", "literal", "token_learner", "no_cell_learner"):
                    add(f"rank: {method}, {variant}", ranking_scores(found[method], truth))
    return pd.DataFrame(rows, columns=["seed", "method", "metric", "value"])


def one_each(truth) -> list[list[int]]:
    return [[place] for place in range(len(truth.genes))]


def model_scores(matrix: np.ndarray, effects: np.ndarray, truth) -> dict[str, float]:
    return {"matrix_error": matrix_error(matrix, truth), "knockout_correlation": effect_correlation(effects, truth)}


def ranking_scores(values: np.ndarray, truth) -> dict[str, float]:
    return {"precision": precision_at_k(values, truth.regulators), "regulator_auroc": regulator_auroc(values, truth)}


def explain_knockouts(run, prepared, phenotypes, truth, whole, seed: int, add) -> None:
    """Tests of genes and pathways of the full network."""
    cells = run.cells.take(some_of_each(run.cells.phenotype, NULL_CELLS))
    genes, edges = genes_against_null(run.model(), cells, prepared.zero, list(truth.genes), phenotypes, PERMUTATIONS, seed=seed)
    add("test of genes", discovery(genes["significant"].to_numpy(), truth) | {"edges": float((edges["q_value"] <= 0.05).sum())})
    held_out = discovery((genes["held_out_q_value"] <= 0.05).to_numpy(), truth)
    add("test of genes by held-out likelihood", held_out)
    cells = run.cells.take(some_of_each(run.cells.phenotype, SET_CELLS))
    sets = {
        name: [g for g, r in zip(truth.genes, whole_roles(truth, index), strict=True) if r] for index, name in enumerate(truth.pathways)
    }
    table, _ = sets_against_null(
        run.model(), cells, prepared.zero, list(truth.genes), sets, prepared.log_expression.mean(axis=0), phenotypes, PERMUTATIONS, seed
    )
    true = truth.pathway_effects()
    for index, row in enumerate(table.itertuples()):
        i, j = truth.pathway_edges[index]
        own = (row.source, row.target) == (phenotypes[i], phenotypes[j])
        values = {"change": row.change, "true_change": float(true[index, i, j]), "random": row.own_edge_random, "ratio": row.ratio}
        add(f"pathway: {row.gene_set}", values | {"p_value": row.p_value, "own_edge_strongest": float(own)})


def whole_roles(truth, pathway: int) -> np.ndarray:
    """Which genes belong to a pathway: those whose knockout changes the pathway's edge in truth."""
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


def page(rows: pd.DataFrame) -> str:
    """The tables between the markers of the page."""
    wide = rows.pivot_table(index=["method", "seed"], columns="metric", values="value")
    seeds = sorted(rows["seed"].unique())
    parts = [
        f"Means over the unseen seeds {', '.join(map(str, seeds))}, in brackets the smallest and the largest; bold: the best of a column.",
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
            ["test of genes", "test of genes by held-out likelihood"],
            {"called": "called", "false_discovery_proportion": "of these no regulator", "regulators_found": "regulators found"},
            best=False,
        ),
        "**Knockout of whole pathways** (change of the pathway's strongest edge; random: mean of 2,000 matched sets; ratio of the two):",
        _section(
            wide,
            [name for name in _methods(rows) if name.startswith("pathway:")],
            {"change": "change", "true_change": "true change", "random": "random sets", "ratio": "ratio", "p_value": "p"},
            best=False,
        ),
        provenance(rows),
    ]
    return "\n\n".join(parts)


def _methods(rows: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(rows["method"]))


def _section(wide: pd.DataFrame, methods: list[str], metrics: dict[str, str], best: bool = True) -> str:
    """A table in Markdown, one row per method."""
    means = wide.reindex(methods, level=0).groupby(level=0)[list(metrics)].mean().reindex(methods)
    lines = ["| | " + " | ".join(metrics.values()) + " |", "|---" + "|---:" * len(metrics) + "|"]
    for method in methods:
        cells = []
        for metric in metrics:
            values = wide.loc[method][metric].dropna() if method in wide.index.get_level_values(0) else pd.Series(dtype=float)
            if values.empty:
                cells.append("-")
                continue
            column = means[metric]
            winner = column.min() if metric in SMALLER else column.max()
            digits = 4 if metric in ("p_value", "matrix_error") else 1 if metric in ("ratio", "cpu_s", "called") else 3
            text = f"{values.mean():.{digits}f}"
            text = f"**{text}**" if best and means.loc[method, metric] == winner else text
            cells.append(f"{text} ({values.min():.{digits}f} to {values.max():.{digits}f})")
        lines.append(f"| {variant_name(method.removeprefix('rank: ').removeprefix('targets: '))} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def provenance(rows: pd.DataFrame) -> str:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    used = rows.loc[rows["metric"] == "cpu_s", "value"].sum() / 60
    date, machine = datetime.now(UTC).date().isoformat(), f"{processor()}, {os.cpu_count()} cores, no GPU"
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    return (
        f"{date}, commit {commit}, {machine}, {versions}. One thread was used, shared with other work, so only CPU time is given: "
        f"{used:.0f} minutes of training."
    )


def write_page(rows: pd.DataFrame) -> None:
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    with replacing(PAGE) as temporary:
        temporary.write_text(f"{before}{BEGIN}\n\n{page(rows)}\n\n{END}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--page-only", action="store_true")
    arguments = parser.parse_args()
    rows = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame(columns=["seed", "method", "metric", "value"])
    for seed in [] if arguments.page_only else arguments.seeds:
        if seed not in set(rows["seed"]):
            rows = pd.concat([rows, run_seed(seed)], ignore_index=True)
            with replacing(RESULTS) as temporary:
                rows.to_csv(temporary, index=False)
    write_page(rows[rows["seed"].isin(arguments.seeds)])


if __name__ == "__main__":
    main()
