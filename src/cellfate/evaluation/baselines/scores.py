"""Network and baselines on the same trajectories: scores, paired differences, and in words which of them ties or wins."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.evaluation.metrics import fixed_cohort
from cellfate.evaluation.pooling import THRESHOLD, pooled
from cellfate.evaluation.scoring import Resampling, Score, balanced_accuracy, difference, units_of, with_units

NETWORK = "network"
MOST_NAMED = 3  # baselines in the verdict
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
    """What is compared: treatment of the truncated trajectories (None: all), numbers of dropped frames, cohort, resamples."""

    treatment: str | None
    truncation: Sequence[int]
    cohort: str
    resampling: Resampling


def score_baselines(predictions: pd.DataFrame, baselines: pd.DataFrame, trajectories: pd.DataFrame, comparison: Comparison) -> pd.DataFrame:
    """The baselines table: balanced accuracy of network and baselines with intervals, and the network's lead over each.

    ``predictions`` are the network's of all folds, ``baselines`` the baseline_predictions table. Scopes, conditions and cohorts are
    those of the tables test_metrics and truncation, so the network's values are the same there. Raises InputError for a trajectory that a
    baseline did not predict.
    """
    lineage = trajectories.set_index("trajectory")["lineage"]
    network = pooled(predictions, splits=("test",), treatment=None)
    network = network.assign(lineage=network["trajectory"].map(lineage))
    baselines = baselines.assign(predicted=(baselines["probability"] > THRESHOLD).astype(int))
    by_method = {method: rows.set_index(["trajectory", "n"])["predicted"] for method, rows in baselines.groupby("method", sort=False)}
    found = []
    for key, rows in _sets(network, comparison):
        names = dict(zip(("scope", "condition", "n", "cohort"), key, strict=True))
        found += [names | row for row in _compared(rows, by_method, comparison)]
    return pd.DataFrame(found)


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


def _compared(rows: pd.DataFrame, by_method: dict[str, pd.Series], comparison: Comparison) -> list[dict]:
    """Rows of the table for one set of trajectories: the network first."""
    rows = with_units(rows)
    sizes = {"n_trajectories": len(rows), **units_of(rows)}
    nothing = Score(np.nan, np.nan, np.nan)
    found = [_row(NETWORK, balanced_accuracy(rows, comparison.resampling), nothing) | sizes]
    for method, predicted in by_method.items():
        others = rows.assign(predicted=_looked_up(predicted, rows, method))
        lead = difference(rows, others, comparison.resampling)
        found.append(_row(method, balanced_accuracy(others, comparison.resampling), lead) | sizes)
    return found


def _looked_up(predicted: pd.Series, rows: pd.DataFrame, method: str) -> np.ndarray:
    values = predicted.reindex(pd.MultiIndex.from_frame(rows[["trajectory", "n"]]))
    if values.isna().any():
        trajectory, n = values.index[values.isna()][0]
        raise InputError(f"baselines: {method} has no prediction of trajectory {trajectory} without its last {n} frames")
    return values.to_numpy(int)


def _row(method: str, score: Score, lead: Score) -> dict:
    limits = {"value": score.value, "ci_low": score.low, "ci_high": score.high}
    return {"method": method, **limits, "lead": lead.value, "lead_low": lead.low, "lead_high": lead.high}


def headline_rows(baselines: pd.DataFrame) -> pd.DataFrame:
    """The rows of all held-out trajectories in full: the network first, then the baselines, the best first."""
    rows = baselines[(baselines["scope"] == "all") & (baselines["condition"] == "full")]
    network = rows["method"] == NETWORK
    return pd.concat([rows[network], rows[~network].sort_values("value", ascending=False, kind="stable")])


def verdict(baselines: pd.DataFrame) -> str:
    """In one line whether a baseline wins, ties, or the network is better than each; on all held-out trajectories in full.

    A baseline wins where its value is at least the network's, and ties where the interval of the difference has 0 in it or there
    is none.
    """
    rows = headline_rows(baselines)
    network, others = rows.iloc[0], rows.iloc[1:]
    wins = others[others["lead"] <= 0]
    ties = others[(others["lead"] > 0) & ~(others["lead_low"] > 0)]
    best = others.iloc[0]
    of_all = f"of {len(others)} simple baselines"
    if len(wins):
        further = f", and not shown to be better than {len(ties)} more" if len(ties) else ""
        found = f"The network is no better than {len(wins)} {of_all}: {_listed(wins)}{further}."
    elif len(ties):
        found = f"The network is not shown to be better than {len(ties)} {of_all}: {_listed(ties)}."
    else:
        found = f"The network is better than each {of_all}."
    scores = f"{LABELS[best['method']]} {_with_limits(best)}, network {_with_limits(network)}, network less baseline {_lead(best)}"
    return f"{found} The best of them, in balanced accuracy: {scores}."


def _listed(rows: pd.DataFrame) -> str:
    names = [f"“{LABELS[method]}”" for method in rows["method"]]
    names = names if len(names) <= MOST_NAMED else [*names[: MOST_NAMED - 1], f"{len(names) - MOST_NAMED + 1} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _with_limits(row: pd.Series) -> str:
    return f"{row['value']:.3f}" + ("" if pd.isna(row["ci_low"]) else f" ({row['ci_low']:.3f} to {row['ci_high']:.3f})")


def _lead(row: pd.Series) -> str:
    limits = " (no interval)" if pd.isna(row["lead_low"]) else f" ({row['lead_low']:+.3f} to {row['lead_high']:+.3f})"
    return f"{row['lead']:+.3f}{limits}"
