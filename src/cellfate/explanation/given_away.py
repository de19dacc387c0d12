"""What gave a cell away: the hours before its end that speak most for its outcome, the channel and feature there, and how sure that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cellfate.base.plot_style import feature_label, readable
from cellfate.explanation.attributions.deletion import SIGNED
from cellfate.explanation.attributions.names import CHANNEL, METHODS, PUBLISHED, label_of
from cellfate.explanation.attributions.scores import BEATS, DOES_NOT, EVERYTHING, GAP
from cellfate.explanation.tables import EXPLAINED_CELLS, GIVEN_AWAY

PROBABILITY, METHOD, FEATURE = "probability", "method", "feature"  # kinds of values in the figure of single cells
CLEAR = 1.0  # standard deviations of the cell's other frames, from which on a feature is said to differ


@dataclass(frozen=True)
class Explained:
    """Tables of the cells that figure 6 shows: examples, attributions, prefixes, features, and the scores of the methods."""

    examples: pd.DataFrame
    attributions: pd.DataFrame
    prefixes: pd.DataFrame
    features: pd.DataFrame
    scores: pd.DataFrame
    outcomes: Mapping[str, str]
    shown: Sequence[str]
    window: int


def explained_cells(tables: Explained) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables explained_cells, every value of the figure, and given_away, a row for each cell that was explained.

    Values of methods are signed toward the cell's own outcome. ``shown`` methods that were not computed are left out.
    """
    values, said = [], []
    for trajectory, frames in tables.examples.groupby("trajectory", sort=False):
        own = _values_of(tables, str(trajectory), frames)
        values.append(own)
        if (own["kind"] == METHOD).any():
            said.append(_given_away(tables, str(trajectory), frames, own))
    found = pd.concat(values, ignore_index=True) if values else pd.DataFrame()
    return found.reindex(columns=list(EXPLAINED_CELLS.columns)), pd.DataFrame(said).reindex(columns=list(GIVEN_AWAY.columns))


def _values_of(tables: Explained, trajectory: str, frames: pd.DataFrame) -> pd.DataFrame:
    """All values of one cell: probability of its own outcome at each number of frames seen, methods, and features."""
    outcome = frames["outcome"].iloc[0]
    toward = 1.0 if outcome == tables.outcomes["positive"] else -1.0
    prefixes = tables.prefixes[(tables.prefixes["trajectory"] == trajectory) & (tables.prefixes["split"] == "test")]
    prefixes = prefixes[prefixes["fold"] == prefixes["fold"].min()]
    likely = prefixes["probability"] if toward > 0 else 1 - prefixes["probability"]
    parts = [pd.DataFrame({"frame": prefixes["frame"], "kind": PROBABILITY, "name": outcome, "part": "all", "value": likely})]
    attributions = tables.attributions[tables.attributions["trajectory"] == trajectory]
    attributions = attributions[attributions["fold"] == attributions["fold"].min()]
    signs = attributions["method"].map(lambda name: toward if METHODS[name].signed else 1.0)
    parts.append(attributions.assign(kind=METHOD, name=attributions["method"], value=signs * attributions["value"]))
    recording, track = trajectory.rsplit("/", 1)
    features = tables.features[(tables.features["recording"] == recording) & (tables.features["track_id"] == int(track))]
    numbers = [name for name in features.columns if name not in ("recording", "track_id", "frame") and features[name].dtype.kind == "f"]
    long = features.melt(id_vars=["frame"], value_vars=numbers, var_name="name", value_name="value")
    parts.append(long[long["value"].notna()].assign(kind=FEATURE, part="all"))
    hours = frames.set_index("frame")["hours_before_end"]
    found = pd.concat([part for part in parts if len(part)], ignore_index=True)
    found = found[found["frame"].isin(hours.index)]
    return found.assign(trajectory=trajectory, outcome=outcome, hours_before_end=found["frame"].map(hours))


def most_telling(values: np.ndarray, window: int) -> tuple[slice, float]:
    """The window of frames whose values (T,) above 0 add up to most, and its share of all above 0 (0 where there is none)."""
    positive = np.clip(values, 0, None)
    size = min(window, len(values))
    sums = np.convolve(positive, np.ones(size), mode="valid")
    first = int(len(sums) - 1 - np.argmax(sums[::-1]))  # of equal ones the last
    share = float(sums[first] / positive.sum()) if positive.sum() > 0 else 0.0
    return slice(first, first + size), share


def _given_away(tables: Explained, trajectory: str, frames: pd.DataFrame, values: pd.DataFrame) -> dict:
    of_method = {str(name): _pivot(own) for name, own in values[values["kind"] == METHOD].groupby("name", sort=False)}
    method = next((name for name in tables.shown if name in of_method), next(iter(of_method)))
    place, share = most_telling(of_method[method].sum(axis=1).to_numpy(), tables.window)
    told = of_method[method].index[place]
    hours = frames.set_index("frame")["hours_before_end"].loc[told]
    others = [name for name in of_method if name != method and METHODS[name].signed and METHODS[name].model == METHODS[method].model]
    agree = sum(_overlaps(of_method[name], told, tables.window) for name in others)
    row = {
        "trajectory": trajectory,
        "outcome": frames["outcome"].iloc[0],
        "method": method,
        "hours_from": float(hours.max()),
        "hours_to": float(hours.min()),
        "share": share,
        "channel": _channel(of_method, told),
        **_feature(values[values["kind"] == FEATURE], told),
        "agree": agree,
        "others": len(others),
        "verdict": _verdict(tables.scores, method),
    }
    return row | {"words": in_words(row)}


def _pivot(values: pd.DataFrame) -> pd.DataFrame:
    return values.pivot(index="frame", columns="part", values="value").sort_index()


def _overlaps(values: pd.DataFrame, told: pd.Index, window: int) -> bool:
    """Whether another method's most telling window shares at least half of its frames."""
    place, share = most_telling(values.sum(axis=1).to_numpy(), window)
    return share > 0 and 2 * values.index[place].isin(told).sum() >= len(told)


def _channel(of_method: Mapping[str, pd.DataFrame], told: pd.Index) -> str | None:
    """The channel that speaks most for the outcome in the told frames, by the first method that resolves channels; None without one."""
    for name, values in of_method.items():
        if METHODS[name].resolves == CHANNEL and METHODS[name].model == PUBLISHED and values.shape[1] > 1:
            sums = values.loc[values.index.isin(told)].sum()
            return str(sums.idxmax()) if sums.max() > 0 else None
    return None


def _feature(values: pd.DataFrame, told: pd.Index) -> dict:
    """The feature that differs most between the told frames and the cell's others, in standard deviations of the others."""
    best: tuple[str | None, float] = (None, np.nan)
    for name, own in values.groupby("name", sort=False):
        inside = own["frame"].isin(told)
        there, elsewhere = own.loc[inside, "value"], own.loc[~inside, "value"]
        if len(there) < 2 or len(elsewhere) < 5 or elsewhere.std() == 0:
            continue
        change = float((there.mean() - elsewhere.mean()) / elsewhere.std())
        if np.isnan(best[1]) or abs(change) > abs(best[1]):
            best = (str(name), change)
    return {"feature": best[0], "change": best[1]}


def _verdict(scores: pd.DataFrame, method: str) -> str | None:
    rows = scores[(scores["method"] == method) & (scores["score"] == GAP) & (scores["order"] == SIGNED) & (scores["class"] == EVERYTHING)]
    return None if rows.empty or pd.isna(rows["verdict"].iloc[0]) else str(rows["verdict"].iloc[0])


def in_words(row: Mapping) -> str:
    """A row of given_away as a sentence."""
    by = label_of(row["method"])
    if row["share"] == 0:
        return f"By {by} no frame spoke for {readable(row['outcome'])}."
    when = f"{_hours(row['hours_from'])} to {_hours(row['hours_to'])} h before the end"
    parts = [f"By {by} the frames {when} hold {100 * row['share']:.0f} % of what spoke for {readable(row['outcome'])}"]
    if row["channel"]:
        parts.append(f"most of it in channel {readable(row['channel'])}")
    if row["feature"] and abs(row["change"]) >= CLEAR:
        side = "higher" if row["change"] > 0 else "lower"
        parts.append(f"where {feature_label(row['feature'])} is {side} than in the cell's other frames")
    sure = f"{row['agree']} of {row['others']} other methods name the same hours" if row["others"] else "no other method to compare with"
    known = {BEATS: "beats looking at the last frames", DOES_NOT: "does not beat looking at the last frames"}
    verdict = known.get(row["verdict"], "is not shown to beat looking at the last frames")
    return f"{', '.join(parts)}; {sure}. Over all cells the method {verdict}."


def _hours(hours: float) -> str:
    return f"{hours:.1f}"
