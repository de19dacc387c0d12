"""What the score is made of, for the summary page."""

import pandas as pd

from cellfate.evaluation.ablations.names import WHOLE, label_of
from cellfate.evaluation.ablations.scores import ablation_lines

NOTHING = "–"


def ablations_section(table: pd.DataFrame) -> dict:
    """Lines and rows of the section: balanced accuracy, AUROC and their changes for each ablation, and where the cell was."""
    rows = [_row(row) for _, row in table.iterrows()] if (table["ablation"] != WHOLE).any() else []
    where = table[table["regions"].notna()]
    found = {"lines": ablation_lines(table), "where": _where(where.iloc[0]) if len(where) else "", "units": _units(table)}
    return {"rows": rows, **found}


def _row(row: pd.Series) -> dict:
    cells = [
        (_number(row["value"]), _limits(row, "value", "ci", "reason")),
        (_number(row["change"], "+"), _limits(row, "change", "change", "change_reason", "+")),
        (_number(row["auroc"]), _limits(row, "auroc", "auroc", "auroc_reason")),
        (_number(row["auroc_change"], "+"), _limits(row, "auroc_change", "auroc_change", "auroc_change_reason", "+")),
    ]
    return {"label": label_of(row["ablation"]), "n": int(row["n_trajectories"]), "cells": cells}


def _where(row: pd.Series) -> str:
    """How the cell was found, in a sentence."""
    found = f"The cell is the region of the segmentation in {100 * row['regions']:.0f} % of the frames"
    return f"{found}, in the others a disc of {row['radius']:g} pixels radius (half of segmentation.diameter) at the crop's centre."


def _units(table: pd.DataFrame) -> str:
    row = table.iloc[0]
    return f"{int(row['units'])} ({int(row['units_negative'])} with the first outcome, {int(row['units_positive'])} with the second)"


def _number(value: float, sign: str = "") -> str:
    return NOTHING if pd.isna(value) else f"{value:{sign}.3f}"


def _limits(row: pd.Series, value: str, limits: str, reason: str, sign: str = "") -> str:
    low, high = row[f"{limits}_low"], row[f"{limits}_high"]
    if pd.notna(low) and pd.notna(high):
        return f"{low:{sign}.3f} to {high:{sign}.3f}"
    return "" if pd.isna(row[value]) or pd.isna(row[reason]) else f"no interval: {row[reason]}"
