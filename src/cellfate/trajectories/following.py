"""The part of each fold that tracks without a fate are in: that of the unit that they belong to."""

import numpy as np
import pandas as pd

from cellfate.trajectories.split import SOURCE_CODE

UNLABELLED = "unlabelled"


def with_all_parts(split: pd.DataFrame, trajectories: pd.DataFrame, *, unit: str, seed: int) -> pd.DataFrame:
    """The split table with train, validation or test also for tracks that are ``unlabelled`` in it.

    Each follows a trajectory with a fate of its recording, its group or, where ``unit`` is ``lineage``, ``track`` or ``source_code``,
    its lineage (the first one in the table): in each fold it is where that one is. The tracks of a unit without any fate follow one that
    is drawn for the unit among all units that have some, so that parts keep their shares. Deterministic for a seed.
    """
    column = {"track": "lineage", SOURCE_CODE: "lineage"}.get(unit, unit)
    units = trajectories.set_index("trajectory")[column]
    units = units.fillna(trajectories.set_index("trajectory")["recording"])
    open_rows = split["split"] == UNLABELLED
    labelled = split.loc[~open_rows, "trajectory"].drop_duplicates().sort_values()
    leaders = pd.Series(labelled.to_numpy(), units[labelled].to_numpy())
    leaders = leaders[~leaders.index.duplicated()].sort_index()
    followers = split.loc[open_rows, "trajectory"].drop_duplicates()
    lone = np.setdiff1d(units[followers].unique(), leaders.index)
    drawn = np.random.default_rng(seed).choice(leaders.to_numpy(), len(lone))
    leader_of = pd.concat([leaders, pd.Series(drawn, lone)])
    part = split[~open_rows].set_index(["trajectory", "fold"])["split"]
    wanted = zip(leader_of[units[split.loc[open_rows, "trajectory"]]], split.loc[open_rows, "fold"], strict=True)
    found = split.copy()
    found.loc[open_rows, "split"] = part.reindex(pd.MultiIndex.from_tuples(list(wanted), names=part.index.names)).to_numpy()
    return found
