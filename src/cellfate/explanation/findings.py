"""What is shown of each feature, and what is not, in a sentence: from the contrasts and the effects, with nothing added."""

from collections.abc import Mapping

import pandas as pd

from cellfate.explanation.contrasts import LEVEL
from cellfate.explanation.tables import COURSES, FINDINGS

NO_WINDOWS = "not compared at the same time before the end (statistics.windows is null)"
WORDS = {
    "kept": "as measured",
    "removed": "relative to other cells at that time",
    "own": "relative to cells of the same outcome at that time",
}


def describe_features(contrasts: pd.DataFrame, effects: pd.DataFrame, outcomes: Mapping[str, str], high_by: str) -> pd.DataFrame:
    """The findings table. ``shown`` says whether a contrast at the same time before the end survives."""
    rows, effects = [], effects.assign(outcome=effects["outcome"].map(_plain))
    outcomes = {role: _plain(name) for role, name in outcomes.items()}
    for feature in dict.fromkeys([*contrasts["feature"], *effects["feature"]]):
        own = contrasts[contrasts["feature"] == feature].sort_values("hours_from")
        of_effects = effects[effects["feature"] == feature]
        parts = [_contrast_words(own, outcomes)]
        parts += [_effect_words(of_effects[of_effects["outcome"] == name], name, high_by) for name in outcomes.values()]
        rows.append((feature, bool(own["survives"].any()), ". ".join(part[0].upper() + part[1:] for part in parts) + "."))
    return pd.DataFrame(rows, columns=list(FINDINGS.columns))


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _contrast_words(rows: pd.DataFrame, outcomes: Mapping[str, str]) -> str:
    if rows.empty:
        return NO_WINDOWS
    shown = [_shown(row, outcomes) for row in rows[rows["survives"]].itertuples()]
    other = [_not_shown(row) for row in rows[~rows["survives"]].itertuples()]
    same = len(set(rows["reason"])) == 1 and rows["reason"].notna().all() and rows["p_value"].isna().all()
    if same:
        return f"not compared between the outcomes: {rows['reason'].iloc[0]}"
    if not shown:
        return f"no difference between the outcomes at the same time before the end is shown ({'; '.join(other)})"
    return "; ".join(shown) + (f"; not shown: {'; '.join(other)}" if other else "")


def _shown(row: object, outcomes: Mapping[str, str]) -> str:
    high, low = (outcomes["positive"], outcomes["negative"])[:: 1 if row.delta > 0 else -1]
    evidence = f"q {row.q_value:.2g}" if pd.notna(row.q_value) else f"p {row.p_value:.2g}"
    value = f"delta {row.delta:+.2f}, {row.ci_low:+.2f} to {row.ci_high:+.2f}, {evidence}"
    return f"higher before {high} than before {low} {_hours(row)} ({value}; {_other_way(row.opposite_share)}{_reach(row)})"


def _not_shown(row: object) -> str:
    if pd.isna(row.p_value):
        return f"{_hours(row)} {row.reason}"
    evidence = f"q {row.q_value:.2g}" if pd.notna(row.q_value) else f"p {row.p_value:.2g}"
    limits = f"no interval, {row.reason}" if pd.isna(row.ci_low) else f"{row.ci_low:+.2f} to {row.ci_high:+.2f}"
    if pd.isna(row.ci_low) and row.reason is not None:
        return f"{_hours(row)} delta {row.delta:+.2f}, {evidence}, {limits}"
    return f"{_hours(row)} delta {row.delta:+.2f}, {limits}, {evidence}"


def _hours(row: object) -> str:
    return f"{row.hours_from:.3g} to {row.hours_to:.3g} h"


def _reach(row: object) -> str:
    """That the window is one of long tracks, where fewer than half of either outcome reach it."""
    lowest = min(row.reach_negative, row.reach_positive)
    return f"; only {100 * lowest:.0f} % of one outcome's tracks are that long" if lowest < 0.5 else ""


def _other_way(share: float) -> str:
    return "none the other way" if share == 0 else f"{100 * share:.0f} % of cells the other way"


def _effect_words(rows: pd.DataFrame, outcome: str, high_by: str) -> str:
    """What the frames of high attention are like before one outcome."""
    where = f"frames of high {high_by} before {outcome}"
    known = rows[rows["median_delta"].notna()].set_index("course")
    if known.empty:
        return f"{where}: not measured"
    if known["p_value"].isna().all():
        return f"{where}: not tested (statistics.null_model is exchangeable)"
    shown = [course for course in COURSES if course in known.index and survives(known.loc[course])]
    other = [WORDS[course] for course in COURSES if course not in shown]
    words = [_effect(known.loc[course], WORDS[course]) for course in shown]
    if known["ci_low"].isna().all() and known["reason"].notna().any():
        why = known["reason"].dropna().iloc[0]
        return f"{where}: as measured, no interval ({why}), so no difference from the other frames can be shown"
    if not shown:
        return f"{where}: no difference from the other frames is shown"
    return f"{where}: {', '.join(words)}" + (f"; not shown {' or '.join(other)}" if other else "")


def survives(row: pd.Series) -> bool:
    """Whether an effect stands: both nulls (q, or p without correction) below LEVEL and an interval without 0."""
    tests = [row[q] if pd.notna(row[q]) else row[p] for p, q in (("p_value", "q_value"), ("p_block", "q_block"))]
    return all(pd.notna(test) and test < LEVEL for test in tests) and bool(row["ci_low"] > 0 or row["ci_high"] < 0)


def _effect(row: pd.Series, course: str) -> str:
    side = "higher" if row["median_delta"] > 0 else "lower"
    value = f"median delta {row['median_delta']:+.2f}, {row['ci_low']:+.2f} to {row['ci_high']:+.2f}"
    return f"{side} than the others {course} ({value}; {_other_way(row['opposite_share'])})"
