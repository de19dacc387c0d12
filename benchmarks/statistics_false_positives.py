"""False-positive rates of the two statistics on simulated trajectories without any effect.

Features are noise, attention is noise, and neither knows of the other. "white" frames are independent, "autocorrelated" ones
follow an AR(1) process; attention is smooth over frames, as a trained network's is. Printed per setting:

- permutation: share of trajectories with p < 0.05 in the paper's permutation test (exchangeable frames);
- interval: share of data sets whose 95 % bootstrap interval of the median Cliff's delta leaves out zero (trajectories drawn);
- shift: share of data sets with p < 0.05 for the median against circular shifts of the high-attention mask;
- both: share that interval and shift call together.

Run: python benchmarks/statistics_false_positives.py [folder for the table]
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from cellfate.progress import progress
from cellfate.statistics import circular_shift_p_value, deltas_of_shifts, high_attention, median_with_interval, permutation_p_values

SETTINGS = {  # AR(1) coefficients of feature (None: a trend of random sign) and attention, and by how much attention rises at the end
    "white features, smooth attention": (0.0, 0.9, 0.0),
    "autocorrelated features (0.8), smooth attention": (0.8, 0.9, 0.0),
    "autocorrelated features (0.95), smooth attention": (0.95, 0.9, 0.0),
    "autocorrelated features (0.95), attention at the end": (0.95, 0.9, 3.0),
    "trend in features, attention at the end": (None, 0.9, 3.0),
}
DATA_SETS, TRAJECTORIES, FEATURES = 200, 30, 4
RESAMPLES, DRAWS, BOOTSTRAP = 2000, 2000, 1000
LEVEL = 0.05


def autoregressive(rng: np.random.Generator, shape: tuple[int, int], coefficient: float) -> np.ndarray:
    """AR(1) noise (rows, T) of unit variance."""
    noise = rng.normal(size=(shape[0], shape[1] + 200)) * np.sqrt(1 - coefficient**2)
    return lfilter([1.0], [1.0, -coefficient], noise, axis=1)[:, 200:]


def simulate(rng: np.random.Generator, feature: float | None, attention: float, rise: float) -> tuple[np.ndarray, np.ndarray]:
    """One trajectory of 50 to 100 frames: features (F, T) and attention (T,). A trend has a random sign, so its mean effect is none."""
    n = int(rng.integers(50, 101))
    weights = autoregressive(rng, (1, n), attention)[0] + rise * np.linspace(0, 1, n) ** 4
    if feature is None:
        trend = rng.choice([-1, 1], size=(FEATURES, 1)) * np.linspace(0, 2, n)
        return trend + autoregressive(rng, (FEATURES, n), 0.5), weights
    return autoregressive(rng, (FEATURES, n), feature), weights


def one_data_set(seed: int, settings: tuple) -> tuple[float, np.ndarray, np.ndarray]:
    """Share of p < 0.05 over trajectories and features; per feature, whether interval and shift test call an effect."""
    rng = np.random.default_rng(seed)
    p_values, shifted = [], []
    for number in range(TRAJECTORIES):
        values, weights = simulate(rng, *settings)
        high = high_attention(weights)
        p_values.append(permutation_p_values(values, high, RESAMPLES, [seed, number]))
        shifted.append(deltas_of_shifts(values, high))
    interval, shift = np.zeros(FEATURES, bool), np.zeros(FEATURES, bool)
    for f in range(FEATURES):
        deltas = [d[:, f] for d in shifted]
        _, low, high = median_with_interval([d[0] for d in deltas], resamples=BOOTSTRAP, seed=seed)
        interval[f] = low > 0 or high < 0
        shift[f] = circular_shift_p_value(deltas, DRAWS, seed) < LEVEL
    return float((np.array(p_values) < LEVEL).mean()), interval, shift


def main(folder: Path) -> None:
    rows = []
    for name, settings in SETTINGS.items():
        found = [one_data_set(seed, settings) for seed in progress(range(DATA_SETS), name)]
        permutation, interval, shift = (np.array([f[i] for f in found], float) for i in range(3))
        error = np.sqrt(shift.mean() * (1 - shift.mean()) / shift.size)
        rows.append((name, permutation.mean(), interval.mean(), shift.mean(), (interval * shift).mean(), error))
    table = pd.DataFrame(rows, columns=["setting", "permutation", "interval", "shift", "both", "shift_standard_error"])
    print(f"{DATA_SETS} data sets of {TRAJECTORIES} trajectories and {FEATURES} features without an effect; share called at {LEVEL}")
    print(table.to_string(index=False, float_format=lambda v: f"{v:.3f}"))
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "statistics_false_positives.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "results")
