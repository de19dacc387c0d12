"""The design of the experiment before anything is trained: what stands where, and what it alone tells of the outcome.

Needs trajectories and their split, no images. Where recording, group, treatment, dose or length tell the outcome, a score of any
model may rest on them, and nothing that is computed later can show that it does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.evaluation.rates import VARIABLES, bin_edges, coded, design_values, fit_rates, having, told_by_others
from cellfate.evaluation.remedies import remedy, warning
from cellfate.evaluation.scoring import Units
from cellfate.statistics.intervals import FEWEST_UNITS
from cellfate.statistics.scores import COUNTS, balanced_accuracy

MANY_LOST = 0.01  # share of resamples without one of the outcomes from which it is said
FEW_UNITS = 6  # held-out units; with fewer it is said
SHUFFLED = (
    "A control: the network learned from outcomes that were exchanged at random (training.shuffle_labels is true). Its score on the "
    "held-out cells, whose outcomes are their own, should be at chance; if it is not, do not believe that of a run without this setting."
)
MOST_NAMED = 5  # recordings without a group, in the note that says so
QUANTILES = {"shortest": 0.0, "q25": 0.25, "median": 0.5, "q75": 0.75, "longest": 1.0}
LEVELS = {"recording": ["recording"], "group": ["group"], "treatment": ["treatment", "dose"]}


@dataclass(frozen=True)
class DesignSettings:
    """What the check is told: names of the outcomes, unit of the split, score from which a variable tells the outcome.

    ``shuffle_labels``: whether the network learns from exchanged outcomes, as a control.
    """

    outcomes: Mapping[str, str]
    unit: str
    confounded_from: float
    shuffle_labels: bool


def design_settings(config: Mapping) -> DesignSettings:
    """The settings of the check from the merged configuration."""
    shuffled = config["training"]["shuffle_labels"]
    return DesignSettings(config["outcomes"], config["split"]["unit"], config["evaluation"]["confounded_from"], shuffled)


def tabulate_design(trajectories: pd.DataFrame) -> pd.DataFrame:
    """The design table: tracks by recording, by group and by treatment with dose, each by outcome.

    ``n_tracks`` are all, ``n_usable`` those that are learned from or tested on; quantiles of their lengths in hours, null without any.
    """
    tables = [_counted(trajectories, level) for level in LEVELS if trajectories[level].notna().any()]
    return pd.concat(tables, ignore_index=True)


def _counted(trajectories: pd.DataFrame, level: str) -> pd.DataFrame:
    rows = trajectories[trajectories[level].notna()]
    rows = rows.assign(dose=rows["dose"].fillna(""), group=rows["group"].fillna(""), hours=design_values(rows)["length"])
    by = [*LEVELS[level], "outcome"]
    counted = rows.groupby(by)["usable"].agg(n_tracks="size", n_usable="sum")
    lengths = rows[rows["usable"]].groupby(by)["hours"].quantile(list(QUANTILES.values())).unstack()
    table = counted.join(lengths.set_axis(list(QUANTILES), axis=1) if len(lengths) else pd.DataFrame(columns=list(QUANTILES)))
    table = table.reset_index()
    name = table[LEVELS[level]].astype(str).agg(" ".join, axis=1).str.strip()
    treatment = name if level == "treatment" else table[level].map(_treatments(rows, level))
    return table.assign(level=level, name=name, treatment=treatment, n_usable=table["n_usable"].astype(int))[_columns()]


def _columns() -> list[str]:
    return ["level", "name", "treatment", "outcome", "n_tracks", "n_usable", *QUANTILES]


def _treatments(rows: pd.DataFrame, level: str) -> pd.Series:
    """Treatment and dose of each recording or group, several with commas."""
    return design_values(rows)["dose"].groupby(rows[level]).agg(lambda doses: ", ".join(sorted(set(doses))))


def score_design(trajectories: pd.DataFrame, split: pd.DataFrame | None, units: Units) -> pd.DataFrame:
    """The design_scores table: balanced accuracy of the outcome from each variable alone, for the usable trajectories.

    ``within``: each trajectory is called as the others of the same value are (:func:`~cellfate.evaluation.rates.told_by_others`).
    1 is a variable of which each value has one outcome; 0.5 tells nothing; less means that outcomes are spread more evenly than by chance.
    ``held_out``: rates of the training part of each fold, applied to its test part as the network is, with the interval over units
    or the reason why it has none.
    ``seen``: the share of test trajectories whose value the training part has; where that is 0, as for recordings that are
    split whole, nothing carries over and ``held_out`` is 0.5 however much the variable tells. Null without a ``split`` and for a
    variable with one value. Trajectories of recordings without a group are left out of ``group``.
    """
    usable = trajectories[trajectories["usable"]].reset_index(drop=True)
    return pd.DataFrame([_score_of(name, having(usable, name), split, units) for name in VARIABLES])


def _score_of(name: str, usable: pd.DataFrame, split: pd.DataFrame | None, units: Units) -> dict:
    values, labels = design_values(usable)[name].to_numpy(), usable["label"].to_numpy(int)
    n_values = len(np.unique(coded(values, bin_edges(values))))
    row = {"variable": name, "n_values": n_values, "n_trajectories": len(usable)}
    nothing = {"within": None, "held_out": None, "ci_low": None, "ci_high": None, "reason": None, "seen": None, "units": 0}
    if n_values < 2:
        return row | nothing
    row |= nothing | {"within": balanced_accuracy(labels, told_by_others(values, labels)).value}
    if split is None:
        return row
    tested = predict_design(usable, split, name)
    if tested.empty:
        return row | {"reason": "no fold has cells with a value in its training and in its test part"}
    score = balanced_accuracy(tested["label"], tested["predicted"])
    interval = units.interval(score, tested)
    row |= {"held_out": score.value, "ci_low": interval.low, "ci_high": interval.high, "reason": interval.reason}
    return row | {"seen": float(tested["seen"].mean()), "units": units.counts(tested)["units"]}


def predict_design(usable: pd.DataFrame, split: pd.DataFrame, name: str) -> pd.DataFrame:
    """Every test trajectory of every fold once, as the variable ``name`` tells it: label, predicted, seen."""
    tables = []
    for _, of_fold in split.groupby("fold"):
        rows = usable.merge(of_fold, on="trajectory", validate="one_to_one")
        train, test = (rows[rows["split"] == part] for part in ("train", "test"))
        if train.empty or test.empty:
            continue
        rates = fit_rates(design_values(train)[name].to_numpy(), train["label"].to_numpy(int))
        values = design_values(test)[name].to_numpy()
        seen = np.isin(coded(values, rates.edges), rates.probability.index)
        tables.append(test.assign(label=test["label"].astype(int), predicted=(rates.predict(values) > 0.5).astype(int), seen=seen))
    return pd.concat(tables, ignore_index=True).drop_duplicates("trajectory", ignore_index=True) if tables else usable[:0]


def check_design(trajectories: pd.DataFrame, split: pd.DataFrame | None, settings: DesignSettings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables design_scores and design_lines; the lines are what report, headline and ``cellfate check`` say.

    First of all that outcomes are exchanged, where they are. A warning (and what would help) where a variable tells the outcome at least
    as well as ``confounded_from``, within the data or held out; then notes on how few units there are. No lines where nothing is to be
    said.
    """
    usable = trajectories[trajectories["usable"]].reset_index(drop=True)
    units = Units.of(settings.outcomes, settings.unit)
    scores = score_design(trajectories, split, units)
    best = scores[["within", "held_out"]].astype(float).max(axis=1)
    telling = dict(zip(scores["variable"], best, strict=True))
    telling = {name: value for name, value in telling.items() if value >= settings.confounded_from}
    lines = [("warning", SHUFFLED)] if settings.shuffle_labels else []
    if telling:
        lines += [("warning", warning(usable, telling)), ("remedy", remedy(usable, telling, settings.outcomes, settings.unit))]
    lines += [("note", text) for text in unit_notes(usable, split, units)]
    return scores, pd.DataFrame(lines, columns=["kind", "text"])


def unit_notes(usable: pd.DataFrame, split: pd.DataFrame | None, units: Units) -> list[str]:
    """In numbers: recordings without a group, outcomes of one recording, few held-out units, resamples that would lack an outcome."""
    total, notes = usable["recording"].nunique(), _empty_groups(usable)
    for label, name in enumerate(units.names):
        having = usable.loc[usable["label"] == label, "recording"]
        if total > 1 and having.nunique() == 1:
            notes.append(
                f"All {len(having)} trajectories with {name} are in one recording ({having.iloc[0]}) of {total}: "
                "whether they are told from the others or that recording from the others cannot be known."
            )
    return notes if split is None else notes + _held_out_notes(usable, split, units)


def _empty_groups(usable: pd.DataFrame) -> list[str]:
    """Which recordings have no group where others do."""
    empty = usable["group"].isna()
    if empty.all() or not empty.any():
        return []
    names = list(dict.fromkeys(usable.loc[empty, "recording"]))
    listed = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
    left = f"{int(empty.sum())} of {len(usable)} trajectories are left out of what is measured of groups"
    return [f"The column group of the recordings sheet is empty for {listed}: {left}."]


def _held_out_notes(usable: pd.DataFrame, split: pd.DataFrame, units: Units) -> list[str]:
    tested = split.loc[split["split"] == "test", "trajectory"]
    rows = usable[usable["trajectory"].isin(tested)]
    of_unit = rows.groupby(units.unit)["label"].agg(["min", "max"]).astype(int)
    lost, counts = lost_resamples(of_unit["min"].to_numpy(), of_unit["max"].to_numpy()), units.counts(rows)
    held_out = f"{counts['units']} held-out {units.unit}{'s' * (counts['units'] != 1)}"
    having = f"{units.names[0]} in {counts['units_negative']}, {units.names[1]} in {counts['units_positive']}"
    notes, fewest = [], FEWEST_UNITS[COUNTS]
    if min(counts["units_negative"], counts["units_positive"]) < fewest:
        notes.append(f"Scores rest on {held_out} ({having}): they have no interval, {fewest} with each outcome are needed for one.")
    elif counts["units"] < FEW_UNITS:
        notes.append(f"Scores rest on {held_out} ({having}): their intervals are rough.")
    if lost >= MANY_LOST:
        notes.append(f"{100 * lost:.0f} % of all resamples of the {held_out} lack an outcome ({having}).")
    return notes


def lost_resamples(lowest: np.ndarray, highest: np.ndarray) -> float:
    """The exact share of resamples of units with replacement that lack label 0 or label 1.

    ``lowest`` and ``highest`` are the smallest and largest label of each unit (U,).
    """
    units = len(lowest)
    only_negative, only_positive = int((highest == 0).sum()), int((lowest == 1).sum())
    return (only_negative / units) ** units + (only_positive / units) ** units if units else 1.0
