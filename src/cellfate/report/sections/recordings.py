"""Held-out recordings one by one, for the summary page."""

from collections.abc import Sequence

import pandas as pd

from cellfate.base.plot_style import readable
from cellfate.evaluation.recordings import recordings_lines


def recordings_section(scores: pd.DataFrame, spread: pd.DataFrame, names: Sequence[str]) -> dict:
    """Rows of the table, and the lines under it; ``scores`` and ``spread`` are recording_shift and recording_spread."""
    rows = []
    for row in scores.itertuples():
        score = "–" if pd.isna(row.balanced_accuracy) else f"{row.balanced_accuracy:.2f}"
        far = "" if pd.isna(row.off) else f"{row.farthest} ({row.off:.1f})"
        counts, where = [row.n_negative, row.n_positive], [row.inside, row.edge, row.outside, row.unknown]
        rows.append({"recording": row.recording, "counts": counts, "score": score, "where": where, "far": far})
    n_training = sorted(set(scores["n_training"]))
    outcomes = [readable(name) for name in names]
    return {"rows": rows, "outcomes": outcomes, "lines": recordings_lines(scores, spread), "n_training": " or ".join(map(str, n_training))}
