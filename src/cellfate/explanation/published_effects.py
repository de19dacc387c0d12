"""The published effect sizes of single trajectories, their files' words mapped to ours, as the table of figure 5."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError
from cellfate.explanation.effects import KEPT, summarize_deltas

TREATED_DOSES = ("Low", "Medium", "High")  # the recordings with cisplatin
DOSES = (*TREATED_DOSES, "Control", "Unknown")
OUTCOME_WORDS = {"negative": ("death", "apoptosis"), "positive": ("division", "mitosis")}
SHAPE_WORDS = {
    "area": ("area",),
    "perimeter": ("perimeter",),
    "eccentricity": ("eccentricity",),
    "equivalent_diameter_area": ("equivalent_diameter_area", "equivalent_diameter", "diameter"),
    "solidity": ("solidity",),
    "circularity": ("circularity",),
    "n_neighbors": ("n_neighbors", "n_neighbours", "num_neighbors", "num_neighbours", "neighbors", "neighbours"),
}
REPORTERS = ("circadian", "p53", "cell_cycle")
INTENSITY_WORDS = ("{}", "intensity_mean_{}", "mean_intensity_{}", "intensity_{}")
FEATURE_WORDS = {word: feature for feature, words in SHAPE_WORDS.items() for word in words}
FEATURE_WORDS |= {pattern.format(name): f"intensity_mean-{name}" for name in REPORTERS for pattern in INTENSITY_WORDS}
COLUMNS = {"Dosage": "dose", "p-value": "p_value", "Cliff's Delta": "cliffs_delta"}


def summarize_published_effects(
    folder: str | Path, outcomes: Mapping[str, str], doses: Sequence[str] = TREATED_DOSES, *, bootstrap: int, seed: int
) -> pd.DataFrame:
    """The effect_summary table of a folder of published effect sizes; p_value and q_value are null."""
    return summarize_deltas(read_published_effects(folder, outcomes, doses), outcomes, bootstrap=bootstrap, seed=seed)


def read_published_effects(folder: str | Path, outcomes: Mapping[str, str], doses: Sequence[str] = TREATED_DOSES) -> pd.DataFrame:
    """Per-trajectory effect sizes as published: files ``<outcome>_<feature>.csv`` in ``folder``, separated by semicolons.

    ``Death`` and ``Division`` are the outcomes that the configuration calls negative and positive (:func:`meaning_of`). ``doses``
    are the rows to keep: with Low, Medium and High, the recordings with cisplatin, the medians are the published ones (mitosis
    p53 0.824). Gives outcome, feature, course (kept), dose, p_value, cliffs_delta and unit (each trajectory on its own; the
    files do not name them). Raises InputError with the file and the word, value or column that is not known.
    """
    paths = [path for path in sorted(Path(folder).glob("*.csv")) if not path.name.startswith(".")]
    if not paths:
        raise InputError(f"{folder}: no files <outcome>_<feature>.csv")
    seen: dict[tuple[str, str], Path] = {}
    tables = []
    for path in paths:
        outcome, feature = meaning_of(path, outcomes)
        if (outcome, feature) in seen:
            raise InputError(f"{path}: {feature} of {outcome} is in {seen[outcome, feature].name} too; one file for each is needed")
        seen[outcome, feature] = path
        tables.append(_read_effects(path, doses).assign(outcome=outcome, feature=feature))
    effects = pd.concat(tables, ignore_index=True)
    return effects.assign(course=KEPT, unit=np.arange(len(effects)))


def meaning_of(path: Path, outcomes: Mapping[str, str]) -> tuple[str, str]:
    """The outcome, as ``outcomes`` (negative, positive) call it, and the feature of our tables that the name of a file means.

    Upper and lower case are the same. Raises InputError with the file and the word for an outcome or feature that is not known.
    """
    words, name = _outcome_words(outcomes), _plain(path.stem)
    found = max((word for word in words if name.startswith(f"{word}_")), key=len, default=None)
    if found is None:
        known = ", ".join(sorted(words))
        raise InputError(f"{path}: {path.stem.split('_', 1)[0]!r} is no known outcome (<outcome>_<feature>.csv); known are {known}")
    feature = name[len(found) + 1 :]
    if feature not in FEATURE_WORDS:
        raise InputError(f"{path}: {feature!r} is no known feature; known are {', '.join(sorted(FEATURE_WORDS))}")
    return words[found], FEATURE_WORDS[feature]


def _outcome_words(outcomes: Mapping[str, str]) -> dict[str, str]:
    """Our name of each word for an outcome; the configuration's own names come before those of the published files."""
    published = {word: outcomes[role] for role, words in OUTCOME_WORDS.items() for word in words}
    return published | {_plain(name): name for name in outcomes.values()}


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_")


def _read_effects(path: Path, doses: Sequence[str]) -> pd.DataFrame:
    """The rows (dose, p_value, cliffs_delta) of one file with one of ``doses``, which must not be none."""
    try:
        table = pd.read_csv(path, sep=";", dtype=str)
    except ValueError as error:
        raise InputError(in_words(error, path)) from None
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise InputError(f"{path}: column {missing[0]} is missing; found {', '.join(table.columns)}")
    table = table[list(COLUMNS)].rename(columns=COLUMNS)
    strange = ~table["dose"].isin(DOSES)
    if strange.any():
        row = int(strange.to_numpy().argmax())
        raise InputError(f"{path}: line {row + 2}: Dosage is {table['dose'].iloc[row]!r}, one of {', '.join(DOSES)} is needed")
    for title, column in list(COLUMNS.items())[1:]:
        table[column] = _numbers(table[column], title, path)
    chosen = table[table["dose"].isin(doses)]
    if chosen.empty:
        found = ", ".join(table["dose"].unique()) or "no rows"
        raise InputError(f"{path}: no trajectory with Dosage {', '.join(doses)}; found {found}")
    return chosen


def _numbers(values: pd.Series, title: str, path: Path) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce")
    low = 0 if COLUMNS[title] == "p_value" else -1
    wrong = values.notna() & ~numbers.between(low, 1)  # an empty cell is a trajectory without a value
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise InputError(f"{path}: line {row + 2}: {title} is {values.iloc[row]!r}, a number from {low} to 1 is needed")
    return numbers
