"""One prediction from those of the members of a model."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import expit

from cellfate.model.calibration import Calibration, called_positive
from cellfate.model.saved.exported import outcome_columns

SPREAD = ("lowest_member", "highest_member")


def combined(
    logits: Sequence[np.ndarray], calibrations: Sequence[Calibration], n_frames: np.ndarray, outcomes: Mapping[str, str]
) -> pd.DataFrame:
    """What the members say together of N prefixes of ``n_frames``: the mean of their calibrated log-odds.

    ``logits`` are (N,) of each member. Columns: logit (mean, not calibrated), the probability of each outcome, call (the outcome),
    threshold (of the probability of the positive outcome: the call is positive above it), and that probability by the members that give
    the lowest and the highest. With one member all is its own.
    """
    pairs = list(zip(calibrations, logits, strict=True))
    evidence = np.stack([one.evidence(own, n_frames) for one, own in pairs])
    priors = np.array([one.prior_log_odds for one in calibrations])
    odds = evidence + priors[:, None]
    probability, each = expit(odds.mean(axis=0)), expit(odds)
    negative, positive = outcome_columns(outcomes)
    called = np.where(called_positive(evidence.mean(axis=0)), outcomes["positive"], outcomes["negative"])
    found = {"logit": np.stack(logits).mean(axis=0), negative: 1 - probability, positive: probability, "call": called}
    found |= {"threshold": expit(priors.mean()), SPREAD[0]: each.min(axis=0), SPREAD[1]: each.max(axis=0)}
    return pd.DataFrame(found).astype({"call": object})
