"""Where attention lies and where occlusion lies, against the onset of the effects that were planted, in the learning benchmark's runs.

Reads the models, embeddings and truth that benchmarks/learning.py left, and writes results/learning/evidence.csv.

Run: PYTHONPATH=src .venv/bin/python benchmarks/learning_evidence.py [--window 11]
"""

import argparse
from pathlib import Path

import pandas as pd
import yaml

from cellfate.base.files import replacing
from cellfate.base.tables import read_table
from cellfate.model.embedding_file import EmbeddingFile
from cellfate.model.inference import compute_attention, open_model
from cellfate.model.tables import PREDICTIONS
from cellfate.truth.scores import read_true_cells, score_evidence

ROOT = Path(__file__).resolve().parent.parent
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
OUTCOMES = {"negative": "apoptosis", "positive": "mitosis"}


def evidence(name: str, window: int) -> pd.DataFrame:
    """The truth_evidence table of one run, its test trajectories of all recordings."""
    results = ROOT / "results" / name / "corrected"
    trajectories, split = (read_table(results / f"{table}.parquet", table) for table in ("trajectories", "split"))
    predictions = read_table(results / "fold-0/predictions.parquet", PREDICTIONS)
    with EmbeddingFile(results / "fold-0/embeddings.h5") as embeddings:
        model = open_model(results / "fold-0/model", threads=1, accelerator=CONFIG["training"]["accelerator"])
        attention = compute_attention(model, embeddings, trajectories, split, 0, splits=["test"], occlusion_window=window)
    cells = read_true_cells(sorted((ROOT / "resources" / name / "truth").glob("*.h5")))
    percentile = CONFIG["statistics"]["high_percentile"]
    return score_evidence(cells, attention, predictions, trajectories, OUTCOMES, high_percentile=percentile)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--window", type=int, default=11)
    window = parser.parse_args().window
    names = sorted(path.parents[2].name for path in ROOT.glob("results/learning-*/corrected/fold-0/predictions.parquet"))
    tables = [evidence(name, window).assign(run=name) for name in names]
    table = pd.concat([table for table in tables if len(table)], ignore_index=True)
    with replacing(ROOT / "results/learning/evidence.csv") as temporary:
        table.to_csv(temporary, index=False)
    index = ["run", "outcome", "n_trajectories", "share_all"]
    print(table.pivot_table(index=index, columns="by", values="share_high").round(2).to_string())


if __name__ == "__main__":
    main()
