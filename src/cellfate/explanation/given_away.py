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
LARGEST = 3  # the window is at most one in so many of a cell's frames: one that holds them all would say nothing
SPREAD = 1.5  # times its share of the frames, below which what a window holds is said to be spread over the track
CHANCE = 0.5  # balanced accuracy
MOSTLY = 0.5  # of what speaks for the outcome, from which on it is said to lie mostly in one channel


@dataclass(frozen=True)
class Explained:
    """Tables of the cells that figure 6 shows: examples, attributions, prefixes, features, scores of the methods and of the network."""

    examples: pd.DataFrame
    attributions: pd.DataFrame
    prefixes: pd.DataFrame
    features: pd.DataFrame
    scores: pd.DataFrame
    metrics: pd.DataFrame
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
    """The frames whose values (T,) above 0 add up to most, and their share of all above 0 (0 where there is none).

    As many as ``window``, in short cells a third of all.
    """
    positive = np.clip(values, 0, None)
    size = max(1, min(window, len(values) // LARGEST))
    sums = np.convolve(positive, np.ones(size), mode="valid")
    first = int(len(sums) - 1 - np.argmax(sums[::-1]))  # of equal ones the last
    share = float(sums[first] / positive.sum()) if positive.sum() > 0 else 0.0
    return slice(first, first + size), share


def _given_away(tables: Explained, trajectory: str, frames: pd.DataFrame, values: pd.DataFrame) -> dict:
    of_method = {str(name): _pivot(own) for name, own in values[values["kind"] == METHOD].groupby("name", sort=False)}
    method = next((name for name in tables.shown if name in of_method), next(iter(of_method)))
    own = of_method[method].sum(axis=1)
    place, share = most_telling(own.to_numpy(), tables.window)
    told = own.index[place]
    hours = frames.set_index("frame")["hours_before_end"].loc[told]
    others = [name for name in of_method if name != method and METHODS[name].signed and METHODS[name].model == METHODS[method].model]
    agree = sum(_overlaps(of_method[name], told, tables.window) for name in others)
    row = {
        "trajectory": trajectory,
        "outcome": frames["outcome"].iloc[0],
        "method": method,
        "hours_from": float(hours.max()),
        "hours_to": float(hours.min()),
        "n_told": len(told),
        "n_frames": len(own),
        "share": share,
        **_channel(of_method, told),
        **_feature(values[values["kind"] == FEATURE], told),
        "agree": agree,
        "others": len(others),
        "verdict": _verdict(tables.scores, method),
        **network_skill(tables.metrics),
    }
    return row | {"words": in_words(row)}


def _pivot(values: pd.DataFrame) -> pd.DataFrame:
    return values.pivot(index="frame", columns="part", values="value").sort_index()


def _overlaps(values: pd.DataFrame, told: pd.Index, window: int) -> bool:
    """Whether another method's most telling window shares at least half of its frames."""
    place, share = most_telling(values.sum(axis=1).to_numpy(), window)
    return share > 0 and 2 * values.index[place].isin(told).sum() >= len(told)


def _channel(of_method: Mapping[str, pd.DataFrame], told: pd.Index) -> dict:
    """The channel that speaks most for the outcome in the told frames, its share of what does, and the method that resolves channels."""
    for name, values in of_method.items():
        if METHODS[name].resolves == CHANNEL and METHODS[name].model == PUBLISHED and values.shape[1] > 1:
            sums = values.loc[values.index.isin(told)].sum().clip(lower=0)
            if sums.max() > 0:
                return {"channel": str(sums.idxmax()), "channel_share": float(sums.max() / sums.sum()), "channel_method": name}
            break
    return {"channel": None, "channel_share": np.nan, "channel_method": None}


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


def network_skill(metrics: pd.DataFrame) -> dict:
    """The network's balanced accuracy of whole held-out cells, and whether its interval lies above chance; null without one."""
    rows = metrics[(metrics["scope"] == EVERYTHING) & (metrics["condition"] == "full") & (metrics["metric"] == "balanced_accuracy")]
    if rows.empty or pd.isna(rows["value"].iloc[0]):
        return {"balanced_accuracy": np.nan, "above_chance": None}
    low = rows["ci_low"].iloc[0]
    return {"balanced_accuracy": float(rows["value"].iloc[0]), "above_chance": None if pd.isna(low) else str(bool(low > CHANCE))}


def in_words(row: Mapping) -> str:
    """A row of given_away as a sentence."""
    return " ".join([*_told(row), *_doubts(row)])


def _told(row: Mapping) -> list[str]:
    """Which frames, channel and feature, and how many methods name them, in sentences."""
    by, outcome = label_of(row["method"]), readable(row["outcome"])
    if row["share"] == 0:
        return [f"By {by} no frame spoke for {outcome}."]
    one = row["n_told"] == 1
    hours = _hours(row["hours_to"]) if one else f"{_hours(row['hours_from'])} to {_hours(row['hours_to'])}"
    hold = f"{row['n_told']} of {row['n_frames']} frames, {hours} h before the end, {'holds' if one else 'hold'} {100 * row['share']:.0f} %"
    if row["share"] < SPREAD * row["n_told"] / row["n_frames"]:
        parts = [f"By {by} what spoke for {outcome} is spread over the track: {hold} of it"]
    else:
        parts = [f"By {by} {hold} of what spoke for {outcome}"]
    if row["channel"]:
        most = "mostly" if row["channel_share"] >= MOSTLY else "more than elsewhere"
        parts.append(f"{most} in channel {readable(row['channel'])} (by {label_of(row['channel_method'])})")
    said = [f"{', '.join(parts)}."]
    if row["feature"] and abs(row["change"]) >= CLEAR:
        side = "higher" if row["change"] > 0 else "lower"
        said.append(f"In {'it' if one else 'them'} {feature_label(row['feature'])} is {side} than in the cell's other frames.")
    agree = (
        f"{row['agree']} of {row['others']} other methods name the same hours."
        if row["others"]
        else "There is no other method to compare with."
    )
    return [*said, agree]


def _doubts(row: Mapping) -> list[str]:
    """What is known of the method over all cells, and of the network."""
    known = {BEATS: "beats looking at the last frames", DOES_NOT: "does not beat looking at the last frames"}
    verdict = known.get(row["verdict"], "is not shown to beat looking at the last frames")
    said = [f"Over all cells the method {verdict}."] if row["share"] else []
    return [*said, *network_doubts(row)] if METHODS[row["method"]].model == PUBLISHED else said


def network_doubts(skill: Mapping) -> list[str]:
    """A sentence where the published network, of :func:`network_skill`, is not shown to be better than chance; else none."""
    if skill["above_chance"] == "True":
        return []
    score = "" if pd.isna(skill["balanced_accuracy"]) else f" (balanced accuracy {skill['balanced_accuracy']:.2f})"
    if skill["above_chance"] is None:
        return [f"Whether the network is better than chance cannot be told from the recordings that are held out{score}."]
    return [f"The network is not shown to be better than chance on held-out cells{score}: what it rests on may mean nothing."]


def _hours(hours: float) -> str:
    return f"{hours:.1f}"
