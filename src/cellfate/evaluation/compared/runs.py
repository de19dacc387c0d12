"""A finished run as its folder keeps it: what it predicted, of which trajectories, and with which settings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cellfate.base.errors import InputError
from cellfate.base.files import load_json
from cellfate.base.tables import check_table, read_table
from cellfate.evaluation.compared.tables import RUN_PREDICTIONS
from cellfate.evaluation.pooling import PREFERENCE
from cellfate.model.calibration import called_positive
from cellfate.statistics.reliability import log_odds
from cellfate.trajectories.tables import SPLIT, TRAJECTORIES

CONFIGURATION = "configuration.json"
NOT_SETTINGS = ("best", "fold", "scaling.mean", "scaling.std", "software")  # in a model's settings.json: what came of the training
CALIBRATED = ("probability_calibrated", "probability")  # columns of the tables of predictions; the first that is there


@dataclass(frozen=True)
class Run:
    """``predictions`` are the held-out ones of all folds: trajectory, fold, condition, n, label, logit, log_odds (calibrated)."""

    name: str
    folder: Path
    predictions: pd.DataFrame
    trajectories: pd.DataFrame
    split: pd.DataFrame
    settings: Mapping[str, object] | None  # of the first fold's model, by dotted names; None where they are not there
    configuration: Mapping[str, object] | None  # of the whole run, the same way; an older version keeps none
    software: str | None

    @property
    def outcomes(self) -> tuple[str, str]:
        """The outcomes that have the labels 0 and 1."""
        of_label = self.trajectories.dropna(subset="label").groupby("label")["outcome"].first()
        return of_label[0], of_label[1]


def read_run(folder: str | Path, name: str) -> Run:
    """The run in ``folder``, which is results/{dataset}/{protocol}. Raises InputError where that is no run, or has no predictions yet."""
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; a run is results/<dataset>/<protocol>")
    if (folder / "MODEL_CARD.md").exists():
        raise InputError(f"{folder}: an exported model; runs are compared, results/<dataset>/<protocol>")
    files = sorted(folder.glob("fold-*/predictions.parquet"))
    if not files:
        raise InputError(f"{folder}: no fold-*/predictions.parquet; a finished run is needed, results/<dataset>/<protocol>")
    trajectories = read_table(folder / "trajectories.parquet", TRAJECTORIES)
    split = read_table(folder / "split.parquet", SPLIT)
    predictions = _held_out(pd.concat([_read_predictions(path) for path in files], ignore_index=True))
    settings, software = _settings(files[0].parent / "model/settings.json")
    configuration = _read_settings(folder / CONFIGURATION)
    flat = None if configuration is None else dict(_flat(configuration))
    return Run(name, folder, predictions, trajectories, split, settings, flat, software)


def _read_predictions(path: Path) -> pd.DataFrame:
    """A table of predictions of this or an older version: the calibrated probability has had two names."""
    rows = read_table(path, RUN_PREDICTIONS)
    column = next((name for name in CALIBRATED if name in rows), None)
    if column is None:
        raise InputError(f"{path}: no column of probabilities; there are {', '.join(map(str, rows.columns))}")
    rows = rows[list(RUN_PREDICTIONS.columns)].assign(log_odds=log_odds(rows[column]))
    return check_table(rows, RUN_PREDICTIONS, path)


def _held_out(predictions: pd.DataFrame) -> pd.DataFrame:
    """The labelled test trajectories, each from the first fold that held it out."""
    rows = predictions[(predictions["split"] == PREFERENCE[0]) & predictions["label"].notna()].sort_values("fold", kind="stable")
    rows = rows.drop_duplicates(["trajectory", "condition", "n"])
    return rows.assign(label=rows["label"].astype(int), predicted=called_positive(rows["logit"]).astype(int))


def _settings(path: Path) -> tuple[dict[str, object] | None, str | None]:
    """What a model was trained with, by dotted names, and the version that made it; None where that is not kept."""
    content = _read_settings(path)
    if content is None:
        return None, None
    found = {key: value for key, value in _flat(content) if not any(key == name or key.startswith(f"{name}.") for name in NOT_SETTINGS)}
    return found, content.get("software")


def _read_settings(path: Path) -> dict | None:
    return load_json(path) if path.is_file() else None


def _flat(content: Mapping, start: str = "") -> Iterator[tuple[str, object]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{start}{key}.")
        else:
            yield f"{start}{key}", value


def differing_settings(a: Run, b: Run) -> tuple[str, dict[str, tuple[object, object]] | None]:
    """Settings that differ, {name: (of a, of b)}, None for one that is not there, and whose: those of the runs, or else of the models.

    None in place of the settings where one of the runs keeps neither.
    """
    whose, (one, other) = "runs", (a.configuration, b.configuration)
    if one is None or other is None:
        whose, (one, other) = "models", (a.settings, b.settings)
    if one is None or other is None:
        return whose, None
    pairs = {name: (one.get(name), other.get(name)) for name in dict.fromkeys([*one, *other])}
    return whose, {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
