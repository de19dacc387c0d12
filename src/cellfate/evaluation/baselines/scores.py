"""Network and baselines on the same trajectories: scores, paired differences, and in words which of them ties or wins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.evaluation.metrics import fixed_cohort
from cellfate.evaluation.pooling import pooled
from cellfate.evaluation.scoring import Units
from cellfate.statistics.reliability import log_odds
from cellfate.statistics.scores import Score, balanced_accuracy, difference, log_loss

NETWORK = "network"
THRESHOLD = 0.5  # of the baselines, which weigh both outcomes alike
MOST_NAMED = 3  # baselines in the verdict
AS_METRICS = {"value_low": "ci_low", "value_high": "ci_high", "value_reason": "reason"}  # their names in tables of metrics
LABELS = {
    NETWORK: "the network",
    "majority": "the majority",
    "recording": "the recording",
    "group": "the group of recordings",
    "treatment": "the treatment",
    "dose": "treatment and dose",
    "length": "the length of the track",
    "clock": "the time on the clock",
    "rings_last_frame": "rings of the last frame, logistic",
    "rings_any_frame": "rings of the last frame, logistic fitted on all prefixes",
    "rings_prefix": "rings of the whole prefix, boosting",
    "features_prefix": "features of the whole prefix, boosting",
}


@dataclass(frozen=True)
class Comparison:
    """What is compared: treatment of the truncated trajectories (None: all), numbers of dropped frames, cohort, units of intervals.

    ``calibrated``: whether the network's probabilities follow the base rate of its training part.
    """

    treatment: str | None
    truncation: Sequence[int]
    cohort: str
    units: Units
    calibrated: bool


def score_baselines(
    predictions: pd.DataFrame, baselines: pd.DataFrame, trajectories: pd.DataFrame, split: pd.DataFrame, comparison: Comparison
) -> pd.DataFrame:
    """The baselines table: balanced accuracy and log-loss of network and baselines with intervals, and the network's lead over each.

    ``predictions`` are the network's of all folds, ``baselines`` the baseline_predictions table. Scopes, conditions and cohorts are
    those of the tables test_metrics and truncation, so the network's values are the same there. Outcomes weigh the same in a baseline;
    for its log-loss they get the base rate of the fold's training part, as the calibrated network has it. Raises InputError for a
    trajectory that a baseline did not predict.
    """
    network = pooled(predictions, splits=("test",), treatment=None)
    network = network.assign(group=network["trajectory"].map(trajectories.set_index("trajectory")["group"]))
    network["log_odds"] = log_odds(network["probability"])
    rates = base_rates(trajectories, split) if comparison.calibrated else {}
    said = {method: said_by(rows, rates) for method, rows in baselines.groupby("method", sort=False)}
    found = []
    for key, rows in _sets(network, comparison):
        names = dict(zip(("scope", "condition", "n", "cohort"), key, strict=True))
        found += [names | row for row in _compared(rows, said, comparison.units)]
    return pd.DataFrame(found)


def base_rates(trajectories: pd.DataFrame, split: pd.DataFrame) -> dict[int, float]:
    """The share of label 1 among the usable training trajectories of each fold."""
    training = split[split["split"] == "train"].merge(trajectories.loc[trajectories["usable"], ["trajectory", "label"]])
    return training.groupby("fold")["label"].mean().astype(float).to_dict()


def said_by(rows: pd.DataFrame, rates: Mapping[int, float]) -> pd.DataFrame:
    """predicted and log_odds of a baseline by fold, trajectory and n. The majority's probability is the base rate."""
    odds = np.zeros(len(rows)) if rows["method"].iloc[0] == "majority" else log_odds(rows["probability"])
    found = rows.assign(predicted=(rows["probability"] > THRESHOLD).astype(int))
    found["log_odds"] = odds + log_odds(rows["fold"].map(rates).fillna(0.5))
    return found.set_index(["fold", "trajectory", "n"])[["predicted", "log_odds"]]


def _sets(network: pd.DataFrame, comparison: Comparison):
    """(scope, condition, n, cohort) and the network's rows of each set of trajectories that is scored."""
    treatment = comparison.treatment
    full, treated = (network[network["condition"] == condition] for condition in ("full", "truncation"))
    yield ("all", "full", 0, "all"), full
    if treatment is not None:
        yield (treatment, "full", 0, "all"), full[full["treatment"] == treatment]
        treated = treated[treated["treatment"] == treatment]
    treated = treated[treated["n"].isin(comparison.truncation)]
    cohorts = {"all": treated}
    if comparison.cohort == "fixed":
        cohorts["fixed"] = treated[treated["trajectory"].isin(fixed_cohort(treated, "truncation", comparison.truncation))]
    for name, members in cohorts.items():
        for n in comparison.truncation:
            yield (treatment or "all", "truncation", n, name), members[members["n"] == n]


def _compared(rows: pd.DataFrame, said: Mapping[str, pd.DataFrame], units: Units) -> list[dict]:
    """Rows of the table for one set of trajectories: the network first."""
    sizes = {"n_trajectories": len(rows), **units.counts(rows)}
    network = _scores(rows)
    found = [{"method": NETWORK} | _columns(network, rows, units) | sizes]
    for method, one in said.items():
        scores = _scores(looked_up(one, rows, method))
        found.append({"method": method} | _columns(scores | _leads(network, scores), rows, units) | sizes)
    return found


def _scores(rows: pd.DataFrame) -> dict[str, Score]:
    labels = rows["label"].to_numpy(int)
    return {"value": balanced_accuracy(labels, rows["predicted"]), "log_loss": log_loss(labels, rows["log_odds"])}


def _leads(network: Mapping[str, Score], scores: Mapping[str, Score]) -> dict[str, Score]:
    """How much better the network is: more accuracy, less loss."""
    return {
        "lead": difference(network["value"], scores["value"]),
        "log_loss_lead": difference(scores["log_loss"], network["log_loss"]),
    }


def _columns(scores: Mapping[str, Score], rows: pd.DataFrame, units: Units) -> dict:
    """Each score with its limits and the reason why it has none."""
    found = {}
    for name, score in scores.items():
        found |= units.named(name, score, rows)
    return {AS_METRICS.get(name, name): value for name, value in found.items()}


def looked_up(said: pd.DataFrame, rows: pd.DataFrame, method: str) -> pd.DataFrame:
    """``rows`` with what a baseline says of them in the fold that held them out."""
    values = said.reindex(pd.MultiIndex.from_frame(rows[["fold", "trajectory", "n"]]))
    if values["predicted"].isna().any():
        _, trajectory, n = values.index[values["predicted"].isna()][0]
        raise InputError(f"baselines: {method} has no prediction of trajectory {trajectory} without its last {n} frames")
    return rows.assign(predicted=values["predicted"].to_numpy(int), log_odds=values["log_odds"].to_numpy(float))


def headline_rows(baselines: pd.DataFrame) -> pd.DataFrame:
    """The rows of all held-out trajectories in full: the network first, then the baselines, the best first."""
    rows = baselines[(baselines["scope"] == "all") & (baselines["condition"] == "full")]
    network = rows["method"] == NETWORK
    return pd.concat([rows[network], rows[~network].sort_values("value", ascending=False, kind="stable")])


def verdict(baselines: pd.DataFrame) -> str:
    """In one line whether a baseline wins, ties, or the network is better than each; on all held-out trajectories in full.

    A baseline wins where its balanced accuracy is at least the network's, and ties where the interval of the difference has 0 in it or
    there is none. Where log-loss says otherwise, that is added.
    """
    rows = headline_rows(baselines)
    network, others = rows.iloc[0], rows.iloc[1:]
    best = others.iloc[0]
    standing, found = _standing(others, "lead")
    by_loss, in_loss = _standing(others, "log_loss_lead")
    otherwise = "" if by_loss == standing else f" In log-loss, which judges the probabilities: {in_loss}"
    scores = f"{LABELS[best['method']]} {_with_limits(best)}, network {_with_limits(network)}, network less baseline {_lead(best)}"
    return f"{_sentence(found)} The best of them, in balanced accuracy: {scores}.{otherwise}"


def _standing(others: pd.DataFrame, lead: str) -> tuple[str, str]:
    """Whether a baseline wins, ties, or the network leads by the columns of ``lead``; and that in words."""
    wins = others[others[lead] <= 0]
    ties = others[(others[lead] > 0) & ~(others[f"{lead}_low"] > 0)]
    of_all = f"of {len(others)} simple baselines"
    if len(wins):
        further = f", and not shown to be better than {len(ties)} more" if len(ties) else ""
        return "wins", f"the network is no better than {len(wins)} {of_all}: {_listed(wins)}{further}."
    if len(ties):
        return "ties", f"the network is not shown to be better than {len(ties)} {of_all}: {_listed(ties)}."
    return "leads", f"the network is better than each {of_all}."


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def _listed(rows: pd.DataFrame) -> str:
    names = [f"“{LABELS[method]}”" for method in rows["method"]]
    names = names if len(names) <= MOST_NAMED else [*names[: MOST_NAMED - 1], f"{len(names) - MOST_NAMED + 1} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _with_limits(row: pd.Series) -> str:
    return f"{row['value']:.3f}" + ("" if pd.isna(row["ci_low"]) else f" ({row['ci_low']:.3f} to {row['ci_high']:.3f})")


def _lead(row: pd.Series) -> str:
    without = f"no interval: {row['lead_reason']}"
    limits = without if pd.isna(row["lead_low"]) else f"{row['lead_low']:+.3f} to {row['lead_high']:+.3f}"
    return f"{row['lead']:+.3f} ({limits})"
