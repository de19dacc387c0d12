"""Calibrated probabilities: prior correction and a temperature, fitted on the validation part only.

The sampler trains at 50 : 50 while far more trajectories end in one outcome than in the other, so raw probabilities are
biased by design. Calibrated: sigmoid(logit / T + log(p / (1 - p))), p being the share of label 1 in the training part. Where
trajectories are predicted while they go on, T depends on the number of frames seen: few frames tell little, and a network that was
trained on long trajectories is too sure of them.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit

from cellfate.base.errors import InputError
from cellfate.base.files import read_json, write_json
from cellfate.statistics.reliability import SMALLEST

PRIOR_SPREAD = 1.0  # of log T around 0; keeps T finite where a small validation part is separated perfectly
SLOPE_SPREAD = 3.0  # of the power of the number of frames in T, around 0
SLOPE_STARTS = (0.0, -3.0)  # of the search; the better end counts


@dataclass(frozen=True)
class Calibration:
    """Calibration of trajectories of which ``n`` frames were seen: T = ``temperature`` (n / ``reference_frames``) ^ ``slope``.

    ``n`` below ``first_frames`` and above ``last_frames``, the ends of what was there to fit, counts as these. The two log-losses
    are of the validation part, before and after, each trajectory with the mean over its prefixes.
    """

    temperature: float = 1.0
    slope: float = 0.0
    reference_frames: float = 1.0
    first_frames: int = 1
    last_frames: int = 1
    prior: float = 0.5
    n_validation: int = 0
    log_loss_raw: float | None = None
    log_loss_calibrated: float | None = None

    def temperatures(self, n_frames: np.ndarray) -> np.ndarray:
        """T for numbers of frames seen (N,); each from one float, as arrays have powers that differ in their last bits."""
        n, places = np.unique(np.clip(np.asarray(n_frames, float), self.first_frames, self.last_frames), return_inverse=True)
        return np.array([self.temperature * (value / self.reference_frames) ** self.slope for value in n.tolist()])[places]

    def probability(self, logits: np.ndarray, n_frames: np.ndarray) -> np.ndarray:
        return expit(np.asarray(logits, float) / self.temperatures(n_frames) + np.log(self.prior / (1 - self.prior)))


def save_calibration(calibration: Calibration, path: str | Path) -> None:
    write_json(asdict(calibration), path)


def fit_calibration(prefixes: pd.DataFrame, training_labels: np.ndarray) -> Calibration:
    """Fit temperature and slope on the prefixes of the validation trajectories, with the prior of ``training_labels`` held fixed.

    ``prefixes`` has trajectory, n_frames, logit and label, one row per prefix. A trajectory counts once, by the mean log-loss over
    its prefixes; the reference is the median length. Minimises their sum plus (log T)^2 / 2 and (slope / 3)^2 / 2, priors
    that a few dozen trajectories outweigh. Raises InputError when the training labels are of one class
    or there is no validation trajectory.
    """
    lengths = prefixes.groupby("trajectory")["n_frames"].max()
    prior = _prior(training_labels, len(lengths))
    logits, labels, n = (prefixes[name].to_numpy(float) for name in ("logit", "label", "n_frames"))
    weights = 1 / prefixes.groupby("trajectory")["n_frames"].transform("size").to_numpy(float)
    fixed = {
        "reference_frames": float(lengths.median()),
        "first_frames": int(n.min()),
        "last_frames": int(n.max()),
        "prior": prior,
        "n_validation": len(lengths),
    }

    def total(parameters: np.ndarray) -> float:
        found = Calibration(float(np.exp(parameters[0])), float(parameters[1]), **fixed)
        return _weighted_log_loss(labels, found.probability(logits, n), weights)

    def penalised(parameters: np.ndarray) -> float:
        return total(parameters) + (parameters[0] / PRIOR_SPREAD) ** 2 / 2 + (parameters[1] / SLOPE_SPREAD) ** 2 / 2

    best = min((minimize(penalised, [0.0, slope], method="L-BFGS-B") for slope in SLOPE_STARTS), key=lambda found: found.fun)
    losses = [_weighted_log_loss(labels, expit(logits), weights) / len(lengths), total(best.x) / len(lengths)]
    return Calibration(float(np.exp(best.x[0])), float(best.x[1]), **fixed, log_loss_raw=losses[0], log_loss_calibrated=losses[1])


def _weighted_log_loss(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> float:
    own = np.where(labels == 1, probabilities, 1 - probabilities)
    return float(-(weights * np.log(np.clip(own, SMALLEST, 1))).sum())


def _prior(training_labels: np.ndarray, n_validation: int) -> float:
    """The share of label 1 in training; an InputError when it or the validation part leaves nothing to fit."""
    prior = float(np.mean(training_labels)) if len(training_labels) else np.nan
    if not 0 < prior < 1:
        raise InputError(f"calibration: the training part has {len(training_labels)} trajectories of one outcome; both are needed")
    if n_validation == 0:
        raise InputError("calibration: the validation part has no trajectory")
    return prior


def read_calibration(path: str | Path) -> Calibration:
    """Read what :func:`save_calibration` wrote."""
    return Calibration(**read_json(path))


def called_positive(logits: np.ndarray) -> np.ndarray:
    """Which predictions are called the positive outcome (N,) bool: those whose logit is above 0.

    In words, those whose calibrated probability exceeds the share of the positive outcome in training: T changes no sign, and the
    prior is added to both. The one place where calls are made.
    """
    return np.asarray(logits, float) > 0
