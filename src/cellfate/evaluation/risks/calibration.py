"""Do as many cells have the outcome as the risks say? By bins, against Aalen and Johansen in each (Heyard and others 2020)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cellfate.evaluation.risks.forecasts import Forecasts
from cellfate.evaluation.risks.scores import OUTCOMES, why_none
from cellfate.evaluation.risks.tables import RISK_CALIBRATION
from cellfate.evaluation.scoring import Units
from cellfate.statistics.competing import observed_weights
from cellfate.statistics.scores import COUNTS, Score


def tabulate_calibration(test: Forecasts, horizons: Sequence[float], bins: int, units: Units) -> pd.DataFrame:
    """The risk_calibration table, of the landmarks after which the film goes on for as long."""
    found = []
    for number, hours in enumerate(horizons):
        inside = test.of(test.inside[:, number])
        events = [inside.table["trajectory"][inside.came[:, number] == outcome].nunique() for outcome in (0, 1)]
        reason = why_none(test, number, hours, events)
        for method, risks in inside.risks.items():
            for outcome, name in enumerate(OUTCOMES):
                key = {"method": method, "horizon_hours": hours, "outcome": name}
                said = risks[:, number, outcome]
                why = reason or ("it was not fitted: too few training cells" if np.isnan(said).any() else None)
                if why is not None:
                    found.append(key | {"bin": 0, "n_landmarks": 0, "n_tracks": 0, "n_events": 0, "units": 0, "reason": why})
                else:
                    found += [key | row for row in calibration_bins(inside.table, said, outcome, hours, bins, units)]
    return pd.DataFrame(found, columns=list(RISK_CALIBRATION.columns))


def calibration_bins(table: pd.DataFrame, risks: np.ndarray, outcome: int, hours: float, bins: int, units: Units) -> list[dict]:
    """A row for each bin, with ``ece`` of them all. Landmarks of equal risk are in one bin, so that there may be fewer than ``bins``.

    ``table`` is that of landmarks (:class:`cellfate.evaluation.risks.frames.Frames`). What came is weighed within a bin by its own losses.
    """
    edges = np.unique(np.quantile(risks, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, risks, side="left")
    found = []
    for number, one in enumerate(np.unique(place)):
        own = table[place == one]
        weights = observed_weights(own["left"].to_numpy(float), own["ended"].to_numpy(int), hours)
        came = (own["ended"].to_numpy(int) == outcome) & (own["left"].to_numpy(float) <= hours + 1e-6)
        score = Score(came[None].astype(float), weights[None], np.ones(1), came.astype(int), COUNTS)
        interval = units.interval(score, own)
        row = {"bin": number, "predicted": float(risks[place == one].mean()), "observed": score.value}
        row |= {"observed_low": interval.low, "observed_high": interval.high, "reason": interval.reason}
        row |= {"n_landmarks": len(own), "n_tracks": own["trajectory"].nunique(), "units": own[units.unit].nunique()}
        found.append(row | {"n_events": own.loc[came, "trajectory"].nunique()})
    gaps = [row["n_landmarks"] * abs(row["observed"] - row["predicted"]) for row in found]
    return [row | {"ece": float(np.sum(gaps) / len(table))} for row in found]
