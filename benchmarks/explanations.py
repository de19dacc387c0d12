"""Do explanations name what was planted, and are they faithful? Simulated recordings whose effects differ in strength and time.

Each run is a data set of its own, explanations-<condition>-<seed>, made by the workflow with an overlay on demo/config.yaml. Runs that are
complete are not done again. In the condition "transient" p53 is raised for five hours long before death and nothing else tells: there the
last frames cannot be right by luck. With "shuffled" the network learns exchanged outcomes, so its explanations should name nothing.
Writes results/explanations/truth.csv and scores.csv, all runs below one another.

Run: PYTHONPATH=src .venv/bin/python benchmarks/explanations.py [--conditions all half transient] [--seeds 601 602] [--cores 1]
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
from cellfate.explanation.tables import ATTRIBUTION_SCORES
from cellfate.simulation.settings import FATE_EFFECTS, SimulationSettings
from cellfate.truth.tables import TRUTH_ATTRIBUTIONS

ROOT = Path(__file__).resolve().parent.parent
WORK = Path("results/explanations")
PROTOCOL = "corrected"
PER_DOSE = 4  # recordings, as the demo has
DEFAULTS = SimulationSettings().effects
HALF = {name: {"strength": 0.5} for name in FATE_EFFECTS if getattr(DEFAULTS, name).on}
CONDITIONS = {
    "all": {},
    "half": {"simulation": {"effects": HALF}},
    "transient": {"simulation": {"effects": {"only": ["p53_transient"]}}},
    "shuffled": {"training": {"shuffle_labels": True}},
}
METHODS = ["attention", "rollout", "gradient_input", "integrated_gradients", "occlusion", "channel_occlusion"]  # those that need no masks
TABLES = {"truth": ("truth/attributions.csv", TRUTH_ATTRIBUTIONS), "scores": ("tables/attribution_scores.csv", ATTRIBUTION_SCORES)}


def data_set(condition: str, seed: int) -> str:
    return f"explanations-{condition}-{seed}"


def results_of(condition: str, seed: int) -> Path:
    return Path("results") / data_set(condition, seed) / PROTOCOL


def write_overlay(condition: str, seed: int) -> Path:
    """Write sheet and overlay of one run."""
    name = data_set(condition, seed)
    sheet, path = WORK / f"{name}.tsv", WORK / f"{name}.yaml"
    overlay = {
        "dataset": name,
        "protocol": PROTOCOL,
        "recordings": str(sheet),
        "seed": seed,
        "explanation": {"methods": METHODS, "cells_per_outcome": None},
        "risks": {"enabled": False},
        **CONDITIONS[condition],
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
    """Write the tables of all runs and print the means that the page quotes."""
    for name, (path, declared) in TABLES.items():
        tables = []
        for condition, seed in runs:
            table = read_table(ROOT / results_of(condition, seed) / path, declared)
            tables.append(table.assign(condition=condition, seed=seed, balanced_accuracy=accuracy(condition, seed)))
        with replacing(ROOT / WORK / f"{name}.csv") as temporary:
            pd.concat(tables, ignore_index=True).to_csv(temporary, index=False)
    truth = pd.read_csv(ROOT / WORK / "truth.csv")
    shown = truth[(truth["class"] == "all") & (truth["score"] != "relevance mass accuracy")]
    columns = ["informative", "recency", "value", "against_recency_low", "against_recency_high", "n"]
    print(shown.set_index(["condition", "seed", "balanced_accuracy", "level", "score", "method"])[columns].round(2).to_string())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conditions", nargs="+", choices=list(CONDITIONS), default=["all", "half", "transient"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[601, 602])
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
