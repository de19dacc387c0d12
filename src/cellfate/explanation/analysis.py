"""What explanations look at: what the network said of trajectories, and which of them count. These always travel together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from cellfate.base.tables import read_table, read_tables
from cellfate.evaluation.pooling import correct_trajectories, pooled
from cellfate.explanation.frame_weights import weigh_frames
from cellfate.model.tables import ATTENTION, PREDICTIONS
from cellfate.trajectories.lengths import Lengths
from cellfate.trajectories.tables import TRAJECTORIES


@dataclass(frozen=True)
class Analysis:
    """``attention``, ``predictions`` and ``trajectories`` are the declared tables, ``outcomes`` is {"negative": name, "positive": name}.

    Only trajectories of ``splits`` in recordings of ``treatment`` (None: of all) count.
    """

    attention: pd.DataFrame
    predictions: pd.DataFrame
    trajectories: pd.DataFrame
    outcomes: Mapping[str, str]
    splits: Sequence[str]
    treatment: str | None

    @cached_property
    def known(self) -> pd.DataFrame:
        """The table of trajectories by their names."""
        return self.trajectories.set_index("trajectory")

    @cached_property
    def lengths(self) -> Lengths:
        """The lengths that settings follow; see :mod:`cellfate.trajectories.lengths`."""
        return Lengths.of(self.trajectories, self.treatment)

    @property
    def fates(self) -> tuple[str, str]:
        """The two outcomes, the negative one first, as figures show them."""
        return self.outcomes["negative"], self.outcomes["positive"]

    def labelled(self) -> pd.DataFrame:
        """The predictions of whole trajectories with a fate, see :func:`cellfate.evaluation.pooling.pooled`."""
        full = self.predictions[self.predictions["condition"] == "full"]
        return pooled(full, splits=self.splits, treatment=self.treatment)

    def correct(self) -> pd.DataFrame:
        """Those of them that are right, see :func:`cellfate.evaluation.pooling.correct_trajectories`."""
        return correct_trajectories(self.predictions, self.outcomes, splits=self.splits, treatment=self.treatment)

    def weighed_by(self, high_by: str) -> "Analysis":
        """The same with the weights that decide which frames are high: those of ``attention`` or ``occlusion``."""
        return replace(self, attention=weigh_frames(self.attention, self.trajectories, high_by))


def read_analysis(
    attention: Sequence[str | Path],
    predictions: Sequence[str | Path],
    trajectories: str | Path,
    *,
    outcomes: Mapping[str, str],
    splits: Sequence[str],
    treatment: str | None,
) -> Analysis:
    """The analysis of all folds from the files of its tables."""
    tables = read_tables(attention, ATTENTION), read_tables(predictions, PREDICTIONS), read_table(trajectories, TRAJECTORIES)
    return Analysis(*tables, outcomes, splits, treatment)
