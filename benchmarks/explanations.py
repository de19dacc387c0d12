"""Do explanations name what was planted, and are they faithful? Simulated recordings with one effect, long before the event.

p53 is raised for five hours in the middle of the track of each cell that dies and falls back hours before its death; nothing else tells. So
the last frames cannot be right by luck, nor can the first. Conditions: the effect strong and weak; planted without any strength
("nothing", what the scores are where there is nothing to see); strong, but the network learns exchanged outcomes ("shuffled").

Each run is a data set of its own, explanations-<condition>-<seed>, made by the workflow with an overlay on demo/config.yaml. Runs that are
complete are not done again. Writes results/explanations/truth.csv and scores.csv, all runs below one another, and table.md, the means
over seeds that docs/explanations.md quotes.

Run: PYTHONPATH=src .venv/bin/python benchmarks/explanations.py [--conditions strong weak] [--seeds 601 602 603] [--cores 1]
"""

import argparse
import subprocess
import sys
from pathlib import Path

import pandas as pd
import yaml
from learning import sheet_of

from cellfate.base.files import replacing
from cellfate.base.tables import read_table
from cellfate.evaluation.tables import METRICS
from cellfate.explanation.attributions.deletion import SIGNED
from cellfate.explanation.attributions.names import RECENCY, label_of
from cellfate.explanation.attributions.scores import BEATS, GAP
from cellfate.explanation.tables import ATTRIBUTION_SCORES
from cellfate.truth.tables import TRUTH_ATTRIBUTIONS

ROOT = Path(__file__).resolve().parent.parent
WORK = Path("results/explanations")
PROTOCOL = "corrected"
PER_DOSE = 3  # recordings: 7 train, 1 validates, 4 are held out
STRENGTHS = {"strong": 3.0, "weak": 1.5, "nothing": 0.0, "shuffled": 3.0}  # by condition
METHODS = ["attention", "rollout", "gradient_input", "integrated_gradients", "occlusion", "channel_occlusion"]
SETTINGS = {  # beside the demo's; methods that need no masks and cost little; what the scores do not need is off
    "split": {"fractions": [0.5833, 0.0834, 0.3333]},
    "tracks": {"doubt": None},
    "crops": {"tracks": "fated"},
    "risks": {"enabled": False},
    "evaluation": {"truncation": [0, 10], "last_k": [10]},
    "explanation": {"methods": METHODS, "cells_per_outcome": 25},
}
RECORDINGS = {  # 24 cells with a fate, half of them die whatever the dose; nothing else looks like the effect, and it is faint in no cell
    "fated_cells": 24,
    "sister_pairs": 0,
    "death_probability": dict.fromkeys(("control", "low", "medium", "high"), 0.5),
    "distractors": {"p53_plateau": 0.0},
    "grading": {"spread": 0.2, "weak_fraction": 0.0, "plain_fraction": 0.0, "missing_fraction": 0.0, "onset_jitter": 0.2},
}
ONSET = 32  # frames before death, of tracks of 41 to 56 frames; half an hour each
EPOCHS = 12
TABLES = {"truth": ("truth/attributions.csv", TRUTH_ATTRIBUTIONS), "scores": ("tables/attribution_scores.csv", ATTRIBUTION_SCORES)}


def data_set(condition: str, seed: int) -> str:
    return f"explanations-{condition}-{seed}"


def results_of(condition: str, seed: int) -> Path:
    return Path("results") / data_set(condition, seed) / PROTOCOL


def write_overlay(condition: str, seed: int) -> Path:
    """Write sheet and overlay of one run."""
    name = data_set(condition, seed)
    sheet, path = WORK / f"{name}.tsv", WORK / f"{name}.yaml"
    effect = {"only": ["p53_transient"], "p53_transient": {"strength": STRENGTHS[condition], "onset": ONSET}}
    overlay = {
        "dataset": name,
        "protocol": PROTOCOL,
        "recordings": str(sheet),
        "seed": seed,
        "simulation": {**RECORDINGS, "effects": effect},
        "training": {"max_epochs": EPOCHS, "patience": EPOCHS, "shuffle_labels": condition == "shuffled"},
        **SETTINGS,
    }
    (ROOT / WORK).mkdir(parents=True, exist_ok=True)
    sheet_of(name, PER_DOSE).to_csv(ROOT / sheet, sep="\t", index=False)
    (ROOT / path).write_text(yaml.safe_dump(overlay, sort_keys=False))
    return path


def run_workflow(condition: str, seed: int, cores: int) -> bool:
    """Make the tables of one run; whether it succeeded."""
    wanted = [*(path for path, _ in TABLES.values()), "tables/test_metrics.csv"]
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        str(cores),
        "--configfile",
        "demo/config.yaml",
        str(write_overlay(condition, seed)),
    ]
    command += ["--", *(str(results_of(condition, seed) / path) for path in wanted)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def complete(condition: str, seed: int) -> bool:
    return all((ROOT / results_of(condition, seed) / path).exists() for path, _ in TABLES.values())


def accuracy(condition: str, seed: int) -> float:
    """Balanced accuracy on the held-out cells: where nothing was learned there is nothing to explain."""
    metrics = read_table(ROOT / results_of(condition, seed) / "tables/test_metrics.csv", METRICS)
    return float(metrics.loc[metrics["metric"] == "balanced_accuracy", "value"].iloc[0])


def gather(runs: list[tuple[str, int]]) -> None:
    """Write the tables of all runs, and the means over seeds that the page quotes."""
    found = {}
    for name, (path, declared) in TABLES.items():
        tables = []
        for condition, seed in runs:
            table = read_table(ROOT / results_of(condition, seed) / path, declared)
            tables.append(table.assign(condition=condition, seed=seed, balanced_accuracy=accuracy(condition, seed)))
        found[name] = pd.concat(tables, ignore_index=True)
        with replacing(ROOT / WORK / f"{name}.csv") as temporary:
            found[name].to_csv(temporary, index=False)
    with replacing(ROOT / WORK / "table.md") as temporary:
        temporary.write_text("\n".join(table_of(*found.values())) + "\n")


PLACES = [("frame", "relevance rank accuracy"), ("frame", "AUC-PR"), ("frame x channel", "AUC-PR")]
COLUMNS = [
    "condition",
    "method",
    "rank",
    "AUC-PR",
    "AUC-PR, frames and channels",
    "removed less kept",
    "against the last frames first",
    "beats",
]


def table_of(truth: pd.DataFrame, scores: pd.DataFrame) -> list[str]:
    """Lines of the page's tables: what was learned, then what each method names and how faithful it is: means and ranges of seeds."""
    truth = truth[truth["class"] == "all"]
    gaps = scores[(scores["class"] == "all") & (scores["score"] == GAP) & (scores["order"] == SIGNED)]
    lines = ["| condition | seed | balanced accuracy | deaths called right |", "|---|---:|---:|---:|"]
    for (condition, seed), own in truth.groupby(["condition", "seed"], sort=False):
        lines.append(f"| {condition} | {seed} | {own['balanced_accuracy'].iloc[0]:.2f} | {own['n'].max()} |")
    lines += ["", "| " + " | ".join(COLUMNS) + " |", "|---|---|" + "---:|" * (len(COLUMNS) - 2)]
    for condition, own in truth.groupby("condition", sort=False):
        of_gaps = gaps[gaps["condition"] == condition]
        for method in METHODS:
            rows, named = of_gaps[of_gaps["method"] == method], own[own["method"] == method]
            cells = [_spread(_at(named, place)["value"]) for place in PLACES]
            cells += [
                _spread(rows["value"]),
                _spread(rows["against_recency"], "+.2f"),
                f"{(rows['verdict'] == BEATS).sum()} of {len(rows)}",
            ]
            lines.append("| " + " | ".join([str(condition), label_of(method), *cells]) + " |")
        for label, column in ((label_of(RECENCY), "recency"), ("at random", "informative")):
            cells = [_spread(_at(own, place).groupby("seed")[column].first()) for place in PLACES]
            gap = _spread(of_gaps.loc[of_gaps["method"] == RECENCY, "value"]) if column == "recency" else ""
            lines.append("| " + " | ".join([str(condition), label, *cells, gap, "", ""]) + " |")
    return lines


def _at(rows: pd.DataFrame, place: tuple[str, str]) -> pd.DataFrame:
    return rows[(rows["level"] == place[0]) & (rows["score"] == place[1])]


def _spread(values: pd.Series, form: str = ".2f") -> str:
    """The mean over seeds, and in brackets the lowest and highest where there are several; nothing without a value."""
    if len(values) == 0:
        return ""
    ends = f" ({values.min():{form}} to {values.max():{form}})" if len(values) > 1 else ""
    return f"{values.mean():{form}}{ends}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conditions", nargs="+", choices=list(STRENGTHS), default=list(STRENGTHS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[601, 602, 603])
    parser.add_argument("--cores", type=int, default=1)
    options = parser.parse_args()
    wanted = [(condition, seed) for seed in options.seeds for condition in options.conditions]
    failed = [data_set(*run) for run in wanted if not complete(*run) and not run_workflow(*run, options.cores)]
    if runs := [run for run in wanted if complete(*run)]:
        gather(runs)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
