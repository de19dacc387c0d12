"""What a reader must know before any number: the first lines of the headline and of the summary page."""

import pandas as pd


def first_lines(design_lines: pd.DataFrame) -> list[str]:
    """The warning of the design check with what would help, in the order in which they are read; none where all is well."""
    return list(design_lines.loc[design_lines["kind"] != "note", "text"])


def notes_of(design_lines: pd.DataFrame) -> list[str]:
    """What the design check says in numbers of few units: to keep in mind, after the numbers."""
    return list(design_lines.loc[design_lines["kind"] == "note", "text"])
