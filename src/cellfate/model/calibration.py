"""The one calibration of a fold: a prior correction and, where the validation part carries it, a temperature.

The sampler trains at 50 : 50 while far more trajectories end in one outcome than in the other, so raw probabilities are
biased by design. Calibrated: sigmoid(logit / T + log(p / (1 - p))), p being the share of label 1 in the training part. T is 1, a number, or
follows the number of frames seen: few frames tell little, and a network that was trained on long trajectories is too sure of them.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit

from cellfate.base.errors import InputError
from cellfate.base.files import read_json, write_json
from cellfate.statistics.reliability import SMALLEST

NONE, PRIOR, TEMPERATURE, BY_FRAMES = "none", "prior", "temperature", "temperature_by_frames"
NEEDED = {TEMPERATURE: 10, BY_FRAMES: 30}  # validation trajectories of either outcome, so that a form is tried at all
PRIOR_SPREAD = 1.0  # of log T around 0; keeps T finite where a small validation part is separated perfectly
SLOPE_SPREAD = 3.0  # of the power of the number of frames in T, around 0
SLOPE_STARTS = (0.0, -3.0)  # of the search; the better end counts
PARTS = 5  # of the lineages of a validation part that is one recording


@dataclass(frozen=True)
class Calibration:
    """T = ``temperature`` (n / ``reference_frames``) ^ ``slope`` where ``n`` frames were seen; ``prior`` is p.

    ``n`` below ``first_frames`` and above ``last_frames``, the ends of what was there to fit, counts as these. ``form`` is none (nothing
    is changed), prior, temperature or temperature_by_frames, and ``why`` says why this one. Of the validation part: trajectories of either
    label, how many ``units`` were left out in turn, and the mean log-loss of trajectories (each with the mean over its prefixes) raw and
    calibrated, where each unit is predicted by what was fitted without it; ``left_out`` says what a unit is.
    """

    form: str = NONE
    why: str = "evaluation.calibration is false"
    temperature: float = 1.0
    slope: float = 0.0
    reference_frames: float = 1.0
    first_frames: int = 1
    last_frames: int = 1
    prior: float = 0.5
    n_negative: int = 0
    n_positive: int = 0
    units: int = 0
    left_out: str = "recording"
    log_loss_raw: float | None = None
    log_loss_calibrated: float | None = None

    @property
    def prior_log_odds(self) -> float:
        return math.log(self.prior / (1 - self.prior))

    def temperatures(self, n_frames: np.ndarray) -> np.ndarray:
        """T for numbers of frames seen (N,); each from one float, as arrays have powers that differ in their last bits."""
        n, places = np.unique(np.clip(np.asarray(n_frames, float), self.first_frames, self.last_frames), return_inverse=True)
        return np.array([self.temperature * (value / self.reference_frames) ** self.slope for value in n.tolist()])[places]

    def evidence(self, logits: np.ndarray, n_frames: np.ndarray) -> np.ndarray:
        """logit / T (N,): the log-odds of label 1 where both outcomes are equally frequent."""
        return np.asarray(logits, float) / self.temperatures(n_frames)

    def probability(self, logits: np.ndarray, n_frames: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (N,) of label 1."""
        return expit(self.evidence(logits, n_frames) + self.prior_log_odds)


def called_positive(evidence: np.ndarray) -> np.ndarray:
    """Which predictions are called the positive outcome (N,) bool: those whose logit, or logit / T, is above 0.

    In words, those whose calibrated probability exceeds the share of the positive outcome in training: T changes no sign, and the
    prior is added to both. The one place where calls are made.
    """
    return np.asarray(evidence, float) > 0


def fit_calibration(prefixes: pd.DataFrame, training_labels: np.ndarray) -> Calibration:
    """The calibration with as many parameters as the prefixes of the validation trajectories carry.

    ``prefixes`` has trajectory, recording, lineage, n_frames, logit and label, one row per prefix; a trajectory counts once, by the mean
    log-loss over its prefixes. The prior is that of ``training_labels`` and held fixed. A form with more parameters is taken where
    either label has the trajectories that it ``NEEDED``, and the log-loss of left-out recordings (of ``PARTS`` parts of the lineages, where
    there is one recording) is lower than with the form before by more than the standard error of the difference. Raises InputError when the
    training labels are of one class.
    """
    validation = _Validation(prefixes)
    best = Calibration(PRIOR, "", prior=_prior(training_labels), **validation.described())
    losses, reasons = validation.losses(best), []
    for form in (TEMPERATURE, BY_FRAMES):
        if (reason := validation.lacks(form)) is not None:
            reasons.append(reason)
            continue
        tried = validation.left_out_losses(form, best)
        gain, error = validation.gain(losses, tried)
        words = f"{form} changes the log-loss of left-out {best.left_out}s by {-gain:+.4f} (standard error {error:.4f})"
        reasons.append(words + (", lower by more than the error" if gain > error else ", which is no clear gain"))
        if gain > error:
            best, losses = replace(validation.fit(form, best, validation.all_rows), form=form), tried
    means = [float(each.mean()) if len(each) else None for each in (validation.losses(Calibration()), losses)]
    return replace(best, why="; ".join(reasons), log_loss_raw=means[0], log_loss_calibrated=means[1])


class _Validation:
    """The prefixes of the validation trajectories, and what calibrations lose on them."""

    def __init__(self, prefixes: pd.DataFrame) -> None:
        self.trajectory, names = pd.factorize(prefixes["trajectory"])
        first = prefixes.drop_duplicates("trajectory")
        self.labels = prefixes["label"].to_numpy(float)
        self.logits = prefixes["logit"].to_numpy(float)
        self.n = prefixes["n_frames"].to_numpy(float)
        self.sizes = np.bincount(self.trajectory, minlength=len(names)).astype(float)
        self.of_class = [int((first["label"] == label).sum()) for label in (0, 1)]
        recordings, lineages = pd.factorize(first["recording"])[0], pd.factorize(first["lineage"], sort=True)[0]
        self.unit = "recording" if len(np.unique(recordings)) > 1 else "lineage"
        self.units = recordings if self.unit == "recording" else lineages % PARTS
        self.all_rows = np.ones(len(self.n), bool)

    def described(self) -> dict:
        ends = {"first_frames": int(self.n.min()), "last_frames": int(self.n.max())} if len(self.n) else {}
        counts = {"n_negative": self.of_class[0], "n_positive": self.of_class[1]}
        return {"units": len(np.unique(self.units)), "left_out": self.unit, **counts, **ends}

    def lacks(self, form: str) -> str | None:
        """What is missing so that the form is tried."""
        if min(self.of_class) < NEEDED[form]:
            have = f"{self.of_class[0]} and {self.of_class[1]} validation trajectories of the two outcomes"
            return f"{form} needs {NEEDED[form]} of either outcome, there are {have}"
        if len(np.unique(self.units)) < 2:
            return f"{form} cannot be tested: the validation part is one lineage"
        return None

    def losses(self, calibration: Calibration) -> np.ndarray:
        """The mean log-loss over its prefixes of each trajectory (N,)."""
        probabilities = calibration.probability(self.logits, self.n) if len(self.n) else self.logits
        own = np.where(self.labels == 1, probabilities, 1 - probabilities)
        sums = np.bincount(self.trajectory, -np.log(np.clip(own, SMALLEST, 1)), minlength=len(self.sizes))
        return sums / self.sizes

    def fit(self, form: str, start: Calibration, rows: np.ndarray) -> Calibration:
        """Temperature and, for ``temperature_by_frames``, slope from the trajectories of ``rows``; the reference is their median length.

        Minimises the sum of their losses plus (log T)^2 / 2 and (slope / 3)^2 / 2, priors that a few dozen trajectories outweigh.
        """
        chosen = np.unique(self.trajectory[rows])
        longest = pd.Series(self.n[rows]).groupby(self.trajectory[rows]).max()
        start = replace(start, reference_frames=float(longest.median()), slope=0.0)

        def found(parameters: np.ndarray) -> Calibration:
            return replace(start, temperature=float(np.exp(parameters[0])), slope=float(parameters[1]) if len(parameters) > 1 else 0.0)

        def penalised(parameters: np.ndarray) -> float:
            spreads = (PRIOR_SPREAD, SLOPE_SPREAD)[: len(parameters)]
            return self.losses(found(parameters))[chosen].sum() + float(((parameters / spreads) ** 2).sum()) / 2

        starts = [[0.0]] if form == TEMPERATURE else [[0.0, slope] for slope in SLOPE_STARTS]
        best = min((minimize(penalised, one, method="L-BFGS-B") for one in starts), key=lambda one: one.fun)
        return found(best.x)

    def left_out_losses(self, form: str, start: Calibration) -> np.ndarray:
        """As :meth:`losses`, each unit under the calibration that was fitted without it."""
        losses = np.full(len(self.sizes), np.nan)
        for unit in np.unique(self.units):
            fitted = self.fit(form, start, self.units[self.trajectory] != unit)
            losses[self.units == unit] = self.losses(fitted)[self.units == unit]
        return losses

    def gain(self, before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
        """By how much the mean loss falls, and the standard error over units (cluster-robust)."""
        falls = before - after
        sums = np.bincount(self.units, falls - falls.mean())[np.unique(self.units)]
        return float(falls.mean()), float(np.sqrt(len(sums) / (len(sums) - 1) * (sums**2).sum()) / len(falls))


def _prior(training_labels: np.ndarray) -> float:
    """The share of label 1 in training; an InputError unless there are both."""
    prior = float(np.mean(training_labels)) if len(training_labels) else np.nan
    if not 0 < prior < 1:
        raise InputError(f"calibration: the training part has {len(training_labels)} trajectories of one outcome; both are needed")
    return prior


def save_calibration(calibration: Calibration, path: str | Path) -> None:
    write_json(asdict(calibration), path)


def read_calibration(path: str | Path) -> Calibration:
    """Read what :func:`save_calibration` wrote, or the calibration by numbers of frames of a model folder of cellfate 0.1."""
    return calibration_of(read_json(path))


def calibration_of(found: Mapping) -> Calibration:
    """The calibration of a JSON object; what cellfate 0.1 wrote says neither its form nor the classes that it was fitted on."""
    if "form" not in found:
        found = {**found, "form": BY_FRAMES, "why": f"as cellfate 0.1 fitted it, on {found['n_validation']} validation trajectories"}
    return Calibration(**{field.name: found[field.name] for field in fields(Calibration) if field.name in found})
