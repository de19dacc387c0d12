"""What the runs of the learning benchmark found, gathered from their tables: scores of network and baselines, and planted effects."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from learning_baselines import mean_over_runs, predict_baselines
from learning_draws import balanced_accuracy_draws, interval

from cellfate.base.files import replacing
from cellfate.base.tables import Table, read_table
from cellfate.evaluation.pooling import pooled
from cellfate.evaluation.tables import METRICS
from cellfate.explanation.tables import EFFECT_SUMMARY, EFFECTS
from cellfate.model.tables import ATTENTION, PREDICTIONS
from cellfate.statistics.bootstrap import median_with_interval
from cellfate.statistics.effect_sizes import high_attention
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

RESAMPLES = 2000
CONFIG = yaml.safe_load((Path(__file__).resolve().parent.parent / "config.yaml").read_text())
DROPPED = (0, 5, 10, 20, 30)  # frames that the baselines do without, fitted again for each; where all effects are on
NETWORK = "network"
FOLD = "fold-0"  # there is one
KEY = ["condition", "scope", "method", "dropped"]


@dataclass(frozen=True)
class Run:
    """One finished run: where its results are, and its predictions for the held-out trajectories."""

    condition: str
    seed: int
    folder: Path  # results/{dataset}/{protocol}

    @property
    def crops(self) -> list[Path]:
        return sorted((self.folder.parent / "crops").glob("*.h5"))

    def table(self, path: str, declared: Table) -> pd.DataFrame:
        return read_table(self.folder / path, declared)


def baseline_rows(run: Run, cache: Path) -> pd.DataFrame:
    """The baselines' predictions of a run, kept in ``cache``: reading all crops takes a while."""
    if not cache.exists():
        tables = run.table("trajectories.parquet", TRAJECTORIES), run.table("split.parquet", SPLIT)
        shorter = DROPPED if run.condition == "all" else DROPPED[:1]
        rows = pd.concat([predict_baselines(run.crops, *tables, fold=0, seed=run.seed, dropped=n) for n in shorter])
        with replacing(cache) as temporary:
            rows.to_parquet(temporary, index=False)
    return pd.read_parquet(cache)


def predicted_rows(run: Run, cache: Path) -> pd.DataFrame:
    """Held-out predictions of network and baselines: seed and KEY, recording, label, predicted.

    Scope ``all`` has every held-out trajectory, ``treated`` those of treated recordings; truncated ones are treated only. The
    baselines have the trajectories that the network has.
    """
    predictions = pooled(run.table(f"{FOLD}/predictions.parquet", PREDICTIONS), splits=("test",), treatment=None)
    network = predictions.rename(columns={"n": "dropped"})
    full = network[network["condition"] == "full"]
    truncated = network[(network["condition"] == "truncation") & (network["dropped"] > 0)]
    rows = pd.concat([full, truncated]).assign(method=NETWORK)
    keys = pd.MultiIndex.from_frame(rows[["trajectory", "dropped"]])
    baselines = baseline_rows(run, cache)
    baselines = baselines[pd.MultiIndex.from_frame(baselines[["trajectory", "dropped"]]).isin(keys)]
    both = pd.concat([rows, baselines], ignore_index=True)
    scopes = [both[both["dropped"] == 0].assign(scope="all"), both[both["treatment"] != "none"].assign(scope="treated")]
    columns = ["method", "scope", "dropped", "trajectory", "recording", "label", "predicted"]
    return pd.concat(scopes, ignore_index=True)[columns].assign(condition=run.condition, seed=run.seed)


def score_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per KEY: mean over seeds, standard deviation between them, interval by recording, sizes.

    ``values``, ``lows`` and ``highs`` are the scores of the single seeds with their own intervals, {seed: number}.
    """
    found = []
    for key, members in rows.groupby(KEY, sort=False):
        runs = by_seed(members)
        mean, spread, values, draws = mean_over_runs(runs, resamples=RESAMPLES)
        singles = [interval(balanced_accuracy_draws(by_recording(one), RESAMPLES, seed)[1]) for seed, one in runs.items()]
        by_name = [dict(zip(runs, map(float, column), strict=True)) for column in (values, *zip(*singles, strict=True))]
        sizes = len(runs), len(members), int(members.groupby("seed")["recording"].nunique().sum())
        found.append((*key, mean, spread, *interval(draws), *sizes, *by_name))
    columns = [*KEY, "mean", "spread", "low", "high", "seeds", "trajectories", "recordings", "values", "lows", "highs"]
    return pd.DataFrame(found, columns=columns)


def by_seed(rows: pd.DataFrame) -> dict[int, pd.DataFrame]:
    """The rows of each seed in which both outcomes are there."""
    return {int(seed): one for seed, one in rows.groupby("seed") if one["label"].nunique() == 2}


def by_recording(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows whose resampled unit is the recording."""
    return rows.assign(unit=rows["recording"])


def difference(rows: pd.DataFrame, baseline: str) -> tuple[float, float, float]:
    """Network minus baseline in balanced accuracy, mean over seeds, with its interval over the same draws of recordings."""
    pairs = []
    for seed, one in by_seed(rows).items():
        methods = [balanced_accuracy_draws(by_recording(one[one["method"] == name]), RESAMPLES, seed) for name in (NETWORK, baseline)]
        pairs.append((methods[0][0] - methods[1][0], methods[0][1] - methods[1][1]))
    low, high = interval(np.mean([draws for _, draws in pairs], axis=0))
    return float(np.mean([value for value, _ in pairs])), low, high


def effects_by_seed(runs: Iterable[Run]) -> pd.DataFrame:
    """The effect summaries of the runs below one another, with their seed."""
    tables = [run.table("tables/effect_summary.csv", EFFECT_SUMMARY).assign(seed=run.seed) for run in runs]
    return pd.concat(tables, ignore_index=True)


def effects_over_seeds(runs: Iterable[Run]) -> pd.DataFrame:
    """Median Cliff's delta over the trajectories of all seeds, interval by recording: course, outcome, feature, n, median, low, high."""
    tables = [run.table("tables/effects.parquet", EFFECTS).assign(seed=run.seed) for run in runs]
    effects = pd.concat(tables, ignore_index=True).dropna(subset="cliffs_delta")
    found = []
    for key, rows in effects.groupby(["course", "outcome", "feature"], sort=False):
        recordings = rows["seed"].astype(str) + "/" + rows["recording"]
        values = median_with_interval(rows["cliffs_delta"].to_numpy(), recordings.to_numpy(), resamples=RESAMPLES, seed=0)
        found.append((*key, len(rows), *values))
    return pd.DataFrame(found, columns=["course", "outcome", "feature", "n", "median", "low", "high"])


def largest_by_seed(effects: pd.DataFrame) -> pd.DataFrame:
    """Per seed the row with the largest absolute median delta over outcomes and features."""
    known = effects.dropna(subset="median_delta")
    return known.loc[[deltas.abs().idxmax() for _, deltas in known.groupby("seed")["median_delta"]]]


def end_share(runs: Iterable[Run], part: float = 0.25) -> float:
    """Share of the high-attention frames of the compared trajectories that lie in the last ``part`` of their trajectory."""
    inside = []
    for run in runs:
        compared = run.table("tables/effects.parquet", EFFECTS)["trajectory"].unique()
        attention = run.table(f"{FOLD}/attention.parquet", ATTENTION)
        for _, rows in attention[attention["trajectory"].isin(compared)].groupby("trajectory"):
            before_end = rows["frames_before_end"].to_numpy()[
                high_attention(rows["weight"].to_numpy(), CONFIG["statistics"]["high_percentile"])
            ]
            inside += list(before_end < part * len(rows))
    return float(np.mean(inside))


def run_table(runs: Iterable[Run]) -> pd.DataFrame:
    """One row per run: sizes of the parts, held-out score with its interval, kept epoch, core-minutes of training."""
    found = []
    for run in runs:
        split = run.table("split.parquet", SPLIT)["split"].value_counts()
        metrics = run.table("tables/test_metrics.csv", METRICS)
        row = metrics[(metrics["scope"] == "all") & (metrics["metric"] == "balanced_accuracy")].iloc[0]
        best = json.loads((run.folder / FOLD / "model/settings.json").read_text())["best"]
        time = pd.read_csv(run.folder / "benchmarks" / FOLD / "train_model.tsv", sep="\t")["cpu_time"].iloc[0] / 60
        parts = tuple(int(split.get(part, 0)) for part in ("train", "validation", "test"))
        found.append((run.condition, run.seed, *parts, row["value"], row["ci_low"], row["ci_high"], best["epoch"], time))
    columns = ["condition", "seed", "train", "validation", "test", "value", "low", "high", "epoch", "minutes"]
    return pd.DataFrame(found, columns=columns)
