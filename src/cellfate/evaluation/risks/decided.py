"""At which hour which share of the cells is decided, and whether that came; and single cells whose risks are shown."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cellfate.evaluation.risks.forecasts import RISKS, Forecasts
from cellfate.evaluation.risks.scores import ALL, Landmarks, out_of_reach, spoken_of
from cellfate.evaluation.risks.tables import DECIDED, RISK_EXAMPLES
from cellfate.evaluation.scoring import Units
from cellfate.statistics.competing import LOST
from cellfate.statistics.scores import COUNTS, Score

SHOWN = 4  # cells of each kind
ENDS = {0: "negative", 1: "positive", LOST: "lost"}


def tabulate_decided(
    test: Forecasts, sets: Sequence[Landmarks], horizons: Sequence[float], decided_level: float, units: Units
) -> pd.DataFrame:
    """The decided table, of all landmarks with a prediction; those after which the film ends too early are not in ``right``.

    A cell is decided from a probability of ``decided_level`` of one of the three on.
    """
    found = []
    for one in sets:
        if one.scope == ALL:
            continue
        now = test.of(one.rows)
        for number, hours in enumerate(horizons):
            key = {"clock": one.scope, "hours": one.hours, "horizon_hours": hours, "level": decided_level, "n_at_risk": one.n_at_risk}
            beyond = out_of_reach(test, number, hours)
            shares = {"units": now.table[units.unit].nunique(), "reason": beyond} if beyond else None
            found.append(key | (shares or _shares(now, number, hours, decided_level, units)))
    return pd.DataFrame(found, columns=list(DECIDED.columns))


def _shares(now: Forecasts, number: int, hours: float, level: float, units: Units) -> dict:
    risks = now.risks[RISKS][:, number]
    sizes = {"units": now.table[units.unit].nunique()}
    if not len(risks) or np.isnan(risks).any():
        why = "no cell has frames enough for a prediction (crops.min_frames)" if not len(risks) else "no risks so far ahead"
        return sizes | {"reason": f"{why} (risks.horizons_hours: {hours:g})" if len(risks) else why}
    three = np.column_stack([risks, 1 - risks.sum(axis=1)])
    called = np.where(three.max(axis=1) >= level, three.argmax(axis=1), -1)
    shares = {name: float((called == place).mean()) for place, name in enumerate(("negative", "positive", "neither"))}
    found = sizes | shares | _with_limits("decided", called >= 0, np.ones(len(called)), now.table, units)
    judged = (called >= 0) & (now.weight[:, number] > 0)
    if not judged.any():
        return found | {"right_reason": "no decided cell whose next hours were seen"}
    came = np.where(now.came[:, number] < 0, 2, now.came[:, number])
    return found | _with_limits("right", (called == came)[judged], now.weight[judged, number], now.table[judged], units)


def _with_limits(name: str, hits: np.ndarray, weights: np.ndarray, rows: pd.DataFrame, units: Units) -> dict:
    labels = (rows["ended"].to_numpy(int) == 1).astype(int)
    score = Score(np.asarray(hits, float)[None], weights[None], np.ones(1), labels, COUNTS)
    return units.named(name, score, rows)


def draw_examples(test: Forecasts, horizons: Sequence[float], seed: int) -> pd.DataFrame:
    """The risk_examples table: SHOWN held-out cells of each outcome and of none, drawn at random of the longer three quarters of each.

    Risks are those within the horizon that is spoken of (:func:`spoken_of`).
    """
    known = [hours for number, hours in enumerate(horizons) if not np.isnan(test.risks[RISKS][:, number]).all()]
    horizon = spoken_of(horizons, known)
    number, rng, found = list(horizons).index(horizon), np.random.default_rng(seed), []
    table = test.table.assign(negative=test.risks[RISKS][:, number, 0], positive=test.risks[RISKS][:, number, 1])
    table["kind"] = table["ended"].astype(int).map({0: "negative", 1: "positive"}).fillna("none")
    for kind, rows in table.groupby("kind", sort=True):
        lengths = rows.groupby("trajectory").size()
        long = sorted(lengths.index[lengths >= lengths.quantile(0.25)])
        for name in sorted(rng.choice(long, min(SHOWN, len(long)), replace=False)):
            own = rows[rows["trajectory"] == name]
            end = {"ended": ENDS.get(int(own["ended"].iloc[0]), "film"), "end_hours": float((own["age"] + own["left"]).iloc[0])}
            shown = own[["trajectory", "negative", "positive"]].assign(hours=own["age"].astype(float))
            found.append(shown.assign(kind=kind, horizon_hours=float(horizon), **end))
    return pd.concat(found, ignore_index=True)[list(RISK_EXAMPLES.columns)] if found else pd.DataFrame(columns=list(RISK_EXAMPLES.columns))
