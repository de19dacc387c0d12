"""Calibrated probabilities: prior correction and one temperature, fitted on the validation part only.

The sampler trains at 50 : 50 while far more trajectories end in one outcome than in the other, so raw probabilities are
biased by design. Calibrated: sigmoid(logit / T + log(p / (1 - p))), p being the share of label 1 in the training part.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit

from cellfate.errors import InputError
from cellfate.files import replacing

PRIOR_SPREAD = 1.0  # of log T around 0; keeps T finite where a small validation part is separated perfectly
SMALLEST = 1e-12  # probabilities are kept this far from 0 and 1 in the log-loss


@dataclass(frozen=True)
class Calibration:
    """``prior`` is the share of label 1 in training; the two log-losses are of the validation part, before and after."""

    temperature: float = 1.0
    prior: float = 0.5
    n_validation: int = 0
    log_loss_raw: float | None = None
    log_loss_calibrated: float | None = None

    def probability(self, logits: np.ndarray) -> np.ndarray:
        return expit(np.asarray(logits, float) / self.temperature + np.log(self.prior / (1 - self.prior)))


def fit_calibration(logits: np.ndarray, labels: np.ndarray, training_labels: np.ndarray) -> Calibration:
    """Fit the temperature on validation logits and labels (n,), with the prior of ``training_labels`` held fixed.

    Minimises the summed log-loss plus (log T)^2 / 2, a prior that a few dozen trajectories outweigh. Raises InputError when the
    training labels are of one class or there is no validation trajectory.
    """
    logits, labels = np.asarray(logits, float), np.asarray(labels, float)
    prior = float(np.mean(training_labels)) if len(training_labels) else np.nan
    if not 0 < prior < 1:
        raise InputError(f"calibration: the training part has {len(training_labels)} trajectories of one outcome; both are needed")
    if len(logits) == 0:
        raise InputError("calibration: the validation part has no trajectory")

    def loss(log_temperature: float) -> float:
        calibrated = Calibration(float(np.exp(log_temperature)), prior).probability(logits)
        return log_loss(labels, calibrated) * len(labels) + (log_temperature / PRIOR_SPREAD) ** 2 / 2

    fitted = minimize_scalar(loss, bounds=(-4, 4), method="bounded", options={"xatol": 1e-8})
    found = Calibration(float(np.exp(fitted.x)), prior, len(logits))
    after = log_loss(labels, found.probability(logits))
    return Calibration(found.temperature, prior, len(logits), log_loss(labels, expit(logits)), after)


def save_calibration(calibration: Calibration, path: str | Path) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(asdict(calibration), indent=2) + "\n")


def read_calibration(path: str | Path) -> Calibration:
    """Read what :func:`save_calibration` wrote."""
    return Calibration(**json.loads(Path(path).read_text()))


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean negative log-likelihood; NaN for nothing."""
    if len(labels) == 0:
        return np.nan
    own = np.where(np.asarray(labels) == 1, probabilities, 1 - np.asarray(probabilities))
    return float(-np.log(np.clip(own, SMALLEST, 1)).mean())
