"""Which features go with attention or occlusion: effects within each trajectory, and their medians across trajectories (figure 5)."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.progress import progress
from cellfate.explanation.analysis import Analysis
from cellfate.explanation.tables import COURSES, EFFECT_SUMMARY, EFFECTS
from cellfate.segmentation.tables import FEATURES
from cellfate.statistics.bootstrap import median_with_interval, resampling_units
from cellfate.statistics.contrasts.blocks import block_length, deltas_of_blocks
from cellfate.statistics.contrasts.by_unit import median_interval, opposite_share
from cellfate.statistics.courses import remove_courses
from cellfate.statistics.effect_sizes import deltas_of_shifts, deltas_of_trajectories, effect_band, high_attention
from cellfate.statistics.intervals import Interval
from cellfate.statistics.permutation import benjamini_hochberg, circular_shift_p_value, permutation_p_values

KEPT, REMOVED, OWN = COURSES
BLOCK_DRAWS = 200  # exchanges of the blocks of each trajectory; the null of the median combines them
LEVEL = 0.05  # of the paper's test of each trajectory
EFFECT_COLUMNS = list(EFFECTS.columns)
SUMMARY_COLUMNS = list(EFFECT_SUMMARY.columns)


def feature_names(features: pd.DataFrame) -> list[str]:
    """The measured columns of a features table: all that are numbers, without the key."""
    key = FEATURES.key
    return [name for name in features.columns if name not in key and pd.api.types.is_numeric_dtype(features[name])]


def compare_features(
    analysis: Analysis, features: pd.DataFrame, *, min_frames: int, high_percentile: float, resamples: int, seed: int
) -> pd.DataFrame:
    """The effects table: high- against low-attention frames of each trajectory and feature, as measured and less others' courses.

    Frames may be weighed by occlusion instead (:meth:`cellfate.explanation.analysis.Analysis.weighed_by`).

    Trajectories of the analysis that are classified correctly at full length and have at least ``min_frames`` frames. Course ``kept``
    compares the features as measured, ``removed`` less the course that the cells of both outcomes share, ``own`` less that of the cells
    of its outcome (:func:`values_by_course`).
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
        seeds = [seed, zlib.crc32(name.encode())]
        p_values = permutation_p_values(np.concatenate(list(sets.values())), high, resamples=resamples, seed=seeds)
        for (course, values), own in zip(sets.items(), p_values.reshape(len(sets), -1), strict=True):
            measured = ~np.isnan(values)
            tables[course].append(
                pd.DataFrame(
                    {
                        **{column: row[column] for column in ("trajectory", "recording", "treatment", "dose", "outcome")},
                        "feature": names,
                        "course": course,
                        "n_high": measured[:, high].sum(axis=1),
                        "n_low": measured[:, ~high].sum(axis=1),
                        "p_value": own,
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

    ``kept`` are the features as measured, ``removed`` those less the course of the other cells, ``own`` less that of those with the same
    outcome (see :func:`cellfate.statistics.courses.remove_courses`): all labelled trajectories of the analysis that have features,
    classified correctly or not, without those of the same recording (lineage where all come from one recording).
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
    alike = aligned.copy()
    aligned[measured], alike[measured] = remove_courses(aligned[measured], labelled["label"].to_numpy()[measured], units)
    return [
        (row["trajectory"], {KEPT: values, REMOVED: aligned[place][:, before_end], OWN: alike[place][:, before_end]}, weights)
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
    """The effect_summary table: median Cliff's delta per course, outcome and feature, its interval, and its nulls.

    ``effects`` are those of :func:`compare_features` of the same analysis.
    ``null_model="circular_shift"`` (:func:`cellfate.statistics.permutation.circular_shift_p_value`) gives the p-value of each median, that
    of exchanged blocks of frames beside it (p_block, :mod:`cellfate.statistics.contrasts.blocks`), and the interval by recording
    (none, with the reason, with fewer than three). ``"exchangeable"`` is the paper's: no test
    of the median, and trajectories are resampled. ``correction`` ``benjamini-hochberg`` fills q_value and q_block over outcomes x
    features, for each course by itself.
    """
    if null_model not in ("circular_shift", "exchangeable"):
        raise InputError(f"statistics.null_model is {null_model!r}; circular_shift or exchangeable is needed")
    if null_model == "exchangeable":
        table = summarize_deltas(effects.assign(unit=effects["trajectory"]), analysis.outcomes, bootstrap=bootstrap, seed=seed)
    else:
        table = _with_nulls(effects, analysis, features, high_percentile, null_draws, seed)
    if correction == "benjamini-hochberg":
        for course in COURSES:
            own = table["course"] == course
            for p, q in (("p_value", "q_value"), ("p_block", "q_block")):
                table.loc[own, q] = benjamini_hochberg(table.loc[own, p].to_numpy(float))
    return table[SUMMARY_COLUMNS]


def _with_nulls(
    effects: pd.DataFrame, analysis: Analysis, features: pd.DataFrame, high_percentile: float, draws: int, seed: int
) -> pd.DataFrame:
    """The summary with intervals by recording and the p-values of both nulls."""
    by_recording = effects.assign(unit=effects["recording"])
    table = _summarized(by_recording, analysis.outcomes, lambda deltas, of: median_interval(deltas, of, unit="recording"))
    names, fates = list(dict.fromkeys(effects["feature"])), effects.drop_duplicates("trajectory").set_index("trajectory")["outcome"]
    members = values_by_course(analysis, features, names, fates.index)
    p_values, lengths = _null_p_values(members, fates, names, high_percentile, draws, seed)
    keys = list(table[["course", "outcome", "feature"]].itertuples(index=False, name=None))
    table["p_value"], table["p_block"] = np.array([p_values.get(key, (np.nan, np.nan)) for key in keys]).reshape(-1, 2).T
    table["block_frames"] = pd.array([lengths.get(key[:2]) for key in keys], dtype="Int64")
    return table


def summarize_deltas(effects: pd.DataFrame, outcomes: Mapping[str, str], *, bootstrap: int, seed: int) -> pd.DataFrame:
    """Median and bootstrap interval of cliffs_delta per course, outcome and feature; ``unit`` names what is resampled together."""

    def resampled(deltas: np.ndarray, units: np.ndarray) -> Interval:
        _, low, high = median_with_interval(deltas, units, resamples=bootstrap, seed=seed)
        return Interval(low, high, (0, 0), None, None if low == low else "fewer than two trajectories")

    return _summarized(effects, outcomes, resampled)


def _summarized(effects: pd.DataFrame, outcomes: Mapping[str, str], interval: Callable[[np.ndarray, np.ndarray], Interval]) -> pd.DataFrame:
    """A row for each course, outcome and feature, without p-values; ``interval`` takes deltas and their units."""
    rows = []
    features = list(dict.fromkeys(effects["feature"]))
    for course in dict.fromkeys(effects["course"]):
        of_course = effects[(effects["course"] == course) & effects["cliffs_delta"].notna()]
        for outcome in (outcomes["negative"], outcomes["positive"]):
            for feature in features:
                own = of_course[(of_course["outcome"] == outcome) & (of_course["feature"] == feature)]
                rows.append({"outcome": outcome, "feature": feature, "course": course, **_summary_of(own, interval)})
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS).astype({"block_frames": "Int64"})


def _summary_of(own: pd.DataFrame, interval: Callable[[np.ndarray, np.ndarray], Interval]) -> dict[str, object]:
    deltas = own["cliffs_delta"].to_numpy(float)
    found = interval(deltas, own["unit"].to_numpy())
    median = float(np.median(deltas)) if len(deltas) else np.nan
    tested = own["p_value"].dropna()
    return {
        "n_trajectories": len(own),
        "median_delta": median,
        "ci_low": found.low,
        "ci_high": found.high,
        "p_value": np.nan,
        "q_value": np.nan,
        "band": effect_band(median),
        "reason": found.reason,
        "n_units": own["unit"].nunique(),
        "opposite_share": opposite_share(deltas),
        "paper_share": float((tested < LEVEL).mean()) if len(tested) else np.nan,
        "block_frames": pd.NA,
        "p_block": np.nan,
        "q_block": np.nan,
    }


def _null_p_values(
    members: Sequence[tuple[str, dict[str, np.ndarray], np.ndarray]],
    fates: pd.Series,
    names: Sequence[str],
    high_percentile: float,
    draws: int,
    seed: int,
) -> tuple[dict[tuple[str, str, str], tuple[float, float]], dict[tuple[str, str], int]]:
    """p-values of the medians {(course, outcome, feature): (p by shifts, p by blocks)}, and the blocks' frames {(course, outcome): n}.

    ``members`` are those of :func:`values_by_course`, ``fates`` the outcome of each by its name.
    """
    grouped: dict[tuple[str, str], list[tuple[np.ndarray, np.ndarray]]] = {}
    for name, sets, weights in members:
        for course, values in sets.items():
            grouped.setdefault((course, fates[name]), []).append((values, high_attention(weights, high_percentile)))
    p_values, lengths = {}, {}
    for key, own in progress(grouped.items(), "summarize_effects", unit="outcome"):
        lengths[key] = block_length([values for values, _ in own])
        shifted = [deltas_of_shifts(values, high) for values, high in own]
        blocks = [
            deltas_of_blocks(values, high, lengths[key], draws=BLOCK_DRAWS, seed=[seed, place]) for place, (values, high) in enumerate(own)
        ]
        for column, name in enumerate(names):
            nulls = ([deltas[:, column] for deltas in of_all] for of_all in (shifted, blocks))
            p_values[*key, name] = tuple(circular_shift_p_value(null, draws=draws, seed=seed) for null in nulls)
    return p_values, lengths
