"""Transport over time points against processes of known answer: cells that only grow, and cells that switch, by what is said of growth.

Cells of A and B, as many of each at day 0; a day later, samples after growth and switching. The table of docs/transition.md between the
markers is written from it: P(A > B) for each way to treat growth, over seeds.

Run: OMP_NUM_THREADS=1 PYTHONPATH=src .venv/bin/python benchmarks/transition_growth.py [--seeds 40]
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.files import replacing
from cellfate.transition.targets.control import mean_rows, pair_tables, warnings_of
from cellfate.transition.targets.growth import MEASURED, Growth
from cellfate.transition.targets.transport import transport_pairs

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/transition.md"
BEGIN, END = "<!-- results of benchmarks/transition_growth.py -->", "<!-- end of growth -->"
CELLS, COMPONENTS, DRIFT = 400, 6, 0.5  # of a time point; dimensions of unit variance; movement of all cells
CONTROLLED = 10  # seeds with the control without switching, which takes ten times as long
PLAN = {"epsilon": 0.05, "time_unit": "day", "plan_cells": 5000}
PROCESSES = {  # net growth of B over A per day, share of the descendants of A that are B, distance of the types in SD
    "no switching, B grows by 1 per day more": (1.0, 0.0, 8.0),
    "the same, types nearer": (1.0, 0.0, 5.0),
    "no switching, equal growth": (0.0, 0.0, 8.0),
    "0.3 of the descendants of A are B, equal growth": (0.0, 0.3, 8.0),
    "the same, B grows by 1 per day more": (1.0, 0.3, 8.0),
}
WAYS: dict[str, Callable[[np.ndarray, float], Growth]] = {
    "none (as before)": lambda labels, rate: Growth("none", None, None),
    "measured rates": lambda labels, rate: Growth("column", labels * rate, None),
    **{
        f"unbalanced, relaxation {value:g}": lambda labels, rate, value=value: Growth("unbalanced", None, value)
        for value in (1.0, 0.3, 0.1, 0.03)
    },
}


def cells_of(rate: float, switching: float, gap: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places, labels and times of the cells; the later ones are drawn, so that their proportions vary as in a real sample."""
    rng = np.random.default_rng(seed)
    shares = np.array([1 - switching, np.exp(rate) + switching])  # the types grow, then a share of the descendants of A is B
    labels = np.concatenate([np.arange(CELLS) % 2, rng.choice(2, CELLS, p=shares / shares.sum())])
    times = np.repeat([0.0, 1.0], CELLS)
    space = rng.normal(0, 1, (2 * CELLS, COMPONENTS))
    space[:, 0] += gap * labels
    space[:, 1] += DRIFT * times
    return space, labels, times


def run(seeds: int) -> pd.DataFrame:
    """P(A > B) and whether a warning is given, for each process, way and seed."""
    rows = []
    for process, (rate, switching, gap) in PROCESSES.items():
        for seed in range(seeds):
            cells = cells_of(rate, switching, gap, seed)
            for way, growth_of in WAYS.items():
                growth = growth_of(cells[1], rate)
                (pair,) = transport_pairs(*cells, 2, growth=growth, **PLAN)
                P = mean_rows(pair.rows, cells[1][pair.first], 2, np.ones(len(pair.first)))[0, 1]
                rows.append({"process": process, "way": way, "P": P, "warned": np.nan})
                if seed < CONTROLLED:
                    tables = pair_tables(*cells, ["A", "B"], pair, growth, PLAN)
                    rows[-1]["warned"] = float(bool(warnings_of(*tables, measured=growth.source in MEASURED)))
        print(process, "done", flush=True)
    return pd.DataFrame(rows)


def page(results: pd.DataFrame) -> str:
    """The table in Markdown, by way and process: mean P(A > B), 2.5 to 97.5 % of the seeds; share of controlled seeds with a warning."""
    lines = ["| growth | " + " | ".join(PROCESSES) + " |", "|---|" + "---:|" * len(PROCESSES)]
    truth = [f"**{switching:.2f}**" for _, switching, _ in PROCESSES.values()]
    lines.append("| *truth* | " + " | ".join(truth) + " |")
    for way in WAYS:
        shown = []
        for process in PROCESSES:
            own = results[(results["process"] == process) & (results["way"] == way)]
            low, high = np.percentile(own["P"], [2.5, 97.5])
            shown.append(f"{own['P'].mean():.2f} ({low:.2f} to {high:.2f}); {100 * own['warned'].mean():.0f} %")
        lines.append(f"| {way} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=40)
    seeds = parser.parse_args().seeds
    found = page(run(seeds))
    print(found)
    text = PAGE.read_text()
    head, rest = text.split(BEGIN)
    with replacing(PAGE) as temporary:
        note = f"{seeds} seeds, the control on {min(seeds, CONTROLLED)}."
        temporary.write_text(f"{head}{BEGIN}\n\n{found}\n\n{note}\n\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
