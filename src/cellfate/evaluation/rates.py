"""What one value of each trajectory tells of its outcome: the shares of the outcomes among trajectories of the same value.

Both outcomes weigh the same however many trajectories they have, so the probability is 0.5 where a value tells nothing.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

VARIABLES = ("recording", "group", "treatment", "dose", "length", "clock")
NUMBERS = ("length", "clock")  # in hours; they are put into bins
BINS = 5  # of equal numbers of training trajectories
UNKNOWN = 0.5  # probability of a value that no training trajectory has


@dataclass(frozen=True)
class Rates:
    """The probability of label 1 for each value; ``edges`` cut numbers into bins, None for names."""

    probability: pd.Series
    edges: np.ndarray | None

    def predict(self, values: np.ndarray) -> np.ndarray:
        """Probability of label 1 (N,) for values (N,); 0.5 for names that the training trajectories do not have."""
        return self.probability.reindex(coded(values, self.edges)).fillna(UNKNOWN).to_numpy(float)


def design_values(rows: pd.DataFrame) -> pd.DataFrame:
    """The values of all VARIABLES for each of ``rows``, which are of the trajectories table (maybe shortened).

    ``dose`` is treatment and dose together, ``length`` the hours from the first to the last frame, ``clock`` the hours from the start
    of the recording to the last frame.
    """
    hours = rows["frame_interval_min"] / 60
    treatment = rows["treatment"].astype(str)
    return pd.DataFrame(
        {
            "recording": rows["recording"].astype(str),
            "group": rows["group"].fillna("").astype(str),
            "treatment": treatment,
            "dose": (treatment + " " + rows["dose"].fillna("").astype(str)).str.strip(),
            "length": (rows["last_frame"] - rows["first_frame"] + 1) * hours,
            "clock": (rows["last_frame"] + 1) * hours,
        }
    )


def having(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Those of ``rows`` (of the trajectories table) that a score of the variable ``name`` is of: of groups those that are in one.

    No group is not a group: cells without one need not be alike. Where no recording has a group, all rows, as of one group.
    """
    grouped = rows["group"].notna()
    return rows[grouped] if name == "group" and grouped.any() else rows


def bin_edges(values: np.ndarray) -> np.ndarray | None:
    """Inner edges of at most BINS bins with about equally many of ``values``; None for names."""
    if not pd.api.types.is_numeric_dtype(np.asarray(values).dtype):
        return None
    return np.unique(np.quantile(values, np.arange(1, BINS) / BINS))


def coded(values: np.ndarray, edges: np.ndarray | None) -> np.ndarray:
    """Names as they are, numbers as the number of their bin."""
    return np.asarray(values) if edges is None else np.searchsorted(edges, values, side="left")


def fit_rates(values: np.ndarray, labels: np.ndarray) -> Rates:
    """Rates from the values (N,) and labels (N,) of training trajectories that have both labels.

    As if each value had one trajectory more, of either label as often as all trajectories are: none is 0 or 1, and
    which side of 0.5 it is on stays.
    """
    edges = bin_edges(values)
    counts = pd.crosstab(coded(values, edges), labels).reindex(columns=[0, 1], fill_value=0)
    shares = counts / counts.sum() + 1 / len(labels)
    return Rates(shares[1] / (shares[0] + shares[1]), edges)


def told_by_others(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The label (N,) that the others of the same value have more often, each trajectory left out in its turn.

    More often by shares: of all others with label 1, and of all others with label 0, how many have the value. Label 0 on a tie.
    """
    codes = np.unique(coded(values, bin_edges(values)), return_inverse=True)[1]
    own = np.zeros((codes.max() + 1, 2))
    np.add.at(own, (codes, labels), 1)
    left_out = np.eye(2)[labels]
    others, total = own[codes] - left_out, own.sum(axis=0) - left_out
    shares = np.divide(others, total, out=np.zeros_like(others), where=total > 0)
    return (shares[:, 1] > shares[:, 0]).astype(int)
