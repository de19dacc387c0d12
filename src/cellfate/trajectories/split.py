"""Dividing trajectories into training, validation and test so that no unit (recording, group, lineage, track) is in two parts."""

import numpy as np
import pandas as pd

from cellfate.base.errors import InputError
from cellfate.trajectories.confidence import DOUBTFUL
from cellfate.trajectories.selection import count_stage, selection_flow

UNITS = ("recording", "group", "lineage", "track")
SOURCE_CODE = "source_code"  # not a unit: the published source's own split of the published cells
SOURCE_FRACTIONS = (0.8, 0.1, 0.1)
SOURCE_SEED = 42
PARTS = ("train", "validation", "test")
STARTS = 200  # random assignments to start from
SWAPS = 4000  # exchanges tried to even them out


def split_trajectories(
    trajectories: pd.DataFrame,
    *,
    unit: str,
    folds: int,
    fractions: tuple[float, float, float] | list[float],
    seed: int,
    min_frames: int,
    cells: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The split table (trajectory, fold, split) of all usable trajectories; tracks without a fate but with more than
    ``min_frames`` frames are ``unlabelled`` in every fold, but for those left out as doubtful.

    ``folds=1``: whole units go to train, validation and test by ``fractions`` (of the number of units), as even in outcome and
    treatment as can be found. ``folds=k``: the units form k parts; part f is the test of fold f, part f + 1 its validation,
    the rest trains. ``unit="track"`` is the paper's random split: each track on its own, stratified by outcome over all tracks
    with a fate before the length filter. ``unit="source_code"`` is the very split of the published source, see
    :func:`source_parts`, on the tracks in the order of ``cells`` (recording, track_id), without it in that of the table. The others
    are deterministic for a seed. Raises InputError when there are too few units or when a part of a fold lacks an outcome.
    """
    _check_settings(unit, folds, fractions)
    shares = list(fractions) if folds == 1 else [1 / folds] * folds
    rng = np.random.default_rng(seed)
    if unit == "track":
        fated = trajectories[trajectories["label"].notna()]
        parts = pd.Series(_stratified_parts(fated["label"].to_numpy(int), shares, rng), fated["trajectory"])
        parts = parts.loc[fated.loc[fated["usable"], "trajectory"]]
    elif unit == SOURCE_CODE:
        fated = in_order_of(cells, trajectories)
        fated = fated[fated["label"].notna()]
        parts = pd.Series(source_parts(fated["label"].to_numpy(int)), fated["trajectory"])[fated["usable"].to_numpy()]
    else:
        parts = _parts_of_units(trajectories[trajectories["usable"]], unit, shares, rng)
    split = _folds_of_parts(parts, folds)
    _check_parts(split, trajectories, unit)
    return pd.concat([split, _unlabelled(trajectories, folds, min_frames)], ignore_index=True).sort_values(
        ["fold", "trajectory"], ignore_index=True
    )


def _check_settings(unit: str, folds: int, fractions) -> None:
    if unit not in (*UNITS, SOURCE_CODE):
        raise InputError(f"split.unit is {unit!r}; one of {', '.join((*UNITS, SOURCE_CODE))} is needed")
    if unit == SOURCE_CODE and (folds != 1 or not np.allclose(fractions, SOURCE_FRACTIONS)):
        wanted = f"one split (split.folds: 1) by {list(SOURCE_FRACTIONS)}"
        raise InputError(f"split.unit is {unit}, which is {wanted}; folds is {folds}, fractions {list(fractions)}")
    if folds < 1 or folds == 2:
        raise InputError(f"split.folds is {folds}; 1 (one split) or at least 3 (test, validation and training parts) is needed")
    if len(fractions) != len(PARTS) or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
        raise InputError(
            f"split.fractions is {list(fractions)}; three positive numbers (train, validation, test) that add up to 1 are needed"
        )


def in_order_of(cells: pd.DataFrame | None, trajectories: pd.DataFrame) -> pd.DataFrame:
    """The trajectories in the order of ``cells`` (recording, track_id), which must name the same recordings; None: as they are."""
    if cells is None:
        return trajectories
    for missing, where in (
        (set(cells["recording"]) - set(trajectories["recording"]), "of the annotation file is not in the recordings sheet"),
        (set(trajectories["recording"]) - set(cells["recording"]), "is not in the annotation file"),
    ):
        if missing:
            raise InputError(f"split.unit is {SOURCE_CODE}, the source's split of all cells, but recording {min(missing)} {where}")
    names = cells["recording"] + "/" + cells["track_id"].astype(str)
    places = trajectories["trajectory"].map(pd.Series(np.arange(len(names)), names))
    if places.isna().any():
        unknown = trajectories.loc[places.isna(), "trajectory"].iloc[0]
        raise InputError(f"split.unit is {SOURCE_CODE}, but trajectory {unknown} is no cell of the annotation file")
    return trajectories.iloc[np.argsort(places.to_numpy(), kind="stable")]


def source_parts(labels: np.ndarray) -> np.ndarray:
    """Part number of each track (N,) as the published source has it: two calls of scikit-learn's ``train_test_split``.

    The first keeps 0.8 for training, the second halves the rest into validation and test, both with random state 42 and
    stratified by ``labels`` (N,); the order of the tracks matters.
    """
    from sklearn.model_selection import train_test_split  # a second, which other splits are spared

    try:
        train, rest = train_test_split(np.arange(len(labels)), train_size=0.8, random_state=SOURCE_SEED, stratify=labels)
        validation, test = train_test_split(rest, train_size=0.5, random_state=SOURCE_SEED, stratify=labels[rest])
    except ValueError as error:
        raise InputError(f"split.unit is {SOURCE_CODE}, but {len(labels)} tracks with a fate cannot be split so: {error}") from None
    parts = np.empty(len(labels), int)
    for part, members in enumerate((train, validation, test)):
        parts[members] = part
    return parts


def _stratified_parts(labels: np.ndarray, shares: list[float], rng: np.random.Generator) -> np.ndarray:
    """Part number of each track; each label is dealt out by ``shares`` on its own."""
    parts = np.empty(len(labels), int)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        bounds = np.round(np.cumsum(shares)[:-1] * len(members)).astype(int)
        parts[members] = np.searchsorted(bounds, np.arange(len(members)), side="right")
    return parts


def _parts_of_units(usable: pd.DataFrame, unit: str, shares: list[float], rng: np.random.Generator) -> pd.Series:
    """Part number of each usable trajectory, indexed by its name; whole units stay together."""
    names = _unit_names(usable, unit)
    units, codes = np.unique(names, return_inverse=True)
    needed = len(shares)
    if len(units) < needed:
        raise InputError(
            f"split.unit is {unit}: only {len(units)} {unit}{'s' * (len(units) != 1)} with usable trajectories ({', '.join(units[:5])}), "
            f"at least {needed} are needed; {_alternatives(unit)}"
        )
    strata = usable["label"].astype(int).astype(str) + " " + usable["treatment"]
    counts = pd.crosstab(codes, strata).to_numpy(float)
    classes = pd.crosstab(codes, usable["label"].astype(int)).to_numpy(float)
    parts = _balanced_parts(counts, classes, _sizes(len(units), shares), rng)
    return pd.Series(parts[codes], usable["trajectory"].to_numpy())


def _unit_names(usable: pd.DataFrame, unit: str) -> np.ndarray:
    empty = usable[unit].isna()
    if empty.any():
        recording = usable.loc[empty, "recording"].iloc[0]
        raise InputError(
            f"split.unit is {unit}, but {unit} is empty for recording {recording}; fill it in the sheet; {_alternatives(unit)}"
        )
    return usable[unit].astype(str).to_numpy()


def _alternatives(unit: str) -> str:
    others = [name for name in UNITS if name != unit]
    return f"split.unit can also be {', '.join(others[:-1])} or {others[-1]}"


def _sizes(n: int, shares: list[float]) -> np.ndarray:
    """How many of ``n`` units each part gets: by ``shares``, at least one each."""
    shares = np.asarray(shares) / np.sum(shares)
    sizes = np.maximum(1, np.floor(shares * n).astype(int))
    while sizes.sum() != n:
        short = shares * n - sizes
        step = 1 if sizes.sum() < n else -1
        allowed = np.where((sizes + step >= 1), short * step, -np.inf)
        sizes[np.argmax(allowed)] += step
    return sizes


def _balanced_parts(counts: np.ndarray, classes: np.ndarray, sizes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Part number of each unit: the evenest of ``STARTS`` random assignments, then improved by ``SWAPS`` random exchanges.

    ``counts`` (U, C) are each unit's trajectories per outcome and treatment, ``classes`` (U, 2) per outcome.
    """
    parts = np.repeat(np.arange(len(sizes)), sizes)
    target = sizes[:, None] / sizes.sum() * counts.sum(axis=0)
    columns = np.hstack([counts, classes])

    def unevenness(sums: np.ndarray) -> float:
        spread = ((sums[:, : counts.shape[1]] - target) ** 2 / target).sum()
        return spread + 1e6 * (sums[:, counts.shape[1] :] == 0).sum()

    def sums_of(assigned: np.ndarray) -> np.ndarray:
        sums = np.zeros((len(sizes), columns.shape[1]))
        np.add.at(sums, assigned, columns)
        return sums

    starts = [rng.permutation(parts) for _ in range(STARTS)]
    best = min(starts, key=lambda assigned: unevenness(sums_of(assigned)))
    sums = sums_of(best)
    value = unevenness(sums)
    for a, b in rng.integers(0, len(best), size=(SWAPS, 2)):
        if best[a] != best[b]:
            changed = sums.copy()
            changed[best[a]] += columns[b] - columns[a]
            changed[best[b]] += columns[a] - columns[b]
            if (new := unevenness(changed)) < value:
                sums, value = changed, new
                best[a], best[b] = best[b], best[a]
    return best


def _folds_of_parts(parts: pd.Series, folds: int) -> pd.DataFrame:
    """Rows (trajectory, fold, split) from part numbers: as they are for one fold, rotating for several."""
    tables = []
    for fold in range(folds):
        if folds == 1:
            names = np.array(PARTS)[parts.to_numpy()]
        else:
            distance = (parts.to_numpy() - fold) % folds
            names = np.select([distance == 0, distance == 1], ["test", "validation"], "train")
        tables.append(pd.DataFrame({"trajectory": parts.index, "fold": fold, "split": names}))
    return pd.concat(tables, ignore_index=True)


def _check_parts(split: pd.DataFrame, trajectories: pd.DataFrame, unit: str) -> None:
    """Every part of every fold needs both outcomes: to learn, to choose the best epoch, to test."""
    fated = trajectories.set_index("trajectory")
    names = fated[fated["label"].notna()].groupby("label")["outcome"].first()
    labels = split["trajectory"].map(fated["label"]).astype(int)
    counts = pd.crosstab([split["fold"], split["split"]], labels).reindex(columns=[0, 1], fill_value=0)
    for fold in sorted(split["fold"].unique()):
        for part in PARTS:
            row = counts.loc[(fold, part)] if (fold, part) in counts.index else pd.Series({0: 0, 1: 0})
            if row.min() == 0:
                have = ", ".join(f"{names.get(label, label)} {row[label]}" for label in (0, 1))
                total = ", ".join(
                    f"{names.get(label, label)} {n}" for label, n in fated.loc[fated["usable"], "label"].value_counts().items()
                )
                raise InputError(
                    f"fold {fold}: the {part} part has {have} trajectories, both outcomes are needed (usable in all: {total}); "
                    f"use other fractions, fewer folds, or another unit: {_alternatives(unit)}"
                )


def _unlabelled(trajectories: pd.DataFrame, folds: int, min_frames: int) -> pd.DataFrame:
    followed = trajectories["label"].isna() & (trajectories["n_frames"] > min_frames) & (trajectories["reason"] != DOUBTFUL)
    names = trajectories.loc[followed, "trajectory"]
    return pd.concat([pd.DataFrame({"trajectory": names, "fold": fold, "split": "unlabelled"}) for fold in range(folds)], ignore_index=True)


def split_flow(trajectories: pd.DataFrame, split: pd.DataFrame) -> pd.DataFrame:
    """The flow table: tracks, with a fate, long enough, then each part of each fold, per outcome and treatment."""
    stages = [selection_flow(trajectories)]
    for fold in sorted(split["fold"].unique()):
        for part in PARTS:
            members = split.loc[(split["fold"] == fold) & (split["split"] == part), "trajectory"]
            stage = part if split["fold"].nunique() == 1 else f"fold {fold} {part}"
            stages.append(count_stage(trajectories[trajectories["trajectory"].isin(members)], stage))
    return pd.concat(stages, ignore_index=True)
