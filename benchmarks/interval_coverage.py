"""How often do 95 % intervals of scores hold the true score, and how often do conformal sets hold the true class? Tables only, no pixels.

An experiment is a handful of recordings with cells, their classes and the log-odds that two predictors give them; the true score is that
of very many recordings. Recordings differ, or not, in how hard their cells are, by how much their log-odds are shifted, in their share of
either class, in their number of cells, and in whether they have the second class at all. Written beside each other: the intervals of
cellfate.statistics.intervals, and a percentile bootstrap of whole recordings. Methods were chosen on the seeds ``development``; numbers to
quote are those of ``judging``.

Run: PYTHONPATH=src .venv/bin/python benchmarks/interval_coverage.py [--seeds development] [--experiments 1000]
     [--folder benchmarks/results]
"""

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from cellfate.base.progress import progress
from cellfate.statistics.bootstrap import bootstrap_counts
from cellfate.statistics.conformal import fit_sets, predict_sets, score_sets
from cellfate.statistics.intervals import score_interval
from cellfate.statistics.scores import Score, auroc, balanced_accuracy, difference, log_loss


@dataclass(frozen=True)
class Case:
    """How recordings are drawn; spreads are standard deviations between recordings."""

    cells: float = 12  # mean per recording
    uneven: float = 0.0  # spread of the logarithm of their number
    share: float = 0.35  # of class 1
    mix: float = 0.0  # spread of the share's log-odds
    has_both: float = 1.0  # share of recordings that have class 1 at all
    skill: tuple[float, float] = (1.3, 1.0)  # distance of a class's cells from the boundary, both predictors; noise is 1
    difficulty: float = 0.0  # spread of the skill
    shift: float = 0.0  # spread of the boundary
    own_noise: float = 0.6  # of the second predictor, besides that of the cell


EFFECTS = {"mix": 0.7, "difficulty": 0.5, "shift": 0.5}
STRONG = {"mix": 1.5, "difficulty": 1.0, "shift": 1.0}
GOOD = {"skill": (2.2, 2.0), "own_noise": 0.3}
CASES = {
    "recordings alike": Case(),
    "alike, 40 cells each": Case(cells=40),
    "alike, uneven sizes": Case(uneven=1.0),
    "alike, 40 % have the class": Case(has_both=0.4),
    "alike, nearly perfect": Case(**GOOD),
    "class mix alone differs": Case(mix=1.5),
    "effects": Case(**EFFECTS),
    "effects, 4 cells each": Case(cells=4, **EFFECTS),
    "effects, uneven sizes": Case(uneven=1.0, **EFFECTS),
    "effects, 40 % have the class": Case(has_both=0.4, **EFFECTS),
    "effects, nearly perfect": Case(**GOOD, **EFFECTS),
    "effects, at chance": Case(skill=(0.0, 0.0), **EFFECTS),
    "effects, predictors much alike": Case(skill=(1.3, 1.3), own_noise=0.1, **EFFECTS),
    "strong effects": Case(**STRONG),
    "strong effects, 40 cells each": Case(cells=40, **STRONG),
}
RECORDINGS = (3, 5, 8, 16, 40)
SEEDS = {"development": 1, "judging": 3}  # 2 was looked at before the last change
TRUE_CELLS = 500_000  # of the recordings that the true score is taken from
RESAMPLES = 500
NAMES = ("class 0", "class 1")
STEEP = 1.7  # log-odds per unit of distance
FIRM = 0.7  # how much of a recording's effect both predictors share
CONFORMAL_CASES = ("recordings alike", "effects", "effects, uneven sizes", "strong effects")
CONFORMAL_UNITS = (4, 8, 16, 19, 40)
LEVEL = 0.95
NEW_RECORDINGS = 20


@dataclass(frozen=True)
class Experiment:
    """Cells (N,): class, log-odds by two predictors, number of the recording."""

    labels: np.ndarray
    first: np.ndarray
    second: np.ndarray
    units: np.ndarray


def simulate(case: Case, recordings: int, rng: np.random.Generator) -> Experiment:
    """One experiment; each recording has at least one cell."""
    mean = case.cells * np.exp(rng.normal(0, case.uneven, recordings) - case.uneven**2 / 2)
    units = np.repeat(np.arange(recordings), 1 + rng.poisson(np.maximum(mean - 1, 0)))
    share = expit(logit(case.share) + rng.normal(0, case.mix, recordings)) * (rng.random(recordings) < case.has_both)
    labels = (rng.random(len(units)) < share[units]).astype(int)
    side, noise = 2 * labels - 1, rng.normal(size=len(units))
    hard, shifted = rng.normal(0, case.difficulty, recordings), rng.normal(0, case.shift, recordings)
    first = side * (case.skill[0] + hard[units]) + shifted[units] + noise
    hard = FIRM * hard + rng.normal(0, case.difficulty / 2, recordings)
    shifted = FIRM * shifted + rng.normal(0, case.shift / 2, recordings)
    second = side * (case.skill[1] + hard[units]) + shifted[units] + noise + rng.normal(0, case.own_noise, len(units))
    return Experiment(labels, STEEP * first, STEEP * second, units)


def scores_of(one: Experiment) -> dict[str, Score]:
    accurate = [balanced_accuracy(one.labels, (logits > 0).astype(int)) for logits in (one.first, one.second)]
    losses = [log_loss(one.labels, logits) for logits in (one.first, one.second)]
    found = {"balanced accuracy": accurate[0], "log-loss": losses[0]}
    found |= {"difference in balanced accuracy": difference(*accurate), "difference in log-loss": difference(*losses)}
    return found | {"AUROC": auroc(one.labels, one.first)}


def bootstrap_limits(score: Score, units: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Percentile limits over resampled recordings; NaN where no resample has both classes."""
    n = units.max() + 1
    weights = bootstrap_counts(n, RESAMPLES, rng).astype(float)
    sums, totals = (
        np.array([np.bincount(units, row, minlength=n) for row in rows]) for rows in (score.weights * score.values, score.weights)
    )
    with np.errstate(invalid="ignore"):
        drawn = score.contrast @ ((sums @ weights.T) / (totals @ weights.T))
    known = drawn[~np.isnan(drawn)]
    return tuple(np.percentile(known, [2.5, 97.5])) if len(known) else (np.nan, np.nan)


def true_scores(name: str) -> dict[str, float]:
    recordings = int(TRUE_CELLS / CASES[name].cells)
    return {key: score.value for key, score in scores_of(simulate(CASES[name], recordings, np.random.default_rng(0))).items()}


def judge(name: str, recordings: int, truth: dict[str, float], experiments: int, seed: int) -> list[dict]:
    """Both methods' limits in the experiments of one cell of the table against the true scores: one row per score and method."""
    case, place, rows = CASES[name], list(CASES).index(name), []
    for number in range(experiments):
        rng = np.random.default_rng([seed, place, recordings, number])
        one = simulate(case, recordings, rng)
        for key, score in scores_of(one).items():
            own = score_interval(score, one.units, names=NAMES, unit="recording")
            rows.append((key, "cellfate", own.low, own.high))
            if key != "AUROC":  # a bootstrap of pairs is not one of sums
                rows.append((key, "bootstrap", *bootstrap_limits(score, one.units, rng)))
    limits = pd.DataFrame(rows, columns=["score", "method", "low", "high"])
    limits["truth"] = limits["score"].map(truth)
    return [_summary(of, group) | {"case": name, "recordings": recordings} for of, group in limits.groupby(["score", "method"])]


def _summary(of: tuple[str, str], limits: pd.DataFrame) -> dict:
    known = limits.dropna()
    held = (known["low"] <= known["truth"]) & (known["truth"] <= known["high"])
    found = {"score": of[0], "method": of[1], "experiments": len(limits), "with_interval": len(known) / len(limits)}
    return found | {"coverage": held.mean(), "mean_width": (known["high"] - known["low"]).mean(), "truth": limits["truth"].iloc[0]}


def judge_sets(name: str, recordings: int, experiments: int, seed: int) -> dict:
    """Coverage of conformal sets in new recordings, of those fitted on ``recordings``; means over classes and recordings."""
    case, found, promised = CASES[name], [], []
    for number in range(experiments):
        rng = np.random.default_rng([seed, 1, list(CASES).index(name), recordings, number])
        one = simulate(case, recordings + NEW_RECORDINGS, rng)
        new, probabilities = one.units >= recordings, expit(one.first)
        limits = fit_sets(probabilities[~new], one.labels[~new], one.units[~new], level=LEVEL)
        if any(limit.reason for limit in limits):
            continue
        promised.append(np.mean([limit.level for limit in limits]))
        scores = score_sets(predict_sets(probabilities[new], limits), one.labels[new], one.units[new])
        found.append([np.mean([getattr(score, what) for score in scores]) for what in ("coverage", "decided", "wrong")])
    means = dict(zip(("coverage", "decided", "wrong"), np.mean(found, axis=0), strict=True)) if found else {}
    share = len(found) / experiments
    return {"case": name, "recordings": recordings, "with_sets": share, "promised": np.mean(promised) if promised else np.nan} | means


def summary_table(table: pd.DataFrame) -> Iterator[str]:
    """Markdown: per score and number of recordings the range of coverage over cases, beside that of the bootstrap."""
    yield "| score | recordings | coverage: lowest, highest | with an interval | mean width | bootstrap: coverage | mean width |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for score in dict.fromkeys(table["score"]):
        for recordings in RECORDINGS:
            cell = table[(table["score"] == score) & (table["recordings"] == recordings)]
            own, plain = (cell[cell["method"] == method] for method in ("cellfate", "bootstrap"))
            shown = [_range(own), f"{own['with_interval'].mean():.2f}", f"{own['mean_width'].mean():.3f}"]
            shown += [_range(plain), f"{plain['mean_width'].mean():.3f}"] if len(plain) else ["", ""]
            yield "| " + " | ".join([score, str(recordings), *shown]) + " |"


def _range(rows: pd.DataFrame) -> str:
    return f"{rows['coverage'].min():.3f}, {rows['coverage'].max():.3f}"


def case_table(table: pd.DataFrame, score: str) -> Iterator[str]:
    """Markdown: coverage per case and number of recordings; in brackets the share with an interval, where it is below 0.995."""
    own = table[(table["score"] == score) & (table["method"] == "cellfate")].set_index(["case", "recordings"])
    yield "| " + " | ".join([score, *map(str, RECORDINGS)]) + " |"
    yield "|---|" + "---:|" * len(RECORDINGS)
    for case in CASES:
        cells = [own.loc[(case, recordings)] for recordings in RECORDINGS]
        shown = [f"{c['coverage']:.3f}" + (f" ({c['with_interval']:.2f})" if c["with_interval"] < 0.995 else "") for c in cells]
        yield "| " + " | ".join([case, *shown]) + " |"


def sets_table(table: pd.DataFrame) -> Iterator[str]:
    yield "| case | recordings | experiments with sets | promised | coverage | decided | wrong |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for row in table.itertuples():
        shown = f"{row.with_sets:.2f} | {row.promised:.3f} | {row.coverage:.3f} | {row.decided:.2f} | {row.wrong:.3f}"
        yield f"| {row.case} | {row.recordings} | {shown} |"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", choices=SEEDS, default="judging")
    parser.add_argument("--experiments", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args(arguments)
    seed = SEEDS[chosen.seeds]
    with ProcessPoolExecutor(chosen.processes) as pool:
        truth = dict(zip(CASES, progress(pool.map(true_scores, CASES), "true scores", len(CASES)), strict=True))
        cells = [pool.submit(judge, name, n, truth[name], chosen.experiments, seed) for name in CASES for n in reversed(RECORDINGS)]
        sets = [pool.submit(judge_sets, name, n, chosen.experiments, seed) for name in CONFORMAL_CASES for n in CONFORMAL_UNITS]
        table = pd.DataFrame([row for cell in progress(cells, "cells of the table") for row in cell.result()])
        of_sets = pd.DataFrame([one.result() for one in sets])
    order = [score for score in scores_of(simulate(Case(), 4, np.random.default_rng(0))) if score in set(table["score"])]
    table = table.sort_values("score", key=lambda names: names.map(order.index), kind="stable")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(chosen.folder / f"coverage_{chosen.seeds}.csv", index=False, float_format="%.6g")
    of_sets.to_csv(chosen.folder / f"coverage_sets_{chosen.seeds}.csv", index=False, float_format="%.6g")
    print(*summary_table(table), *(line for score in order for line in ("", *case_table(table, score))), "", *sets_table(of_sets), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
