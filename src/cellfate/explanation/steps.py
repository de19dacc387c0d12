"""How many trajectories remain on the way to the comparison of features, so that what is not measured has its reason."""

import pandas as pd

from cellfate.explanation.analysis import Analysis
from cellfate.explanation.tables import COMPARED_STEPS, COMPARISON_STEPS, COURSES


def comparison_steps(analysis: Analysis, effects: pd.DataFrame, min_frames: int) -> pd.DataFrame:
    """The comparison_steps table of one outcome after the other, from the effects that the analysis gave (features as measured)."""
    lengths = analysis.known["n_frames"]
    labelled = analysis.labelled()
    looked_at = labelled["label"].map(dict(enumerate(analysis.fates)))
    correct = analysis.correct()
    long_enough = correct[correct["trajectory"].map(lengths) >= min_frames]
    kept = effects[effects["course"] == COURSES[0]]
    measured = kept[kept["n_high"] + kept["n_low"] > 0].drop_duplicates("trajectory")
    compared = kept[kept["cliffs_delta"].notna()].drop_duplicates("trajectory")
    rows = []
    for outcome in analysis.fates:
        members = (looked_at, *(table["outcome"] for table in (correct, long_enough, measured, compared)))
        for step, names in zip(COMPARED_STEPS, members, strict=True):
            rows.append((outcome, step, int((names == outcome).sum()), min_frames if step == "long enough" else pd.NA))
    return pd.DataFrame(rows, columns=list(COMPARISON_STEPS.columns)).astype({"limit": "Int64"})
