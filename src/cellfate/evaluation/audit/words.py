"""The audit of a split in words, for the report; apart from the audit itself, which imports what fits predictors."""

import pandas as pd

LEVELS = ("lineage", "recording", "group")  # each holds those before it
LOGISTIC, NEAREST, RELATIVES = "rings, logistic", "rings, nearest cell", "outcome of relatives"
ONE_ALONE = "there is one alone"


def audit_lines(audit: pd.DataFrame) -> list[str]:
    """What the report says first: of each level that the split does not keep whole, by how much scores are optimistic.

    Of groups that is only where it is shown: a split that holds out whole recordings leaves groups on both sides on purpose.
    """
    return [_line(level, rows) for level, rows in _levels(audit) if level != LEVELS[-1] or _is_shown(rows)]


def audit_notes(audit: pd.DataFrame) -> list[str]:
    """What remains to be said of groups on both sides, after the numbers."""
    left = [rows for level, rows in _levels(audit) if level == LEVELS[-1] and not _is_shown(rows)]
    alone = "All cells are of one group: what a score is worth in another one cannot be told."
    return [alone if (rows["reason"] == ONE_ALONE).any() else _line(LEVELS[-1], rows) for rows in left]


def _levels(audit: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [(level, rows.set_index("method")) for level, rows in audit.groupby("level", sort=False)]


def _is_shown(rows: pd.DataFrame) -> bool:
    return bool((rows["ci_low"] > 0).any())


def _line(level: str, rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    told = rows.loc[RELATIVES, "own"]
    by = "" if pd.isna(told) else f"; the outcome of those alone tells theirs with a balanced accuracy of {told:.2f}"
    measured = [f"“{method}” {_gain(rows.loc[method], level)}" for method in (LOGISTIC, NEAREST)]
    return (
        f"The split puts cells of one {level} on both sides: {100 * first['related']:.0f} % of the held-out cells have one in "
        f"training{by}. "
        f"By how much that is optimistic, in balanced accuracy: {'; '.join(measured)}. The network's score is held out in the same way."
    )


def _gain(row: pd.Series, level: str) -> str:
    if pd.isna(row["optimism"]):
        return f"not measured ({row['reason']})"
    limits = f"no interval: {row['reason']}" if pd.isna(row["ci_low"]) else f"{row['ci_low']:+.2f} to {row['ci_high']:+.2f}"
    return f"{row['own']:.2f} here, {row['whole']:.2f} with each {level} on one side: {row['optimism']:+.2f} ({limits})"
