"""What scores of held-out trajectories have their intervals by."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from cellfate.statistics.intervals import Interval, score_interval
from cellfate.statistics.scores import Score


@dataclass(frozen=True)
class Units:
    """``unit`` is the column whose values are the units of intervals, ``names`` are those of the outcomes, negative first."""

    unit: str
    names: tuple[str, str]

    @classmethod
    def of(cls, outcomes: Mapping[str, str], split_unit: str) -> "Units":
        """Groups where groups are held out (``split.unit``), else recordings, whose cells are alike, whatever was held out."""
        return cls("group" if split_unit == "group" else "recording", (outcomes["negative"], outcomes["positive"]))

    def interval(self, score: Score, rows: pd.DataFrame) -> Interval:
        """The interval of ``score``, whose cells are ``rows``."""
        return score_interval(score, rows[self.unit].to_numpy(), names=self.names, unit=self.unit)

    def named(self, name: str, score: Score, rows: pd.DataFrame) -> dict[str, float | str | None]:
        """Columns of a table: the score, its limits, and the reason why it has none."""
        interval = self.interval(score, rows)
        return {name: score.value, f"{name}_low": interval.low, f"{name}_high": interval.high, f"{name}_reason": interval.reason}

    def counts(self, rows: pd.DataFrame) -> dict[str, int]:
        """How many units there are, and in how many of them each label is: units, units_negative, units_positive."""
        of_label = [rows.loc[rows["label"] == label, self.unit].nunique() for label in (0, 1)]
        return {"units": rows[self.unit].nunique(), "units_negative": of_label[0], "units_positive": of_label[1]}
