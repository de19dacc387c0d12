"""Which features go with attention or occlusion: effects within each trajectory, and their medians across trajectories (figure 5)."""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.progress import progress
from cellfate.explanation.analysis import Analysis
from cellfate.explanation.tables import COURSES, EFFECT_SUMMARY, EFFECTS
from cellfate.segmentation.tables import FEATURES
from cellfate.statistics.bootstrap import median_with_interval, resampling_units
from cellfate.statistics.courses import remove_course
from cellfate.statistics.effect_sizes import deltas_of_shifts, deltas_of_trajectories, effect_band, high_attention
from cellfate.statistics.permutation import benjamini_hochberg, circular_shift_p_value, permutation_p_values

KEPT, REMOVED = COURSES
EFFECT_COLUMNS = list(EFFECTS.columns)
SUMMARY_COLUMNS = list(EFFECT_SUMMARY.columns)


def feature_names(features: pd.DataFrame) -> list[str]:
    """The measured columns of a features table: all that are numbers, without the key."""
    key = FEATURES.key
    return [name for name in features.columns if name not in key and pd.api.types.is_numeric_dtype(features[name])]


def compare_features(
    analysis: Analysis, features: pd.DataFrame, *, min_frames: int, high_percentile: float, resamples: int, seed: int
) -> pd.DataFrame:
    """The effects table: high- against low-attention frames of each trajectory and feature, with the shared course and without.

    Frames may be weighed by occlusion instead (:meth:`cellfate.explanation.analysis.Analysis.weighed_by`).

    Trajectories of the analysis that are classified correctly at full length and have at least ``min_frames`` frames. Course ``kept``
    compares the features as measured, ``removed`` less the course that the cells of both outcomes share (:func:`values_by_course`).
    Frames without a value are left out after high attention is decided; p_value and cliffs_delta are null where a side has fewer than
    two values.
    """
    names = feature_names(features)
    known, correct = analysis.known, analysis.correct()
    chosen = correct[correct["trajectory"].map(known["n_frames"]) >= min_frames]
    chosen = chosen.assign(dose=chosen["trajectory"].map(known["dose"])).set_index("trajectory", drop=False)
    tables: dict[str, list[pd.DataFrame]] = {course: [] for course in COURSES}
    members = values_by_course(analysis, features, names, chosen.index)
    for name, _, weights in members:
        if np.isnan(weights).any():
            raise InputError(
                f"statistics.min_frames is {min_frames}, but trajectory {name} has {len(weights)} frames, too few for its occlusion: "
                "with statistics.high_by: occlusion it must be above attention.occlusion_window"
            )
    masks = [high_attention(weights, high_percentile) for *_, weights in members]
    deltas = {course: deltas_of_trajectories([sets[course] for _, sets, _ in members], masks) for course in COURSES}
    for place, (name, sets, _) in enumerate(progress(members, "test_features", unit="trajectory")):
        row, high = chosen.loc[name], masks[place]
        for course, values in sets.items():
            measured = ~np.isnan(values)
            tables[course].append(
                pd.DataFrame(
                    {
                        **{column: row[column] for column in ("trajectory", "recording", "treatment", "dose", "outcome")},
                        "feature": names,
                        "course": course,
                        "n_high": measured[:, high].sum(axis=1),
                        "n_low": measured[:, ~high].sum(axis=1),
                        "p_value": permutation_p_values(values, high, resamples=resamples, seed=[seed, zlib.crc32(name.encode())]),
                        "cliffs_delta": deltas[course][place],
                    }
                )
            )
    rows = [table for course in COURSES for table in tables[course]]
    return pd.concat(rows, ignore_index=True)[EFFECT_COLUMNS] if rows else pd.DataFrame(columns=EFFECT_COLUMNS)


def values_by_course(
    analysis: Analysis, features: pd.DataFrame, names: Sequence[str], wanted: Iterable[str]
) -> list[tuple[str, dict[str, np.ndarray], np.ndarray]]:
    """For each of the ``wanted`` trajectories its name, its features {course: (F, T)}, NaN where no value, and its weights (T,).

    ``kept`` are the features as measured, ``removed`` those less the course of the other cells (see
    :func:`cellfate.statistics.courses.remove_course`): all labelled trajectories of the analysis that have features, classified
    correctly or not, without those of the same recording (lineage where all come from one recording).
    """
    wanted = set(wanted)
    if not wanted:
        return []
    labelled = analysis.labelled()
    members = list(trajectory_features(analysis.attention, features, labelled, names))
    aligned = np.full((len(members), len(names), 1 + max(before_end.max() for *_, before_end in members)), np.nan)
    for place, (_, values, _, before_end) in enumerate(members):
        aligned[place][:, before_end] = values
    measured = ~np.isnan(aligned).all(axis=(1, 2))
    lineages = labelled["trajectory"].map(analysis.known["lineage"]).to_numpy()
    units = resampling_units(labelled["recording"].to_numpy()[measured], lineages[measured])
    aligned[measured] = remove_course(aligned[measured], labelled["label"].to_numpy()[measured], units)
    return [
        (row["trajectory"], {KEPT: values, REMOVED: aligned[place][:, before_end]}, weights)
        for place, (row, values, weights, before_end) in enumerate(members)
        if row["trajectory"] in wanted
    ]


def trajectory_features(
    attention: pd.DataFrame, features: pd.DataFrame, chosen: pd.DataFrame, names: Sequence[str]
) -> Iterator[tuple[pd.Series, np.ndarray, np.ndarray, np.ndarray]]:
    """For each row of ``chosen`` (trajectory, fold, ...): the row, its features (F, T), its weights and its frames before the end.

    Features are NaN where there is no region; weights and frames before the end are (T,).
    """
    weights = {key: rows.sort_values("frame") for key, rows in attention.groupby(["trajectory", "fold"])}
    keys = features["recording"] + "/" + features["track_id"].astype(str)
    measured = dict(list(features.set_index("frame")[list(names)].groupby(keys.to_numpy())))
    for _, row in chosen.iterrows():
        key = (row["trajectory"], row["fold"])
        if key not in weights:
            raise InputError(f"attention: trajectory {key[0]} of fold {key[1]} is missing; attention.splits must hold statistics.splits")
        own = weights[key]
        if row["trajectory"] in measured:
            values = measured[row["trajectory"]].reindex(own["frame"]).to_numpy(float).T
        else:
            values = np.full((len(names), len(own)), np.nan)
        yield row, values, own["weight"].to_numpy(float), own["frames_before_end"].to_numpy(int)


def summarize_effects(
    effects: pd.DataFrame,
    analysis: Analysis,
    features: pd.DataFrame,
    *,
    high_percentile: float,
    bootstrap: int,
    null_model: str,
    null_draws: int,
    correction: str,
    seed: int,
) -> pd.DataFrame:
    """The effect_summary table: median Cliff's delta per course, outcome and feature, its interval, and its null.

    ``effects`` are those of :func:`compare_features` of the same analysis.
    ``null_model="circular_shift"`` (:func:`cellfate.statistics.permutation.circular_shift_p_value`) gives the p-value of each median and
    resamples recordings (lineages where there is one recording) for the interval. ``"exchangeable"`` is the paper's: no test
    of the median, and trajectories are resampled. ``correction`` ``benjamini-hochberg`` fills q_value over outcomes x features,
    for each course by itself.
    """
    if null_model not in ("circular_shift", "exchangeable"):
        raise InputError(f"statistics.null_model is {null_model!r}; circular_shift or exchangeable is needed")
    lineages = effects["trajectory"].map(analysis.known["lineage"]).to_numpy()
    clustered = null_model == "circular_shift"
    units = resampling_units(effects["recording"].to_numpy(), lineages) if clustered else effects["trajectory"].to_numpy()
    table = summarize_deltas(effects.assign(unit=units), analysis.outcomes, bootstrap=bootstrap, seed=seed)
    if clustered:
        names, fates = list(dict.fromkeys(effects["feature"])), effects.drop_duplicates("trajectory").set_index("trajectory")["outcome"]
        members = values_by_course(analysis, features, names, fates.index)
        p_values = _null_p_values(members, fates, names, high_percentile, null_draws, seed)
        table["p_value"] = [p_values.get((row.course, row.outcome, row.feature), np.nan) for row in table.itertuples()]
    if correction == "benjamini-hochberg":
        for course in COURSES:
            own = table["course"] == course
            table.loc[own, "q_value"] = benjamini_hochberg(table.loc[own, "p_value"].to_numpy(float))
    return table[SUMMARY_COLUMNS]


def summarize_deltas(effects: pd.DataFrame, outcomes: Mapping[str, str], *, bootstrap: int, seed: int) -> pd.DataFrame:
    """Median and bootstrap interval of cliffs_delta per course, outcome and feature; ``unit`` names what is resampled together."""
    rows = []
    features = list(dict.fromkeys(effects["feature"]))
    for course in dict.fromkeys(effects["course"]):
        of_course = effects[(effects["course"] == course) & effects["cliffs_delta"].notna()]
        for outcome in (outcomes["negative"], outcomes["positive"]):
            for feature in features:
                own = of_course[(of_course["outcome"] == outcome) & (of_course["feature"] == feature)]
                median, low, high = median_with_interval(
                    own["cliffs_delta"].to_numpy(float), own["unit"].to_numpy(), resamples=bootstrap, seed=seed
                )
                rows.append((outcome, feature, course, len(own), median, low, high, np.nan, np.nan, effect_band(median)))
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _null_p_values(
    members: Sequence[tuple[str, dict[str, np.ndarray], np.ndarray]],
    fates: pd.Series,
    names: Sequence[str],
    high_percentile: float,
    draws: int,
    seed: int,
) -> dict[tuple[str, str, str], float]:
    """p-values of the medians {(course, outcome, feature): p} against circular shifts of each trajectory's high-attention mask.

    ``members`` are those of :func:`values_by_course`, ``fates`` the outcome of each by its name.
    """
    shifted: dict[tuple[str, str], list[np.ndarray]] = {}
    for name, sets, weights in progress(members, "summarize_effects", unit="trajectory"):
        for course, values in sets.items():
            shifted.setdefault((course, fates[name]), []).append(deltas_of_shifts(values, high_attention(weights, high_percentile)))
    return {
        (*key, name): circular_shift_p_value([deltas[:, column] for deltas in of_key], draws=draws, seed=seed)
        for key, of_key in shifted.items()
        for column, name in enumerate(names)
    }
