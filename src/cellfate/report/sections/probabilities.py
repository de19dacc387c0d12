"""What the summary page says of the probabilities: their scores, and where they are worse than no prediction."""

import pandas as pd

SCORES = {
    "ece": "expected calibration error",
    "log_loss": "log-loss",
    "brier": "Brier score",
    "brier_base": "Brier score of the base rate in training",
    "brier_skill": "Brier skill (1 is perfect, below 0 worse than the base rate)",
}
STAGES = {"raw": "before", "calibrated": "after"}


def calibration_table(calibration: pd.DataFrame) -> dict:
    """The scores of the full trajectories before and after calibration."""
    full = calibration[calibration["condition"] == "full"]
    first = {stage: full[full["stage"] == stage].iloc[0] for stage in STAGES if (full["stage"] == stage).any()}
    rows = [{"label": label, "cells": [_number(row[score]) for row in first.values()]} for score, label in SCORES.items()]
    return {"stages": [STAGES[stage] for stage in first], "rows": rows if first else []}


def calibration_caveats(calibration: pd.DataFrame) -> list[str]:
    """As sentences: that nothing was calibrated, that calibration made it worse, and where the base rate is the better prediction."""
    found = []
    if not (calibration["stage"] == "calibrated").any():
        found.append("The probabilities were not calibrated: evaluation.calibration is false.")
    full = calibration[calibration["condition"] == "full"].groupby("stage")["log_loss"].first()
    if {"raw", "calibrated"} <= set(full.index) and round(full["calibrated"], 3) > round(full["raw"], 3):
        found.append(
            f"Calibration made the log-loss of held-out cells worse ({full['raw']:.3f} before, {full['calibrated']:.3f} after): "
            "the training or validation part is too small or differs from them. All numbers use the calibrated probabilities."
        )
    return found + _worse_than_base(calibration)


def _worse_than_base(calibration: pd.DataFrame) -> list[str]:
    """At which full lengths and truncations the probabilities that are used have the larger Brier score."""
    last = "calibrated" if (calibration["stage"] == "calibrated").any() else "raw"
    rows = calibration[(calibration["stage"] == last) & calibration["condition"].isin(["full", "truncation"])]
    steps = rows.groupby("n", as_index=False)[["brier", "brier_base"]].first().sort_values("n")
    worse = steps[steps["brier"] > steps["brier_base"]]
    if worse.empty:
        return []
    dropped = [str(int(n)) for n in worse["n"] if n]
    steps = " or ".join(filter(None, [", ".join(dropped[:-1]), *dropped[-1:]]))
    where = " and ".join(filter(None, ["the whole track" if (worse["n"] == 0).any() else "", f"{steps} frames left out" if steps else ""]))
    worst = worse.loc[(worse["brier"] - worse["brier_base"]).idxmax()]
    return [
        f"The probabilities are worse than the base rate in training, which knows nothing of the cell, with {where}: Brier score up to "
        f"{worst['brier']:.3f} against {worst['brier_base']:.3f}. There they are too sure, or say nothing."
    ]


def _number(value: float | None) -> str:
    return "–" if pd.isna(value) else f"{value:.3f}"
