"""In words: which part of the design tells the outcome, and what would help. Only what was tried on the tables is said to help."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from cellfate.evaluation.rates import design_values, having, told_by_others
from cellfate.statistics.scores import balanced_accuracy

OF_RECORDINGS = ("recording", "group", "treatment", "dose")  # the same for all cells of a recording
WORDS = {
    "recording": "which recording a cell is in",
    "group": "the group of its recording",
    "treatment": "its treatment",
    "dose": "its treatment and dose",
    "length": "how long its track is",
    "clock": "when its track ends",
}
FEWEST_UNITS = 3  # with each outcome, so that one can train, one validate and one test
HELPS_BELOW = 0.7  # balanced accuracy that no variable of the recordings may reach in cells that are said to help


def warning(usable: pd.DataFrame, telling: Mapping[str, float]) -> str:
    """The first line: which variables tell the outcome (variable: balanced accuracy), and that a score cannot be told from them."""
    found = [f"{WORDS[name]} ({value:.2f})" for name, value in telling.items()]
    listed = found[0] if len(found) == 1 else f"{', '.join(found[:-1])} or {found[-1]}"
    return (
        f"A score here cannot be told from the design: without any image, {listed} alone tells the outcome of a cell "
        f"(balanced accuracy, where 1 is perfect; {len(usable)} trajectories, {_recordings(usable)})."
    )


def _recordings(usable: pd.DataFrame) -> str:
    labels = usable.groupby("recording")["label"]
    total, both = labels.ngroups, int((labels.nunique() == 2).sum())
    return f"{total} recording{'s' * (total != 1)} of which {both} hold{'s' * (both == 1)} both outcomes"


def remedy(usable: pd.DataFrame, telling: Mapping[str, float], outcomes: Mapping[str, str], unit: str) -> str:
    """What would help: cells of these data among which the design tells little, where there are enough; else which data are needed."""
    texts = []
    if any(name in OF_RECORDINGS for name in telling):
        texts.append(_of_recordings(usable, outcomes, unit))
    if "length" in telling:
        shortest = int(usable["n_frames"].min())
        texts.append(
            "Against the length: the scores from the last k frames alone (evaluation.last_k, figure 3 b and d) have one length for "
            f"all cells up to k = {shortest}, the shortest track."
        )
    if "clock" in telling:
        texts.append("Against the time: only recordings in which both outcomes happen at the same times help.")
    return " ".join(texts)


def _of_recordings(usable: pd.DataFrame, outcomes: Mapping[str, str], unit: str) -> str:
    best = max(_helping(usable, unit), key=lambda found: min(found[1]), default=None)
    if best is None:
        return (
            "What would help: recordings that each hold both outcomes in similar shares. No other split or model helps, and no part "
            f"of these data with both outcomes in {FEWEST_UNITS} or more recordings."
        )
    words, counts, told, n_recordings = best
    cells = f"{outcomes['negative']} {counts[0]}, {outcomes['positive']} {counts[1]}"
    return (
        f"What would help: a sheet with only {words} ({cells} in {n_recordings} recordings), "
        f"where no recording, group, treatment or dose tells more than {told:.2f}."
    )


def _helping(usable: pd.DataFrame, unit: str) -> Iterator[tuple[str, list[int], float, int]]:
    """(words, trajectories of each label, what the design tells most, recordings) of each part of the data that would help."""
    values = design_values(usable)
    both = usable.groupby("recording")["label"].transform("nunique") == 2
    parts = [("the recordings that hold both outcomes", both)]
    parts += [(f"{name} {value}", values[name] == value) for name in OF_RECORDINGS[1:] for value in values[name].unique() if value]
    parts += [(f"{words}, of these the recordings that hold both outcomes", mask & both) for words, mask in parts[1:]]
    units = usable["recording" if unit not in usable else unit]
    for words, mask in parts:
        rows = usable[mask]
        having = [units[mask & (usable["label"] == label)].nunique() for label in (0, 1)]
        if len(rows) == len(usable) or min(having) < FEWEST_UNITS:
            continue
        told = most_told(rows)
        if told < HELPS_BELOW:
            yield words, [int((rows["label"] == label).sum()) for label in (0, 1)], told, rows["recording"].nunique()


def most_told(usable: pd.DataFrame) -> float:
    """The largest balanced accuracy within the data of the variables of recordings; at least 0.5."""
    found = [0.5]
    for name in OF_RECORDINGS:
        rows = having(usable, name)
        values, labels = design_values(rows)[name].to_numpy(), rows["label"].to_numpy(int)
        if len(np.unique(values)) > 1 and len(np.unique(labels)) > 1:
            found.append(balanced_accuracy(labels, told_by_others(values, labels)).value)
    return float(np.max(found))
