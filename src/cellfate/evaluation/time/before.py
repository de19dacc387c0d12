"""The scores of network and baselines so many hours before the end, of the same trajectories at every point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from scipy.special import expit

from cellfate.evaluation.baselines.scores import NETWORK, looked_up, said_by
from cellfate.evaluation.metrics import fixed_cohort
from cellfate.evaluation.pooling import pooled
from cellfate.evaluation.scoring import Units
from cellfate.evaluation.time.ends import shared_hours
from cellfate.evaluation.time.tables import BEFORE_END
from cellfate.statistics.reliability import log_odds
from cellfate.statistics.scores import Score, auroc, balanced_accuracy, brier, log_loss

CHANCE = 0.5  # of scores that a constant has: the base rate calls and ranks all alike


@dataclass(frozen=True)
class Cohort:
    """The network's predictions ``rows`` of trajectories that all have every point, one row for each; none, and the ``reason`` why."""

    rows: pd.DataFrame
    reason: str | None


def cohort_of(
    predictions: pd.DataFrame,
    left: pd.DataFrame,
    groups: pd.Series,
    steps: Sequence[int],
    treatment: str | None,
    least: int,
    names: tuple[str, str],
) -> Cohort:
    """The held-out trajectories without their last n frames, for the n of ``steps`` up to the farthest that ``least`` of each outcome have.

    ``left`` has the hours to the end (:func:`cellfate.evaluation.time.ends.hours_left`), which the rows get as ``hours``. ``groups`` are
    those of the trajectories, ``names`` the outcomes, negative first.
    """
    rows = predictions[(predictions["condition"] == "truncation") & predictions["n"].isin(steps)]
    rows = pooled(rows, splits=("test",), treatment=treatment)
    rows = rows.assign(group=rows["trajectory"].map(groups), log_odds=log_odds(rows["probability"]))
    hours = left.drop_duplicates(["trajectory", "n"]).set_index(["trajectory", "n"])["hours"]
    rows["hours"] = hours.reindex(pd.MultiIndex.from_frame(rows[["trajectory", "n"]])).to_numpy()
    if not len(steps):
        return Cohort(rows, "evaluation.truncation is null")
    for last in sorted(steps, reverse=True):
        near = rows[rows["n"] <= last]
        members = near[near["trajectory"].isin(fixed_cohort(near, "truncation", [n for n in steps if n <= last]))]
        counts = members.drop_duplicates("trajectory")["label"].value_counts().reindex([0, 1], fill_value=0)
        if counts.min() >= least:
            return Cohort(members, None)
    rare = names[int(counts.to_numpy().argmin())]
    return Cohort(rows[:0], f"fewer than {least} held-out trajectories of {rare} (figures.min_trajectories)")


def tabulate_before(cohort: pd.DataFrame, baselines: pd.DataFrame, rates: Mapping[int, float], units: Units) -> pd.DataFrame:
    """The before_end table: four scores with intervals of each method and point of ``cohort``, and what the base rate alone would have.

    ``baselines`` is the table baseline_predictions, ``rates`` the base rates of the folds (empty: a half). ``hours`` are null at points
    that are not as many hours before the end in (almost) all trajectories; ``hours_share`` says in how many they are. Raises InputError
    for a trajectory that a baseline did not predict.
    """
    said = {method: said_by(rows, rates) for method, rows in baselines.groupby("method", sort=False)}
    found = []
    for n, rows in cohort.groupby("n"):
        base = _base(rows, rates)
        methods = {NETWORK: rows} | {method: looked_up(one, rows, method) for method, one in said.items()}
        hours, share = shared_hours(rows["hours"])
        key = {"n": n, "hours": hours, "hours_share": share} | _sizes(rows, units)
        for method, own in methods.items():
            names = key | {"method": method}
            found += [names | {"metric": name, "base": base[name]} | _limits(score, own, units) for name, score in _scores(own).items()]
    return pd.DataFrame(found, columns=list(BEFORE_END.columns))


def _scores(rows: pd.DataFrame) -> dict[str, Score]:
    labels, odds = rows["label"].to_numpy(int), rows["log_odds"].to_numpy(float)
    return {
        "balanced_accuracy": balanced_accuracy(labels, rows["predicted"]),
        "auroc": auroc(labels, odds),
        "log_loss": log_loss(labels, odds),
        "brier": brier(labels, expit(odds)),
    }


def _base(rows: pd.DataFrame, rates: Mapping[int, float]) -> dict[str, float]:
    labels, odds = rows["label"].to_numpy(int), log_odds(rows["fold"].map(rates).fillna(0.5))
    judged = {"log_loss": log_loss(labels, odds).value, "brier": brier(labels, expit(odds)).value}
    return {"balanced_accuracy": CHANCE, "auroc": CHANCE} | judged


def _limits(score: Score, rows: pd.DataFrame, units: Units) -> dict:
    interval = units.interval(score, rows)
    return {"value": score.value, "ci_low": interval.low, "ci_high": interval.high, "reason": interval.reason}


def _sizes(rows: pd.DataFrame, units: Units) -> dict:
    counts = units.counts(rows)
    sizes = {"n_trajectories": len(rows), "n_negative": int((rows["label"] == 0).sum()), "n_positive": int((rows["label"] == 1).sum())}
    return sizes | {name: counts[name] for name in ("units_negative", "units_positive")}
