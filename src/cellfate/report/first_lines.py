"""What a reader must know before any number: the first lines of the headline and of the summary page."""

import pandas as pd

from cellfate.evaluation.audit.words import audit_lines, audit_notes
from cellfate.evaluation.baselines.scores import verdict


def first_lines(design_lines: pd.DataFrame, split_audit: pd.DataFrame, baselines: pd.DataFrame) -> list[str]:
    """The warning of the design check with what would help, what a split gives away, where it does; then the verdict of the baselines."""
    return [*design_lines.loc[design_lines["kind"] != "note", "text"], *audit_lines(split_audit), verdict(baselines)]


def notes_of(design_lines: pd.DataFrame, split_audit: pd.DataFrame) -> list[str]:
    """To keep in mind, after the numbers: what the design check says of few units, and groups on both sides without a shown gain."""
    return [*design_lines.loc[design_lines["kind"] == "note", "text"], *audit_notes(split_audit)]
