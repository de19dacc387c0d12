"""Tables of scores of a finished run, small."""

from pathlib import Path

import pandas as pd

from cellfate.base.tables import write_table
from cellfate.evaluation.tables import BASELINES, DESIGN_LINES, METRICS, SPLIT_AUDIT
from cellfate.evaluation.time.tables import KNOWN_FROM

SCORES = {"balanced_accuracy": 0.9, "f1_macro": 0.8, "auroc": 0.7, "log_loss": 0.6}


def write_metrics(folder: Path, **trajectories: int) -> None:
    """Scores of held-out trajectories in full; ``trajectories`` are {scope: how many}."""
    rows = [
        (scope, "full", 0, "all", metric, "all", value, value - 0.1, value + 0.05, n, 4, 3, "cluster-robust t, 2.1 df", None)
        for scope, n in trajectories.items()
        for metric, value in SCORES.items()
    ]
    write_table(pd.DataFrame(rows, columns=list(METRICS.columns)), folder / "tables/test_metrics.csv", METRICS)
    write_split_audit(folder)
    write_known(folder)


def write_design_lines(folder: Path, *lines: tuple[str, str]) -> None:
    """``lines``: (kind, text)."""
    write_table(pd.DataFrame(lines, columns=["kind", "text"]), folder / "tables/design_lines.csv", DESIGN_LINES)


def write_split_audit(folder: Path) -> None:
    """Of a split that keeps everything whole."""
    write_table(pd.DataFrame(columns=list(SPLIT_AUDIT.columns)), folder / "tables/split_audit.csv", SPLIT_AUDIT)


def write_known(folder: Path) -> None:
    """The network knows from 5 h before the end on."""
    rows = [("network", 10, 5.0, 2.5, 7.5, 40, 6, 6, None)]
    write_table(pd.DataFrame(rows, columns=list(KNOWN_FROM.columns)), folder / "tables/known_from.csv", KNOWN_FROM)


def write_baselines(folder: Path, value: float) -> None:
    """A network of 0.9 and one baseline of ``value``."""
    sizes = (40, 4, 4, 4, None, None)
    loss = (0.5, 0.4, 0.6, None)
    rows = [("all", "full", 0, "all", "network", 0.9, 0.8, 0.95, None, None, None, *sizes, *loss, *[None] * 4)]
    lead = (0.9 - value, 0.8 - value, 0.95 - value)
    rows.append(("all", "full", 0, "all", "length", value, value - 0.1, value + 0.05, *lead, *sizes, *loss, *lead, None))
    write_table(pd.DataFrame(rows, columns=list(BASELINES.columns)), folder / "tables/baselines.csv", BASELINES)
