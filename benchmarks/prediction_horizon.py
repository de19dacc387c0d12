"""How long before the event are predictions right, and are their probabilities? Measured on whole tracks of new recordings.

The model is the demo's; the recordings are simulated with another seed, so that it has seen none of them. The workflow predicts
every track at every frame, those that end without an event too; only then are the values compared with how the tracks ended.

Run: PYTHONPATH=src .venv/bin/python benchmarks/prediction_horizon.py [--seed 1001] [--cores 1] [--figure-only]
Writes docs/images/prediction_horizon.png, and the numbers to results/horizon/.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import pandas as pd
import yaml
from horizon_figure import plot_horizon
from horizon_scores import censored_table, gather, horizon_table

from cellfate.base.files import replacing
from cellfate.base.plot_style import PNG_DPI

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS_PER_DOSE = 7  # control, low, medium, high
OUTCOMES = {"negative": "apoptosis", "positive": "mitosis"}
FRAME_INTERVAL_MIN = 30  # of the demo's sheet
FIGURE = "docs/images/prediction_horizon.png"


def data_set(seed: int) -> str:
    return f"horizon-{seed}"


def write_overlay(seed: int, model: str, work: Path) -> Path:
    """Write the sheet and the overlay on demo/config.yaml."""
    name = data_set(seed)
    demo = pd.read_csv(ROOT / "demo/recordings.tsv", sep="\t", dtype=str, keep_default_na=False)
    rows = pd.concat([group.iloc[[0] * RECORDINGS_PER_DOSE] for _, group in demo.groupby("dose", sort=False)], ignore_index=True)
    rows["recording"] = [f"new{number:02d}" for number in range(1, len(rows) + 1)]
    rows["images"] = [f"resources/{name}/images/{recording}" for recording in rows["recording"]]
    rows["tracks"] = [f"resources/{name}/annotations/{recording}.json" for recording in rows["recording"]]
    sheet, path = work / f"{name}.tsv", work / f"{name}.yaml"
    (ROOT / work).mkdir(parents=True, exist_ok=True)
    rows.to_csv(ROOT / sheet, sep="\t", index=False)
    overlay = {"dataset": name, "recordings": str(sheet), "seed": seed, "prediction": {"model": model}}
    (ROOT / path).write_text(yaml.safe_dump(overlay, sort_keys=False))
    return path


def run_workflow(seed: int, model: str, work: Path, cores: int) -> None:
    """Predict all recordings; only the tables are made."""
    overlay = write_overlay(seed, model, work)
    recordings = pd.read_csv((ROOT / overlay).with_suffix(".tsv"), sep="\t")["recording"]
    targets = [f"results/{data_set(seed)}/predictions/{recording}.parquet" for recording in recordings]
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--configfile", "demo/config.yaml", str(overlay), "--", *targets]
    subprocess.run(command, cwd=ROOT, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=f"Measure predictions against hours before the event and draw {FIGURE}")
    parser.add_argument("--seed", type=int, default=1001, help="of the new recordings")
    parser.add_argument("--model", default="results/demo/corrected/model", help="an exported model")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("results/horizon"), help="folder for sheet, overlay and scores")
    parser.add_argument("--figure-only", action="store_true", help="draw the figure from the predictions that are there")
    options = parser.parse_args()
    if not options.figure_only:
        run_workflow(options.seed, options.model, options.work, options.cores)
    rows = gather(ROOT / "results" / data_set(options.seed), OUTCOMES, FRAME_INTERVAL_MIN)
    horizon, censored = horizon_table(rows), censored_table(rows, OUTCOMES)
    horizon.to_csv(ROOT / options.work / "horizon.csv", index=False)
    censored.to_csv(ROOT / options.work / "censored.csv", index=False)
    print(horizon.round(3).to_string(index=False), censored.round(3).to_string(index=False), sep="\n\n")
    with replacing(ROOT / FIGURE) as temporary:
        plot_horizon(horizon, rows, OUTCOMES).savefig(temporary, format="png", dpi=PNG_DPI, metadata={"Software": None})


if __name__ == "__main__":
    main()
