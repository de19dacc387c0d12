"""How often the limits of Cohen's kappa hold the true one, beside those of a bootstrap of cells; docs/explorer.md has the numbers.

Two people label n cells with one of three labels: the second repeats the first with the probability of the true kappa, and else draws by
the same frequencies.  python benchmarks/label_kappa.py
"""

import numpy as np

from cellfate.evaluation.compared.labels import kappa_with_limits

DRAWS, RESAMPLES, SEED = 300, 200, 1
FREQUENCIES = {"equal": (1 / 3, 1 / 3, 1 / 3), "unequal": (0.7, 0.2, 0.1)}


def bootstrap(a: np.ndarray, b: np.ndarray, generator: np.random.Generator) -> tuple[float, float]:
    """The percentile limits of kappa over resampled cells."""
    found = []
    for _ in range(RESAMPLES):
        rows = generator.integers(0, len(a), len(a))
        one, other = a[rows], b[rows]
        chance = sum((one == word).mean() * (other == word).mean() for word in range(3))
        if chance < 1:
            found.append(((one == other).mean() - chance) / (1 - chance))
    return tuple(np.percentile(found, [2.5, 97.5]))


def main() -> None:
    """Print a row for each number of cells, kappa and kind of frequencies."""
    generator = np.random.default_rng(SEED)
    print("| cells | true kappa | labels | held by ours | by a bootstrap |\n|---|---|---|---|---|")
    for n in (20, 50, 200):
        for truth in (0.3, 0.6, 0.9):
            for name, frequencies in FREQUENCIES.items():
                held = []
                for _ in range(DRAWS):
                    a = generator.choice(3, n, p=frequencies)
                    b = np.where(generator.random(n) < truth, a, generator.choice(3, n, p=frequencies))
                    limits = kappa_with_limits(a, b)[1:], bootstrap(a, b, generator)
                    held.append([low <= truth <= high for low, high in limits])
                ours, theirs = np.mean(held, axis=0)
                print(f"| {n} | {truth} | {name} | {ours:.2f} | {theirs:.2f} |", flush=True)


if __name__ == "__main__":
    main()
