"""What is shown of cells, wherever it comes from: a run's held-out cells, or the predictions of new recordings."""

from dataclasses import dataclass

import pandas as pd

# of one cell; call, right, probability, set, lead_hours and confidence are null where nothing is predicted, or known to compare with
CELL = (
    "trajectory",
    "recording",
    "track_id",
    "lineage",
    "treatment",
    "dose",
    "outcome",
    "first_frame",
    "last_frame",
    "n_frames",
    "event_frame",
    "call",
    "right",
    "probability",
    "set",
    "lead_hours",
    "confidence",
)
NETWORK = ("trajectory", "frame", "probability", "set")
RISKS = ("trajectory", "frame", "horizon_hours", "negative", "positive")
BASELINES = ("trajectory", "method", "frame", "probability")
RESTS_ON = ("trajectory", "frame", "attention", "occlusion")
FEATURES = ("trajectory", "frame")
LINKS = ("trajectory", "frame", "wrong", "rival", "confidence")
SERIES = {"network": NETWORK, "risks": RISKS, "baselines": BASELINES, "rests_on": RESTS_ON, "features": FEATURES, "links": LINKS}


@dataclass(frozen=True)
class Said:
    """Tables with at least the columns above, empty where there is nothing.

    ``probability`` is that of the positive outcome from the frames up to ``frame``. ``set`` says which outcomes the set of a cell holds:
    0 none, 1 the negative, 2 the positive, 3 both, null no set. ``right`` is 1, 0 or null; ``lead_hours``, of cells that were called
    rightly, how long before the last frame the call was right and stayed so. ``features`` has a column for each feature,
    ``links`` are the rows of TRACK_CONFIDENCE, ``confidence`` the last that counts;
    ``relatives`` is the table OUTCOMES of all tracks of the cells' recordings.
    """

    cells: pd.DataFrame
    network: pd.DataFrame
    risks: pd.DataFrame
    baselines: pd.DataFrame
    rests_on: pd.DataFrame
    features: pd.DataFrame
    links: pd.DataFrame
    relatives: pd.DataFrame


def nothing(columns: tuple[str, ...]) -> pd.DataFrame:
    """An empty table of these columns."""
    return pd.DataFrame(columns=list(columns))


def nothing_said(cells: pd.DataFrame, relatives: pd.DataFrame) -> Said:
    """Cells of which nothing is said over time."""
    return Said(cells=cells, relatives=relatives, **{name: nothing(columns) for name, columns in SERIES.items()})
