"""Tables of the scores of risks, as a run leaves them."""

import pandas as pd

from cellfate.base.tables import check_table
from cellfate.evaluation.risks.tables import DECIDED, FATE_BEFORE, RISK_ALARMS, RISK_CALIBRATION, RISK_SCORES

HOURS = (2.0, 5.0, 10.0)
SIZES = {"units": 4, "units_negative": 4, "units_positive": 4, "n_negative": 20, "n_positive": 30}
ROLES = ("negative", "positive")


def table(declared, rows):
    return check_table(pd.DataFrame(rows, columns=list(declared.columns)), declared, declared.name)


def tables(reason=None):
    """Scores, calibration, alarms, outcomes before the event, and decided cells; with a ``reason`` nothing is measured."""
    lacks = reason is not None

    def row(**values):
        return {key: None if lacks and isinstance(value, float) else value for key, value in values.items()}

    counts = {"n_at_risk": 90, "n_landmarks": 80, "n_tracks": 70, "n_lost": 5} | SIZES
    moments = [("all frames", 0.0), *[("drug", hour) for hour in (0.0, 2.5, 5.0)]]
    scores = [
        {"scope": scope, "hours": at, "horizon_hours": hours, "method": method, "reason": reason}
        | counts
        | row(brier=0.1, skill=None if method == "clock" else 0.2, skill_low=-0.4, skill_high=0.5)
        for scope, at in moments
        for hours in HOURS
        for method in ("risks", "clock", "age", "rings_any_frame", "rings_prefix")
    ]
    bins = [
        {"method": "risks", "horizon_hours": hours, "outcome": role, "bin": k, "n_landmarks": 50, "n_tracks": 30, "n_events": 3, "units": 4}
        | {"reason": reason}
        | row(predicted=0.01 + k / 10, observed=0.01 + k / 12, observed_low=k / 20, observed_high=0.1 + k / 8, ece=0.02)
        for hours in HOURS
        for role in ROLES
        for k in range(3)
    ]
    cells = {"n_events": 20, "n_quiet": 100, "n_validation": 60, "units_events": 4, "units_quiet": 4, "alarm_share": 0.05, "reason": reason}
    alarms = [
        {"method": "risks", "horizon_hours": hours, "outcome": role}
        | cells
        | row(found=0.5, found_low=0.3, found_high=0.7, ahead=4.0, false_alarms=0.04)
        for hours in HOURS
        for role in ROLES
    ]
    fates = [
        {"hours_before": lead, "method": method, "n_trajectories": 50, "reason": reason} | SIZES | row(log_loss=loss, log_loss_base=0.6)
        for lead in (0.5, 2.0, 10.0)
        for method, loss in (("risks", 0.3), ("network", 0.5), ("rings_last_frame", 0.4))
    ]
    decided = [
        {"clock": "drug", "hours": at, "horizon_hours": hours, "level": 0.8, "n_at_risk": 50, "units": 4, "reason": reason}
        | row(negative=0.1, positive=0.2, neither=0.4, decided=0.7, right=0.9)
        for at in (0.0, 2.5, 5.0)
        for hours in HOURS
    ]
    kinds = ((RISK_SCORES, scores), (RISK_CALIBRATION, bins), (RISK_ALARMS, alarms), (FATE_BEFORE, fates), (DECIDED, decided))
    return [table(*kind) for kind in kinds]
