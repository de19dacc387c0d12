"""Two people's labels of the same cells: how often they agree, and where they do not."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score

from cellfate.base.errors import InputError
from cellfate.tracks.labels.rows import EVENTLESS, read_labels
from cellfate.tracks.tables import CANNOT_TELL

KEY = ["recording", "track_id"]
ALL_LABELS, BOTH_TELL = "all labels", "cells that both could tell"
LEVEL = 0.95


@dataclass(frozen=True)
class LabelAgreement:
    """``scores``, ``frames`` and ``disagreements`` are the tables LABEL_AGREEMENT, LABEL_FRAMES and LABEL_DISAGREEMENTS.

    ``counts`` are the cells by the labels of A (rows) and B (columns), ``only`` how many cells A and B alone have labelled.
    """

    names: tuple[str, str]
    scores: pd.DataFrame
    counts: pd.DataFrame
    frames: pd.DataFrame
    disagreements: pd.DataFrame
    only: tuple[int, int]


def compare_labels(a: str | Path, b: str | Path, event_gap: int) -> LabelAgreement:
    """Two files of labels, by the cells that both have.

    Frames of one event that lie more than ``event_gap`` apart are a disagreement. Raises InputError with file, line and value for files
    that are none, hold labels of several people, are of other tracks, or share no cell.
    """
    if Path(a).resolve() == Path(b).resolve():
        raise InputError(f"{b}: both files are the same one, two are needed")
    one, other = (_of_one_person(path) for path in (a, b))
    both = one.reset_index(names="line").merge(other.reset_index(names="line"), on=KEY, suffixes=("_a", "_b"))
    if both.empty:
        raise InputError(f"{a} and {b} share no cell: they must be labels of the same data set")
    for row in both[both["data_a"] != both["data_b"]].itertuples():
        raise InputError(
            f"{b}: line {row.line_b}: data of {row.recording}, track {row.track_id} is {row.data_b!r}, in {a} (line {row.line_a}) "
            f"{row.data_a!r}: they labelled other tracks, as of two data sets, or before and after cells were tracked again"
        )
    names = _names(one, other)
    return LabelAgreement(
        names=names,
        scores=pd.DataFrame([_agreement(ALL_LABELS, both), _agreement(BOTH_TELL, both[_told(both, "a") & _told(both, "b")])]),
        counts=pd.crosstab(both["outcome_a"], both["outcome_b"]),
        frames=_frames(both),
        disagreements=_disagreements(both, event_gap),
        only=(len(one) - len(both), len(other) - len(both)),
    )


def _of_one_person(path: str | Path) -> pd.DataFrame:
    table = read_labels(path, None)
    if table.empty:
        raise InputError(f"{path}: there is no label in it")
    first = table["by"].iloc[0]
    for line, name in table["by"][table["by"] != first].items():
        raise InputError(f"{path}: line {line}: by is {name!r}, before it is {first!r}: labels of one person are needed")
    return table


def _names(one: pd.DataFrame, other: pd.DataFrame) -> tuple[str, str]:
    """Who the two are; the same person twice is told apart."""
    names = one["by"].iloc[0], other["by"].iloc[0]
    return names if names[0] != names[1] else (f"{names[0]} (A)", f"{names[1]} (B)")


def _told(both: pd.DataFrame, side: str) -> pd.Series:
    return both[f"outcome_{side}"] != CANNOT_TELL


def _agreement(name: str, both: pd.DataFrame) -> dict:
    """Share of cells with the same label, and Cohen's kappa, each with an interval by cell."""
    n, agree = len(both), int((both["outcome_a"] == both["outcome_b"]).sum())
    share, low, high = share_with_limits(agree, n)
    kappa = kappa_with_limits(both["outcome_a"], both["outcome_b"])
    found = {"cells": name, "n": n, "recordings": both["recording"].nunique(), "agree": agree, "share": share, "low": low, "high": high}
    return found | dict(zip(("kappa", "kappa_low", "kappa_high"), kappa, strict=True))


def share_with_limits(agree: int, n: int) -> tuple[float, float, float]:
    """A share with its Wilson interval; NaN of nothing."""
    if not n:
        return np.nan, np.nan, np.nan
    limits = binomtest(agree, n).proportion_ci(LEVEL, method="wilson")
    return agree / n, float(limits.low), float(limits.high)


def kappa_with_limits(a: Sequence[str], b: Sequence[str]) -> tuple[float, float, float]:
    """Cohen's kappa with its limits: those of the share of agreement, less what chance gives by the labels' frequencies, which are taken
    as known (as in Cohen 1960, with Wilson's interval in place of the normal one, so that perfect agreement of few cells is not taken for
    certain). NaN where both gave one and the same label alone, so that chance would agree as well, or of nothing.
    """
    a, b = np.asarray(a, str), np.asarray(b, str)
    chance = sum((a == word).mean() * (b == word).mean() for word in {*a, *b}) if len(a) else 1.0
    if chance > 1 - 1e-12:
        return np.nan, np.nan, np.nan
    _, low, high = share_with_limits(int((a == b).sum()), len(a))
    return float(cohen_kappa_score(a, b)), (low - chance) / (1 - chance), (high - chance) / (1 - chance)


def _same_event(both: pd.DataFrame) -> pd.DataFrame:
    """The cells of which both say the same event, with ``difference``, frames of B less those of A."""
    rows = both[(both["outcome_a"] == both["outcome_b"]) & ~both["outcome_a"].isin(EVENTLESS)]
    return rows.assign(difference=(rows["event_frame_b"] - rows["event_frame_a"]).astype("int64"))


def _frames(both: pd.DataFrame) -> pd.DataFrame:
    counts = _same_event(both)["difference"].value_counts().sort_index()
    return pd.DataFrame({"difference": counts.index.to_numpy(int), "n": counts.to_numpy(int)})


def _disagreements(both: pd.DataFrame, event_gap: int) -> pd.DataFrame:
    same = _same_event(both)
    far = same.index[same["difference"].abs() > event_gap]
    rows = both[(both["outcome_a"] != both["outcome_b"]) | both.index.isin(far)]
    kind = np.where(rows["outcome_a"] != rows["outcome_b"], "outcome", "event_frame")
    sides = {f"{name}_{side}": rows[f"{name}_{side}"] for name in ("outcome", "event_frame", "note") for side in ("a", "b")}
    return pd.DataFrame({**{name: rows[name] for name in KEY}, "what": kind, **sides}).sort_values(KEY, ignore_index=True)
