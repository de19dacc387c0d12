"""Which features go with attention: effects within each trajectory, and their medians across trajectories (figure 5)."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.errors import InputError
from cellfate.evaluation import correct_trajectories
from cellfate.progress import progress
from cellfate.statistics import (
    benjamini_hochberg,
    circular_shift_p_value,
    deltas_of_masks,
    deltas_of_shifts,
    effect_band,
    high_attention,
    median_with_interval,
    permutation_p_values,
    resampling_units,
)
from cellfate.tables import TABLES

EFFECT_COLUMNS = list(TABLES["effects"].columns)
SUMMARY_COLUMNS = list(TABLES["effect_summary"].columns)
PUBLISHED_FEATURES = {"p53": "intensity_mean-p53", "area": "area", "eccentricity": "eccentricity"}
PUBLISHED_DOSES = ("Low", "Medium", "High")  # the recordings with cisplatin; Control and Unknown are left out


def feature_names(features: pd.DataFrame) -> list[str]:
    """The measured columns of a features table: all that are numbers, without the key."""
    key = TABLES["features"].key
    return [name for name in features.columns if name not in key and pd.api.types.is_numeric_dtype(features[name])]


def compare_features(
    attention: pd.DataFrame,
    predictions: pd.DataFrame,
    trajectories: pd.DataFrame,
    features: pd.DataFrame,
    outcomes: Mapping[str, str],
    treatment: str | None = None,
    splits: Sequence[str] = ("test",),
    min_frames: int = 50,
    high_percentile: float = 90,
    resamples: int = 50_000,
    seed: int = 42,
) -> pd.DataFrame:
    """The effects table: high- against low-attention frames of each trajectory and feature.

    Trajectories of ``splits`` in recordings of ``treatment`` that are classified correctly at full length and have at least
    ``min_frames`` frames. Frames without a region are left out after high attention is decided; p_value and cliffs_delta are
    null where a side has fewer than two values.
    """
    names = feature_names(features)
    known = trajectories.set_index("trajectory")
    correct = correct_trajectories(predictions, outcomes, splits, treatment)
    chosen = correct[correct["trajectory"].map(known["n_frames"]) >= min_frames]
    chosen = chosen.assign(dose=chosen["trajectory"].map(known["dose"]))
    tables = []
    for row, values, weights in trajectory_features(attention, features, chosen, names, "test_features"):
        high = high_attention(weights, high_percentile)
        measured = ~np.isnan(values)
        tables.append(
            pd.DataFrame(
                {
                    **{column: row[column] for column in ("trajectory", "recording", "treatment", "dose", "outcome")},
                    "feature": names,
                    "n_high": measured[:, high].sum(axis=1),
                    "n_low": measured[:, ~high].sum(axis=1),
                    "p_value": permutation_p_values(values, high, resamples, [seed, zlib.crc32(row["trajectory"].encode())]),
                    "cliffs_delta": deltas_of_masks(values, high)[0],
                }
            )
        )
    return pd.concat(tables, ignore_index=True)[EFFECT_COLUMNS] if tables else pd.DataFrame(columns=EFFECT_COLUMNS)


def trajectory_features(
    attention: pd.DataFrame, features: pd.DataFrame, chosen: pd.DataFrame, names: Sequence[str], label: str
) -> Iterator[tuple[pd.Series, np.ndarray, np.ndarray]]:
    """For each row of ``chosen`` (trajectory, fold, ...): the row, its features (F, T) with NaN where no region, its weights (T,)."""
    weights = {key: rows.sort_values("frame") for key, rows in attention.groupby(["trajectory", "fold"])}
    keys = features["recording"] + "/" + features["track_id"].astype(str)
    measured = dict(list(features.set_index("frame")[list(names)].groupby(keys.to_numpy())))
    for _, row in progress(list(chosen.iterrows()), label, unit="trajectory"):
        key = (row["trajectory"], row["fold"])
        if key not in weights:
            raise InputError(f"attention: trajectory {key[0]} of fold {key[1]} is missing; attention.splits must hold statistics.splits")
        own = weights[key]
        if row["trajectory"] in measured:
            values = measured[row["trajectory"]].reindex(own["frame"]).to_numpy(float).T
        else:
            values = np.full((len(names), len(own)), np.nan)
        yield row, values, own["weight"].to_numpy(float)


def summarize_effects(
    effects: pd.DataFrame,
    attention: pd.DataFrame,
    features: pd.DataFrame,
    trajectories: pd.DataFrame,
    outcomes: Mapping[str, str],
    high_percentile: float = 90,
    bootstrap: int = 2000,
    null_model: str = "circular_shift",
    null_draws: int = 10_000,
    correction: str = "benjamini-hochberg",
    seed: int = 42,
) -> pd.DataFrame:
    """The effect_summary table: median Cliff's delta per outcome and feature, its interval, and its null.

    ``null_model="circular_shift"`` (:func:`cellfate.statistics.circular_shift_p_value`) gives the p-value of each median and
    resamples recordings (lineages where there is one recording) for the interval. ``"exchangeable"`` is the paper's: no test
    of the median, and trajectories are resampled. ``correction`` ``benjamini-hochberg`` fills q_value over outcomes x features.
    """
    if null_model not in ("circular_shift", "exchangeable"):
        raise InputError(f"statistics.null_model is {null_model!r}; circular_shift or exchangeable is needed")
    known = trajectories.set_index("trajectory")
    lineages = effects["trajectory"].map(known["lineage"]).to_numpy()
    clustered = null_model == "circular_shift"
    units = resampling_units(effects["recording"].to_numpy(), lineages) if clustered else effects["trajectory"].to_numpy()
    table = summarize_deltas(effects.assign(unit=units), outcomes, bootstrap, seed)
    if clustered:
        p_values = _null_p_values(effects, attention, features, high_percentile, null_draws, seed)
        table["p_value"] = [p_values.get((row.outcome, row.feature), np.nan) for row in table.itertuples()]
    if correction == "benjamini-hochberg":
        table["q_value"] = benjamini_hochberg(table["p_value"].to_numpy(float))
    return table[SUMMARY_COLUMNS]


def summarize_deltas(effects: pd.DataFrame, outcomes: Mapping[str, str], bootstrap: int = 2000, seed: int = 42) -> pd.DataFrame:
    """Median and bootstrap interval of cliffs_delta per outcome and feature; ``unit`` names what is resampled together."""
    rows = []
    features = list(dict.fromkeys(effects["feature"]))
    for outcome in (outcomes["negative"], outcomes["positive"]):
        for feature in features:
            own = effects[(effects["outcome"] == outcome) & (effects["feature"] == feature) & effects["cliffs_delta"].notna()]
            median, low, high = median_with_interval(own["cliffs_delta"].to_numpy(float), own["unit"].to_numpy(), bootstrap, seed)
            rows.append((outcome, feature, len(own), median, low, high, np.nan, np.nan, effect_band(median)))
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _null_p_values(
    effects: pd.DataFrame, attention: pd.DataFrame, features: pd.DataFrame, high_percentile: float, draws: int, seed: int
) -> dict[tuple[str, str], float]:
    """p-values of the medians {(outcome, feature): p} against circular shifts of each trajectory's high-attention mask."""
    names = list(dict.fromkeys(effects["feature"]))
    chosen = effects.drop_duplicates("trajectory")[["trajectory", "outcome"]]
    chosen = chosen.merge(_used_folds(attention, chosen["trajectory"]), on="trajectory")
    shifted: dict[str, list[np.ndarray]] = {}
    for row, values, weights in trajectory_features(attention, features, chosen, names, "summarize_effects"):
        shifted.setdefault(row["outcome"], []).append(deltas_of_shifts(values, high_attention(weights, high_percentile)))
    return {
        (outcome, name): circular_shift_p_value([deltas[:, column] for deltas in members], draws, seed)
        for outcome, members in shifted.items()
        for column, name in enumerate(names)
    }


def _used_folds(attention: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """The fold that each trajectory's attention comes from: the one that held it out, where there are several."""
    rows = attention.loc[attention["trajectory"].isin(names), ["trajectory", "fold", "split"]].drop_duplicates()
    rows = rows.assign(seen=rows["split"] != "test").sort_values(["seen", "fold"], kind="stable")
    return rows.drop_duplicates("trajectory")[["trajectory", "fold"]]


def read_published_effects(folder: str | Path, doses: Sequence[str] = PUBLISHED_DOSES) -> pd.DataFrame:
    """Per-trajectory effect sizes as published: files ``<outcome>_<feature>.csv`` in ``folder``, separated by semicolons.

    Columns Dosage, p-value, Cliff's Delta, Cohen's D. ``doses`` are the rows to keep: with Low, Medium and High, the
    recordings with cisplatin, the medians are the published ones (mitosis p53 0.824). Gives outcome, feature, dose, p_value,
    cliffs_delta and unit (each trajectory on its own; the files do not name them).
    """
    paths = sorted(Path(folder).glob("*_*.csv"))
    if not paths:
        raise InputError(f"{folder}: no files <outcome>_<feature>.csv")
    tables = []
    for path in paths:
        outcome, feature = path.stem.split("_", 1)
        table = pd.read_csv(path, sep=";")
        missing = [name for name in ("Dosage", "p-value", "Cliff's Delta") if name not in table.columns]
        if missing:
            raise InputError(f"{path}: column {missing[0]} is missing; found {', '.join(table.columns)}")
        table = table.rename(columns={"Dosage": "dose", "p-value": "p_value", "Cliff's Delta": "cliffs_delta"})
        table = table.loc[table["dose"].isin(doses), ["dose", "p_value", "cliffs_delta"]]
        tables.append(table.assign(outcome=outcome, feature=PUBLISHED_FEATURES.get(feature, feature)))
    effects = pd.concat(tables, ignore_index=True)
    return effects.assign(unit=np.arange(len(effects)))


def summarize_published_effects(
    folder: str | Path, outcomes: Mapping[str, str], doses: Sequence[str] = PUBLISHED_DOSES, bootstrap: int = 2000, seed: int = 42
) -> pd.DataFrame:
    """The effect_summary table of a folder of published effect sizes; p_value and q_value are null."""
    return summarize_deltas(read_published_effects(folder, doses), outcomes, bootstrap, seed)
