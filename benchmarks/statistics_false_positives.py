"""False-positive rates of the statistics on simulated trajectories without any effect, and what is found where there is one.

Features are noise, attention is noise, and neither knows of the other. "white" frames are independent, "autocorrelated" ones
follow an AR(1) process; attention is smooth over frames, as a trained network's is. Effects are looked for in 30 trajectories of
one outcome; those of the other outcome serve the course that both share. Printed per setting, for features as measured (course
kept) and less the shared course (removed):

- permutation: share of trajectories with p < 0.05 in the paper's permutation test (exchangeable frames);
- interval: share of data sets whose 95 % bootstrap interval of the median Cliff's delta leaves out zero (trajectories drawn);
- shift: share of data sets with p < 0.05 for the median against circular shifts of the high-attention mask;
- both: share that interval and shift call together; above: share of data sets that they call with a positive median.

Run: PYTHONPATH=src .venv/bin/python benchmarks/statistics_false_positives.py [folder for the table]
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from scipy.signal import lfilter

from cellfate.base.progress import progress
from cellfate.explanation.tables import COURSES
from cellfate.statistics.bootstrap import median_with_interval
from cellfate.statistics.courses import remove_course
from cellfate.statistics.effect_sizes import deltas_of_shifts, high_attention
from cellfate.statistics.permutation import circular_shift_p_value, permutation_p_values


@dataclass(frozen=True)
class Setting:
    """How features and attention are drawn; slopes are in standard deviations of the noise per 75 frames."""

    noise: float = 0.0  # AR(1) coefficient of the features
    attention_rise: float = 0.0  # by how much attention rises at the end
    random_slope: bool = False  # a trend of random sign over each trajectory, 2 in all
    shared_slope: float = 0.0  # mean slope of all cells
    slope_spread: float = 0.0  # its standard deviation between cells
    rise: float = 0.0  # of the outcome that is looked at, over its last RISE_FRAMES frames
    rise_elsewhere: float = 0.0  # of the other outcome
    others: int = 30  # trajectories of the other outcome


TREND = {"noise": 0.8, "attention_rise": 3.0, "shared_slope": 3.0}
SETTINGS = {
    "white features, smooth attention": Setting(),
    "autocorrelated features (0.8), smooth attention": Setting(0.8),
    "autocorrelated features (0.95), smooth attention": Setting(0.95),
    "autocorrelated features (0.95), attention at the end": Setting(0.95, 3.0),
    "a trend of random sign in each cell, attention at the end": Setting(0.5, 3.0, random_slope=True),
    "a trend that all cells share, attention at the end": Setting(**TREND),
    "the same, its slope varies by half between cells": Setting(**TREND, slope_spread=1.5),
    "the same trend in all cells, 6 of the other outcome": Setting(**TREND, others=6),
    "a shared trend and a rise in the outcome, attention at the end": Setting(**TREND, rise=1.5),
    "a shared trend and a rise in the other outcome, attention at the end": Setting(**TREND, rise_elsewhere=1.5),
}
SMOOTH = 0.9  # AR(1) coefficient of the attention
RISE_FRAMES = 20
DATA_SETS, TRAJECTORIES, FEATURES = 200, 30, 4
LONGEST = 100  # frames; the shortest trajectory has 50
RESAMPLES, DRAWS, BOOTSTRAP = 2000, 2000, 1000
LEVEL = 0.05
HIGH_PERCENTILE = yaml.safe_load((Path(__file__).resolve().parent.parent / "config.yaml").read_text())["statistics"]["high_percentile"]


def autoregressive(rng: np.random.Generator, shape: tuple[int, int], coefficient: float) -> np.ndarray:
    """AR(1) noise (rows, T) of unit variance."""
    noise = rng.normal(size=(shape[0], shape[1] + 200)) * np.sqrt(1 - coefficient**2)
    return lfilter([1.0], [1.0, -coefficient], noise, axis=1)[:, 200:]


def simulate(rng: np.random.Generator, setting: Setting, rise: float) -> tuple[np.ndarray, np.ndarray]:
    """One trajectory of 50 to 100 frames: features (F, T) and attention (T,); ``rise`` is the effect of its outcome."""
    n = int(rng.integers(LONGEST // 2, LONGEST + 1))
    before_end = np.arange(n)[::-1]
    weights = autoregressive(rng, (1, n), SMOOTH)[0] + setting.attention_rise * np.linspace(0, 1, n) ** 4
    trend = rise * np.clip(1 - before_end / RISE_FRAMES, 0, None)
    if setting.random_slope:
        trend = trend + rng.choice([-1, 1], size=(FEATURES, 1)) * np.linspace(0, 2, n)
    if setting.shared_slope:
        slopes = rng.normal(setting.shared_slope, setting.slope_spread, size=(FEATURES, 1))
        trend = trend - slopes * before_end / 75
    return trend + autoregressive(rng, (FEATURES, n), setting.noise), weights


def without_course(values: list[np.ndarray], others: list[np.ndarray]) -> list[np.ndarray]:
    """Each trajectory's features (F, T) less the course that its outcome and the other share; a trajectory is a unit."""
    aligned = np.full((len(values) + len(others), FEATURES, LONGEST), np.nan)
    for place, one in enumerate([*values, *others]):
        aligned[place, :, : one.shape[1]] = one[:, ::-1]
    number = np.arange(len(aligned))
    units = np.minimum(number, len(values))  # the others' own residuals are not needed: one unit
    residuals = remove_course(aligned, number >= len(values), units)
    return [residuals[place, :, : one.shape[1]][:, ::-1] for place, one in enumerate(values)]


def judge(values: list[np.ndarray], weights: list[np.ndarray], seed: int) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Share of p < 0.05 over trajectories and features; per feature, whether interval and shift call an effect, and the median."""
    masks = [high_attention(one, HIGH_PERCENTILE) for one in weights]
    p_values = [
        permutation_p_values(one, high, resamples=RESAMPLES, seed=[seed, place])
        for place, (one, high) in enumerate(zip(values, masks, strict=True))
    ]
    shifted = [deltas_of_shifts(one, high) for one, high in zip(values, masks, strict=True)]
    interval, shift, medians = np.zeros(FEATURES, bool), np.zeros(FEATURES, bool), np.zeros(FEATURES)
    for f in range(FEATURES):
        deltas = [d[:, f] for d in shifted]
        medians[f], low, high = median_with_interval([d[0] for d in deltas], resamples=BOOTSTRAP, seed=seed)
        interval[f] = low > 0 or high < 0
        shift[f] = circular_shift_p_value(deltas, draws=DRAWS, seed=seed) < LEVEL
    return float((np.array(p_values) < LEVEL).mean()), interval, shift, medians


def one_data_set(seed: int, setting: Setting) -> list[tuple]:
    """What :func:`judge` finds with the course kept, then removed."""
    rng = np.random.default_rng(seed)
    values, weights = zip(*(simulate(rng, setting, setting.rise) for _ in range(TRAJECTORIES)), strict=True)
    of_others = np.random.default_rng([seed, 1])
    others = [simulate(of_others, setting, setting.rise_elsewhere)[0] for _ in range(setting.others)]
    return [judge(list(values), list(weights), seed), judge(without_course(list(values), others), list(weights), seed)]


def summarize(found: list[tuple]) -> tuple[float, ...]:
    """Means over data sets and features; the standard error treats features of one data set as independent."""
    permutation, interval, shift, medians = (np.array([f[i] for f in found], float) for i in range(4))
    both = interval * shift
    error = np.sqrt(both.mean() * (1 - both.mean()) / both.size)
    return permutation.mean(), interval.mean(), shift.mean(), both.mean(), (both * (medians > 0)).mean(), error, np.median(medians)


def main(folder: Path) -> None:
    rows = []
    for name, setting in SETTINGS.items():
        found = [one_data_set(seed, setting) for seed in progress(range(DATA_SETS), name)]
        rows += [(name, course, *summarize([f[place] for f in found])) for place, course in enumerate(COURSES)]
    columns = ["setting", "course", "permutation", "interval", "shift", "both", "above", "both_standard_error", "median_delta"]
    table = pd.DataFrame(rows, columns=columns)
    print(f"{DATA_SETS} data sets of {TRAJECTORIES} trajectories and {FEATURES} features; share called at {LEVEL}")
    print(table.to_string(index=False, float_format=lambda v: f"{v:.3f}"))
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "statistics_false_positives.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "results")
