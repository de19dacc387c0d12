"""The published numbers, and our numbers beside them (Bürger et al. 2026, arXiv:2603.16562, and its reference results)."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from cellfate.base.causes import in_words
from cellfate.base.errors import InputError
from cellfate.base.files import replacing

PUBLISHED_DATASET = "published"  # config: dataset
TREATED = "cisplatin"  # the paper's treated test recordings, a scope of the metrics tables
PAPER = "Bürger et al. 2026"
MOST_FRAMES = 1_000_000  # of a track, in the curves of the reference results
KEY = ["quantity", "scope", "condition", "n", "class"]
COLUMNS = [*KEY, "ours", "ci_low", "ci_high", "published", "difference", "comparable", "reason", "source"]

# Published values: quantity, class (role in the config's outcomes, or all), value. The test set has 2,089 trajectories.
# Values with four decimals are those of the reference results, which the paper rounds.
TEST_SET = (
    ("n_trajectories", "all", 2089, "section 3.1"),
    ("n_trajectories", "negative", 439, "section 3.1"),
    ("n_trajectories", "positive", 1650, "section 3.1"),
    ("balanced_accuracy", "all", 0.9394, "section 3.1 and reference results"),
    ("f1_macro", "all", 0.9326, "section 3.1"),
    ("log_loss", "all", 0.1386, "reference results"),
    ("recall", "negative", 0.9134, "figure 2: 401 of 439"),
    ("precision", "negative", 0.8755, "figure 2: 401 of 458"),
    ("recall", "positive", 0.9655, "figure 2: 1593 of 1650"),
    ("precision", "positive", 0.9767, "figure 2: 1593 of 1631"),
)
TREATED_SET = (
    ("n_trajectories", "negative", 243, "reference results"),
    ("n_trajectories", "positive", 242, "reference results"),
    ("balanced_accuracy", "all", 0.958, "section 3.1.1"),
    ("recall", "negative", 0.955, "section 3.1.1"),
    ("recall", "positive", 0.963, "section 3.1.1"),
)
# Points of the curves of figure 3 that the text gives: condition, n, quantity, class, value
CURVE_POINTS = (
    ("truncation", 0, "balanced_accuracy", "all", 0.958),
    ("truncation", 5, "balanced_accuracy", "all", 0.905),
    ("truncation", 20, "balanced_accuracy", "all", 0.898),
    ("truncation", 50, "balanced_accuracy", "all", 0.618),
    ("truncation", 50, "recall", "negative", 0.893),
    ("truncation", 5, "recall", "positive", 0.851),
    ("truncation", 25, "recall", "positive", 0.839),
    ("truncation", 50, "recall", "positive", 0.342),
    ("last_k", 5, "balanced_accuracy", "all", 0.815),
    ("last_k", 80, "balanced_accuracy", "all", 0.955),
    ("last_k", 5, "recall", "negative", 0.687),
    ("last_k", 80, "recall", "negative", 0.946),
    ("last_k", 5, "recall", "positive", 0.942),
    ("last_k", 10, "recall", "positive", 0.959),
    ("last_k", 15, "recall", "positive", 0.938),
)
# Median Cliff's delta, treated recordings: outcome's role, feature, value
EFFECTS = (
    ("positive", "intensity_mean-p53", 0.824),
    ("positive", "area", 0.404),
    ("positive", "eccentricity", -0.396),
    ("negative", "intensity_mean-p53", 0.549),
    ("negative", "area", 0.221),
    ("negative", "eccentricity", 0.062),
)
# Attention profile: outcome's role, frames before the end, value
PROFILE = (
    ("positive", 0, 1.0),
    ("positive", 1, 0.62),
    ("positive", 10, 0.22),
    ("negative", 5, 1.0),
    ("negative", 0, 0.88),
    ("negative", 30, 0.42),
    ("negative", 45, 0.07),
)
CURVE_COLUMNS = {
    "Accuracy": ("balanced_accuracy", "all"),
    "F1_macro": ("f1_macro", "all"),
    "F1": ("f1_macro", "all"),
    "Loss": ("log_loss", "all"),
}
CURVE_COLUMNS |= {
    f"{title}_class_{name}": (metric, role)
    for title, metric in (("F1", "f1"), ("Precision", "precision"), ("Recall", "recall"))
    for name, role in (("Apoptosis", "negative"), ("Mitosis", "positive"))
}


def published_values(outcomes: dict[str, str], *, reference: str | Path | None) -> pd.DataFrame:
    """All published values: quantity, scope, condition, n, class, published, source.

    ``outcomes`` names the classes. ``reference`` is a folder with truncation_cisplatin.csv, truncation_all.csv and the two
    last_k files of the reference results; without it the curves have only the points that the paper's text gives.
    """
    rows = [(q, "all", "full", 0, c, v, f"{PAPER}, {where}") for q, c, v, where in TEST_SET]
    rows += [(q, TREATED, "full", 0, c, v, f"{PAPER}, {where}") for q, c, v, where in TREATED_SET]
    if reference is None:
        rows += [(q, TREATED, condition, n, c, v, f"{PAPER}, section 3.1.1") for condition, n, q, c, v in CURVE_POINTS]
    else:
        for condition in ("truncation", "last_k"):
            for scope, ending in ((TREATED, TREATED), ("all", "all")):
                rows += read_reference_curve(Path(reference) / f"{condition}_{ending}.csv", condition, scope)
    rows += [(f"median_delta: {f}", TREATED, "effects", 0, c, v, f"{PAPER}, effect sizes behind figure 5") for c, f, v in EFFECTS]
    rows += [("attention_profile", TREATED, "frames_before_end", n, c, v, f"{PAPER}, section 3.2.1") for c, n, v in PROFILE]
    table = pd.DataFrame(rows, columns=[*KEY, "published", "source"])
    table["class"] = table["class"].replace(outcomes)
    return table.drop_duplicates(KEY, ignore_index=True)


def read_reference_curve(path: str | Path, condition: str, scope: str) -> list[tuple]:
    """Rows of one curve of the reference results (``;``-separated; the column Truncation is n).

    Raises InputError with file, row and value for a missing file or column, an empty or damaged file, cells that are not numbers, n that
    are no whole numbers or stand there twice, scores outside 0 to 1 and losses below 0.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file (reference curve)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row longer than the header
            table = pd.read_csv(path, sep=";", dtype=str, keep_default_na=False, index_col=False, encoding="utf-8-sig")
    except (ValueError, pd.errors.ParserWarning) as error:  # pandas' own errors are ValueErrors
        raise InputError(in_words(error, path, "not readable as a table in UTF-8, separated by ';'")) from error
    if "Truncation" not in table.columns or "Accuracy" not in table.columns:
        raise InputError(
            f"{path}: columns Truncation and Accuracy are needed, separated by ';'; found {', '.join(map(str, table.columns))}"
        )
    steps = _numbers(table, "Truncation", path, MOST_FRAMES)
    _refuse(steps % 1 != 0, table["Truncation"], path, "a whole number of frames is needed")
    _refuse(steps.duplicated(), table["Truncation"], path, "which stands there for the second time")
    rows = []
    for column, (quantity, role) in CURVE_COLUMNS.items():
        if column in table.columns:
            values = _numbers(table, column, path, None if quantity == "log_loss" else 1)
            rows += [(quantity, scope, condition, int(n), role, float(v), path.name) for n, v in zip(steps, values, strict=True)]
    return rows


def _numbers(table: pd.DataFrame, column: str, path: Path, high: float | None) -> pd.Series:
    """Finite numbers from 0 to ``high``, where it is not None."""
    values = pd.to_numeric(table[column], errors="coerce").astype("float64")
    _refuse(values.isna(), table[column], path, "a number is needed")
    _refuse(np.isinf(values), table[column], path, "a finite number is needed")
    _refuse(values < 0, table[column], path, "at least 0 is needed")
    if high is not None:
        _refuse(values > high, table[column], path, f"at most {high} is allowed{': is it in percent?' if high == 1 else ''}")
    return values


def _refuse(bad: pd.Series, values: pd.Series, path: Path, wanted: str) -> None:
    if bad.any():
        row = int(bad.to_numpy().argmax())
        raise InputError(f"{path}: line {row + 2}: {values.name} is {values.iloc[row]!r}, {wanted}")


def compare_published(
    dataset: str,
    metrics: list[pd.DataFrame],
    effects: pd.DataFrame,
    profile: pd.DataFrame,
    outcomes: dict[str, str],
    *,
    treatment: str | None,
    reference: str | Path | None,
    seen: str | None = None,
) -> pd.DataFrame:
    """Ours beside published, one row per published value; ``difference`` is ours minus published.

    ``metrics`` are the metrics tables of the full test set, truncation and last k (cohort "all" is the published one),
    ``effects`` the effect_summary (the published statistic is that with the course kept) and ``profile`` the attention_profile
    table. ``comparable`` is true only where the data are the published ones, we have a value, and nothing of the test set was ``seen``
    in training (:func:`seen_in_training`); ``reason`` says what is missing. Points of the curves that we did not evaluate are left out.
    """
    published = published_values(outcomes, reference=reference)
    ours = pd.concat(
        [*(_metric_values(table, outcomes) for table in metrics), _other_values(effects, profile, treatment)], ignore_index=True
    )
    table = published.merge(ours.drop_duplicates(KEY), on=KEY, how="left")
    table = table[table["ours"].notna() | ~table["condition"].isin(["truncation", "last_k"])].reset_index(drop=True)
    table["difference"] = table["ours"] - table["published"]
    of_all = f"the data set is {dataset}, not the published one" if dataset != PUBLISHED_DATASET else seen
    table["reason"] = np.where(table["ours"].isna(), "not measured here", None) if of_all is None else of_all
    table["comparable"] = table["reason"].isna()
    return table[COLUMNS]


def seen_in_training(checkpoint: str | Path | None, unit: str, order_known: bool) -> str | None:
    """Why a test set may hold cells that the imported ``checkpoint`` was trained on; None where it does not, or none was imported.

    Only the source's own split (``unit`` source_code), on the cells in the order of the annotation file, holds out what it held out.
    """
    if checkpoint is None:
        return None
    trained = "the imported checkpoint was trained on cells of this test set"
    if unit != "source_code":
        return f"split.unit is {unit}: {trained}; split.unit: source_code holds out what the published source held out"
    return None if order_known else f"{trained}: the order of the cells in the annotation file is known with source.kind: download alone"


def write_comparison(table: pd.DataFrame, path: str | Path) -> None:
    """Write the comparison as CSV, numbers with six significant digits."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")


def _metric_values(table: pd.DataFrame, outcomes: dict[str, str]) -> pd.DataFrame:
    """Values of one metrics table under the published names, with the number of trajectories as a quantity."""
    rows = table[table["cohort"] == "all"].rename(columns={"metric": "quantity", "value": "ours"})
    sized = rows[rows["quantity"].isin(["recall", "balanced_accuracy"])]
    counts = sized.assign(quantity="n_trajectories", ours=sized["n_trajectories"].astype(float), ci_low=float("nan"), ci_high=float("nan"))
    return pd.concat([rows, counts])[[*KEY, "ours", "ci_low", "ci_high"]]


def _other_values(effects: pd.DataFrame, profile: pd.DataFrame, treatment: str | None) -> pd.DataFrame:
    """Effect sizes and attention profile in the same columns."""
    scope = "all" if treatment is None else treatment
    deltas = effects[effects["course"] == "kept"].rename(columns={"outcome": "class", "median_delta": "ours"})
    deltas = deltas.assign(quantity="median_delta: " + deltas["feature"], scope=scope, condition="effects", n=0)
    attention = profile.rename(columns={"outcome": "class", "profile": "ours", "frames_before_end": "n"})
    attention = attention.assign(quantity="attention_profile", scope=scope, condition="frames_before_end")
    columns = [*KEY, "ours", "ci_low", "ci_high"]
    return pd.concat([deltas[columns], attention[columns]], ignore_index=True)
